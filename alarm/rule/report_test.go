package rule_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/alarm/rule"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	require.NoError(t, err)
	return l
}

// A day has 23 or 25 hours where the clock changes, and its report comes at its hour.
func TestReport_DaysOnWhichTheClockChanges_WholeAndAtTheirHour(t *testing.T) {
	for _, c := range []struct {
		zone, day    string
		hours        float64
		since, until string
		due          string
	}{
		{"Europe/Berlin", "2026-03-29", 23, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-30T05:00:00Z"},
		{"Europe/Berlin", "2026-10-25", 25, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "2026-10-26T06:00:00Z"},
		{"Europe/Berlin", "2026-03-28", 24, "2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T05:00:00Z"},
		{"America/Santiago", "2026-09-05", 24, "2026-09-05T04:00:00Z", "2026-09-06T04:00:00Z", "2026-09-06T10:00:00Z"},
		{"America/Santiago", "2026-09-06", 23, "2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z", "2026-09-07T10:00:00Z"}, // no midnight
		{"Asia/Kolkata", "2026-11-26", 24, "2026-11-25T18:30:00Z", "2026-11-26T18:30:00Z", "2026-11-27T01:30:00Z"},
	} {
		r := rule.Report{Every: rule.EveryDay, At: 7 * time.Hour, TZ: zone(t, c.zone)}
		day, err := time.Parse(time.DateOnly, c.day)
		require.NoError(t, err)
		p := r.From(day)
		require.InDelta(t, c.hours, p.Until.Sub(p.Since).Hours(), 0, c.day)
		got := []string{p.Since.UTC().Format(time.RFC3339), p.Until.UTC().Format(time.RFC3339), p.Due.UTC().Format(time.RFC3339)}
		require.Equal(t, []string{c.since, c.until, c.due}, got, c.zone+" "+c.day)
		require.Equal(t, []string{c.day}, p.Days())
		require.Equal(t, p, r.Last(p.Due))
		require.Equal(t, p.Since, r.Last(p.Due.Add(-time.Second)).Until)
		require.Equal(t, p, r.Of(day))
	}
}

func TestReport_Week_MondayToSunday(t *testing.T) {
	r := rule.Report{Every: rule.EveryWeek, At: 8 * time.Hour, TZ: zone(t, "Europe/Berlin"), MaxAge: 24 * time.Hour}
	for day := 19; day <= 25; day++ { // the clock changes on the 25th
		p := r.Of(time.Date(2026, 10, day, 0, 0, 0, 0, time.UTC))
		require.Equal(t, "2026-10-18T22:00:00Z", p.Since.UTC().Format(time.RFC3339), day)
		require.Equal(t, "2026-10-26T07:00:00Z", p.Due.UTC().Format(time.RFC3339), day)
		require.Len(t, p.Days(), 7)
	}
	p := r.From(time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC))
	require.Equal(t, "2026-10-26", p.Days()[0], "a week that has begun is not a whole one")

	late, skipped := r.NotTooLate(time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 27, 6, 59, 0, 0, time.UTC))
	require.Equal(t, []any{"2026-10-19", 2}, []any{late.Days()[0], skipped})
	late, skipped = r.NotTooLate(time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 27, 7, 1, 0, 0, time.UTC))
	require.Equal(t, []any{"2026-10-26", 3}, []any{late.Days()[0], skipped})
}
