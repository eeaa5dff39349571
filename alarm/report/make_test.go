package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/alarm/report"
	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/query"
)

// The figures are those of query, of a day and of a week.
func TestMake_DayAndWeek_FiguresOfTheQueries(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	fill(t, pool)
	now := clock(t, "2026-11-27T12:00:00Z")
	r := daily(t)
	rep, err := report.Make(t.Context(), pool, r, r.Last(now), now)
	require.NoError(t, err)
	day, err := query.DayOf(t.Context(), pool, query.Filter{TZ: "Europe/Berlin"}, "2026-11-26", now)
	require.NoError(t, err)
	require.Equal(t, []int64{day.In.N, day.Out.N, day.People.N, *day.InView.Most, day.Zones[0].Visits.N},
		[]int64{rep.In.N, rep.Out.N, rep.People.N, rep.Most.N, rep.Zones[0].Visits.N})
	require.Equal(t, []int64{40, 36, 41, 7}, []int64{rep.In.N, rep.Out.N, rep.People.N, rep.Most.N})
	require.Equal(t, []int64{20, 18}, []int64{*rep.In.Before, *rep.Out.Before})
	require.Equal(t, 20.0, *rep.Lines[0].In.Usual)
	require.Equal(t, *day.Zones[0].MedianS, rep.Zones[0].Median.Low)
	require.Equal(t, day.Busiest, rep.Busiest)

	var crossed []map[string]any
	var b bytes.Buffer
	i := slices.IndexFunc(query.Reports, func(r query.Report) bool { return r.Name == "crossings" })
	f := query.Filter{TZ: "Europe/Berlin", Since: day.Since, Until: day.Until, Bucket: "1d"}
	require.NoError(t, query.Reports[i].Question(f).Answer(t.Context(), pool, &b, "json"))
	require.NoError(t, json.Unmarshal(b.Bytes(), &crossed))
	require.Equal(t, []any{40.0, 36.0}, []any{crossed[0]["in"], crossed[0]["out"]})
	require.Len(t, rep.Gaps, 1)
	require.Equal(t, int64(1800), rep.Gaps[0].Seconds)

	text := rep.Text()
	for _, want := range []string{
		"Thursday, 26 Nov 2026", "Cameras were blind for 30m of 24h 0m", "Most in view (12:00)", "26 Nov 15:00:00  26 Nov 15:30:00  30m",
		"step  40   20.0   36   18.0",
	} {
		require.Contains(t, text, want)
	}
	week := daily(t)
	week.Every = rule.EveryWeek
	rep, err = report.Make(t.Context(), pool, week, week.Of(clock(t, "2026-11-20T00:00:00Z")), now)
	require.NoError(t, err)
	require.Equal(t, []int64{140, 126}, []int64{rep.In.N, rep.Out.N})
	require.Nil(t, rep.In.Before, "not all days of the week before were watched")
	require.Contains(t, rep.Text(), "The week before cannot be compared")
	require.Len(t, rep.Days, 7)
}

// A name is text in each form, also after the outbox.
func TestReport_HostileNames_AreText(t *testing.T) {
	t.Parallel()
	in := report.Report{Name: "daily", Every: "day", TZ: "UTC", Lines: []report.Line{{Camera: `<script>alert("x")</script>`, Line: "a,\"b\"\n"}}}
	figures, err := json.Marshal(in)
	require.NoError(t, err)
	r, err := report.Read(figures)
	require.NoError(t, err)
	page, err := r.HTML()
	require.NoError(t, err)
	require.NotContains(t, page, "<script")
	require.Contains(t, page, "&lt;script&gt;")
	rows, err := csv.NewReader(strings.NewReader(r.CSV())).ReadAll()
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(rows, func(row []string) bool { return row[5] == "a,\"b\"\n" }))
	for _, no := range []string{"<style", "<link", "<img", "class="} { // mail programs drop or block them
		require.NotContains(t, page, no)
	}
}
