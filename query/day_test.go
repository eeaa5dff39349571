package query_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// records returns the rows of a report.
func records(t *testing.T, pool *pgxpool.Pool, name string, f query.Filter) (rows []map[string]any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(answer(t, pool, report(name, f), "json")), &rows))
	return rows
}

// column adds up a column of rows.
func column(rows []map[string]any, name string) (sum int64) {
	for _, r := range rows {
		if n, ok := r[name].(float64); ok {
			sum += int64(n)
		}
	}
	return sum
}

func dayOf(t *testing.T, pool *pgxpool.Pool, f query.Filter, day string, now time.Time) *query.Day {
	t.Helper()
	d, err := query.DayOf(t.Context(), pool, f, day, now)
	require.NoError(t, err)
	return d
}

// counts writes a list by the hour, with - for hours that were not watched.
func counts(list []*int64) (text string) {
	for _, n := range list {
		if n == nil {
			text += "-"
		} else {
			text += strconv.FormatInt(*n, 10)
		}
		text += " "
	}
	return text
}

// The figures of a day are those of the reports, also in a time zone whose day begins at half
// past six in the evening (UTC).
func TestDayOf_GeneratedDays_AgreesWithReports(t *testing.T) {
	t.Parallel()
	pool := (&fleet{cameras: 3, past: 3 * 24 * time.Hour, every: time.Minute, people: 20}).open(t)
	now := time.Now().UTC().Add(-36 * time.Hour).Truncate(time.Minute)
	for _, f := range []query.Filter{{TZ: "Asia/Kolkata"}, {TZ: "Europe/Berlin", Camera: "cam-2"}, {Zone: "yard"}} {
		d := dayOf(t, pool, f, "", now)
		require.True(t, d.InProgress)
		span := f
		span.Since, span.Until = d.Since, now
		crossed, people := span, span
		crossed.Zone, crossed.Bucket, crossed.Class = "", "1h", "person"
		people.Bucket = "1h"
		in := records(t, pool, "crossings", crossed)
		require.Positive(t, d.In.N)
		require.Equal(t, column(in, "in"), d.In.N)
		require.Equal(t, column(in, "out"), d.Out.N)
		watched := records(t, pool, "people", people)
		require.Equal(t, column(watched, "seconds"), d.Watched.Seconds)
		if f.Zone == "" {
			tracks := span
			tracks.Class = "person"
			require.EqualValues(t, len(records(t, pool, "tracks", tracks)), d.People.N)
		}
		for i, c := range d.Cameras {
			of := people
			of.Camera = c.Camera
			for n, r := range records(t, pool, "people", of) {
				require.EqualValues(t, r["max_people"], *c.InView.ByHour[n], "hour %d of camera %d", n, i)
			}
		}
		busiest := records(t, pool, "busiest", people)
		require.NotEmpty(t, busiest)
		require.NotNil(t, d.Busiest)
		dwell := span
		dwell.Bucket = "1h"
		stays := records(t, pool, "dwell", dwell)
		var visits int64
		for _, z := range d.Zones {
			visits += z.Visits.N
		}
		require.Equal(t, column(stays, "n"), visits)
	}
}

// A day before has whole hours, and a day that nobody watched no figures at all.
func TestDayOf_WatchedInPart_UnwatchedHoursAreNull(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:59:30Z", "2026-05-01 11:01:00Z"}, [2]string{"2026-05-01 13:00:00Z", "2026-05-01 13:00:10Z"})
	addCrossings(t, pool, "gate", "in", "person", "2026-05-01 11:00:35Z", "2026-05-01 11:00:40Z")
	addCrossings(t, pool, "gate", "in", "car", "2026-05-01 11:00:50Z")
	addCrossings(t, pool, "gate", "out", "person", "2026-05-01 13:00:05Z")
	now := at("2026-06-01T00:00:00Z")
	d := dayOf(t, pool, query.Filter{}, "2026-05-01", now)
	require.False(t, d.InProgress)
	require.Equal(t, at("2026-05-02T00:00:00Z"), d.UpTo)
	require.Equal(t, query.Watched{Seconds: 100, Of: 86400}, d.Watched)
	require.Equal(t, "- - - - - - - - - - 0 2 - 0 - - - - - - - - - - ", counts(d.In.ByHour), "a car is no person")
	require.Equal(t, "- - - - - - - - - - 0 0 - 1 - - - - - - - - - - ", counts(d.Out.ByHour))
	require.Equal(t, "- - - - - - - - - - 1 1 - 1 - - - - - - - - - - ", counts(d.People.ByHour), "a track a minute, in the street's data")
	require.EqualValues(t, 1, *d.InView.Most)
	require.Equal(t, at("2026-05-01T10:59:00Z"), *d.InView.MostAt)
	require.Nil(t, d.InView.Now, "the day is over")
	require.Equal(t, at("2026-05-01T10:00:00Z"), d.Busiest.At)
	require.Len(t, d.Zones, 1)
	require.EqualValues(t, 2, d.Zones[0].Visits.N)
	require.InDelta(t, 9, *d.Zones[0].MedianS, 0)
	require.InDelta(t, 29, *d.Zones[0].P90S, 0)

	d = dayOf(t, pool, query.Filter{Line: "gate"}, "2026-05-03", now)
	require.Equal(t, query.Watched{Of: 86400}, d.Watched)
	require.Nil(t, d.Busiest)
	require.Nil(t, d.InView.Most)
	require.Equal(t, "- - - - - - - - - - - - - - - - - - - - - - - - ", counts(d.In.ByHour))
	require.Len(t, d.Lines, 1)
	require.Nil(t, d.In.Usual)
}

// The days on which the clock changes have 23 and 25 hours, and their weeks are compared by
// the clock.
func TestDayOf_ClockChanges_HoursOfTheDay(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-10-25 00:30:00Z", "2026-10-25 00:30:10Z"}, [2]string{"2026-10-25 01:30:00Z", "2026-10-25 01:30:10Z"},
		[2]string{"2026-10-18 08:59:30Z", "2026-10-18 09:00:30Z"})
	addCrossings(t, pool, "gate", "in", "person", "2026-10-25 00:30:05Z", "2026-10-25 01:30:05Z", "2026-10-18 08:59:40Z", "2026-10-18 09:00:10Z")
	berlin := query.Filter{TZ: "Europe/Berlin"}
	d := dayOf(t, pool, berlin, "2026-10-25", at("2026-10-25T10:00:20Z")) // 11:00 by the clock
	require.Len(t, d.Hours, 25)
	require.Equal(t, "- - 1 1 ", counts(d.In.ByHour)[:8], "two hours begin at 02:00")
	require.Equal(t, "2026-10-18", d.Past[0].Day)
	require.Equal(t, query.Watched{Seconds: 20, Of: 12*3600 + 20}, d.Watched, "11 hours by the clock are 12")
	require.EqualValues(t, 1, d.Past[0].In, "until 11:00 of the clock of then, which was 09:00Z")
	require.Len(t, dayOf(t, pool, berlin, "2026-03-29", at("2026-11-01T00:00:00Z")).Hours, 23)
}

// A day in progress is compared with the days before up to the same time, and only with
// those that were watched for about as long.
func TestDayOf_InProgress_ComparesLikeWithLike(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-29 10:00:00Z", "2026-05-29 10:10:00Z"},
		[2]string{"2026-05-22 10:00:00Z", "2026-05-22 12:00:00Z"}, // watched for longer, but not until 10:10
		[2]string{"2026-05-15 10:00:00Z", "2026-05-15 10:03:00Z"}, // watched less
		[2]string{"2026-05-08 10:00:30Z", "2026-05-08 10:10:00Z"})
	addCrossings(t, pool, "gate", "in", "person", "2026-05-29 10:05:00Z", "2026-05-22 10:01:00Z", "2026-05-22 10:02:00Z", "2026-05-22 10:10:00Z",
		"2026-05-15 10:01:00Z", "2026-05-08 10:05:00Z", "2026-05-08 10:05:01Z", "2026-05-08 10:05:02Z", "2026-05-08 10:05:03Z")
	d := dayOf(t, pool, query.Filter{}, "", at("2026-05-29T10:10:30Z"))
	require.Equal(t, "2026-05-29", d.Day)
	require.EqualValues(t, 1, d.In.N)
	require.Equal(t, &query.Usual{Days: 2, Mean: 3, Low: 2, High: 4}, d.In.Usual)
	require.Equal(t, d.In.Usual, d.Lines[0].In.Usual)
	require.Equal(t, []query.PastDay{
		{Day: "2026-05-22", Watched: query.Watched{Seconds: 600, Of: 36600}, Compared: true, In: 2, People: 10},
		{Day: "2026-05-15", Watched: query.Watched{Seconds: 180, Of: 36600}, In: 1, People: 3},
		{Day: "2026-05-08", Watched: query.Watched{Seconds: 570, Of: 36600}, Compared: true, In: 4, People: 10},
		{Day: "2026-05-01", Watched: query.Watched{Of: 36600}},
	}, d.Past)
	require.EqualValues(t, 1, *d.InView.Now)
	require.Equal(t, at("2026-05-29T10:09:59Z"), *d.InView.UpTo)
	require.EqualValues(t, 0, *d.Zones[0].InView.Now)
	d = dayOf(t, pool, query.Filter{}, "", at("2026-05-29T10:12:30Z")) // nothing has come for longer
	require.Nil(t, d.InView.Now)
	require.Nil(t, d.Cameras[0].InView.Now)
	require.Nil(t, d.Zones[0].InView.Now)
	require.Equal(t, at("2026-05-29T10:09:59Z"), *d.Cameras[0].InView.UpTo)
}

func TestDayOf_Staff_LeftOutWhereConfigured(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:02:00Z"})
	addCrossings(t, pool, "gate", "in", "person", "2026-05-01 10:00:35Z", "2026-05-01 10:01:40Z")
	for _, sql := range []string{
		"UPDATE crossings SET track_id = (SELECT track_id FROM tracks WHERE first_at = '2026-05-01 10:00:00Z') WHERE captured_at = '2026-05-01 10:00:35Z'",
		"INSERT INTO staff_rules (camera, rule, days, starts, lasts, tz) VALUES ('yard', 'schedule', '{5}', '09:00', '01:00:30', 'UTC')",
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	d := dayOf(t, pool, query.Filter{}, "2026-05-01", at("2026-06-01T00:00:00Z"))
	require.True(t, d.NoStaff)
	require.EqualValues(t, 1, d.People.N)
	require.EqualValues(t, 1, d.In.N)
	require.EqualValues(t, 1, d.Zones[0].Visits.N)
	f := query.Filter{NoStaff: true, Bucket: "1d"}
	require.Equal(t, column(records(t, pool, "crossings", f), "in"), d.In.N)
	require.Len(t, records(t, pool, "tracks", f), 1)
}

func TestDayOf_Wrong_UsageError(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:00:05Z"})
	for _, day := range []string{"yesterday", "2026-13-01", "0000-01-01", "2026-05-01'; DROP TABLE tracks --", "9999-01-01"} {
		_, err := query.DayOf(t.Context(), pool, query.Filter{}, day, time.Now())
		require.True(t, usage.Is(err), "%s: %v", day, err)
	}
	for _, f := range []query.Filter{{TZ: "Mars/Olympus"}, {TZ: "UTC-5"}, {Camera: "x"}, {Zone: "x"}, {Line: "x"}} {
		_, err := query.DayOf(t.Context(), pool, f, "", time.Now())
		require.True(t, usage.Is(err), "%+v: %v", f, err)
	}
	_, err := pool.Exec(t.Context(), "DROP TABLE visits CASCADE")
	require.NoError(t, err)
	_, err = query.DayOf(t.Context(), pool, query.Filter{}, "", time.Now())
	require.Error(t, err)
	require.False(t, usage.Is(err), fmt.Sprint(err))
}

// The balance of a place is that of its report, with the reset within the day.
func TestDayOf_Places_BalanceOfTheReport(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-04-30 17:59:00Z", "2026-04-30 18:00:00Z"}, [2]string{"2026-05-01 00:00:00Z", "2026-05-01 00:05:00Z"}, [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:05:00Z"})
	addCrossings(t, pool, "gate", "in", "person", "2026-04-30 22:30:00Z", "2026-05-01 00:01:00Z", "2026-05-01 00:02:00Z", "2026-05-01 10:01:00Z", "2026-05-01 10:03:00Z")
	addCrossings(t, pool, "gate", "out", "person", "2026-05-01 10:04:00Z", "2026-05-01 10:02:10Z", "2026-05-01 10:02:20Z")
	for _, sql := range []string{
		"INSERT INTO places (name, reset_at, tz, label, capacity) VALUES ('hall', '04:00', 'UTC', 'person', 9)",
		"INSERT INTO place_lines VALUES (1, 'yard', 'gate', false)",
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	now := at("2026-05-01T10:04:30Z")
	for _, tz := range []string{"UTC", "Europe/Berlin", "Asia/Kolkata"} {
		d := dayOf(t, pool, query.Filter{TZ: tz}, "2026-05-01", now)
		rows := records(t, pool, "balance", query.Filter{TZ: tz, Bucket: "1h", Since: d.Since, Until: now})
		require.Len(t, d.Places, 1)
		p := d.Places[0]
		require.Equal(t, []int64{column(rows, "in"), column(rows, "out"), 9}, []int64{p.In, p.Out, *p.Capacity}, tz)
		require.EqualValues(t, -1, p.Inside, tz)
		require.EqualValues(t, rows[len(rows)-1]["inside"], p.Inside, tz)
		for _, r := range rows {
			begin, err := time.Parse(time.RFC3339, r["hour"].(string))
			require.NoError(t, err)
			for i, hour := range d.Hours {
				if hour.Equal(begin) {
					require.EqualValues(t, r["max_inside"], *p.ByHour[i], "%s %s", tz, begin)
				}
			}
		}
	}
}

// Who stands in a zone and is missed in the newest frames is still on a visit: there are more now
// than in any frame, and the most of the day counts them.
func TestDayOf_MoreNowThanInAnyFrame_MostIncludesNow(t *testing.T) {
	t.Parallel()
	d := dayOf(t, line(t), query.Filter{}, "", at("2026-05-01T10:02:30Z"))
	v := d.Zones[0].InView
	require.EqualValues(t, 2, *v.Now)
	require.EqualValues(t, 2, *v.Most)
	require.Equal(t, at("2026-05-01T10:01:00Z"), *v.MostAt)
	require.EqualValues(t, 2, *v.ByHour[10])
	require.EqualValues(t, 1, *d.InView.Most)
	d = dayOf(t, line(t), query.Filter{}, "2026-05-01", at("2026-05-02T10:00:00Z")) // nobody is there now
	require.EqualValues(t, 1, *d.Zones[0].InView.Most)
}
