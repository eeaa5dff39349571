package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/usage"
)

const day = 24 * time.Hour

func TestParseKeep_Values_AreTimesByTable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []string
		want   config.Keep
	}{
		{nil, config.Keep{}},
		{[]string{"30d"}, config.Keep{Sightings: 30 * day}},
		{[]string{"12h"}, config.Keep{Sightings: 12 * time.Hour}},
		{[]string{"forever"}, config.Keep{Sightings: config.Forever}},
		{
			[]string{"8w", "crossings=1y", "totals=5y", "tracks=90d", "visits=1y"},
			config.Keep{Sightings: 56 * day, Crossings: 365 * day, Totals: 5 * 365 * day, Tracks: 90 * day, Visits: 365 * day},
		},
		{[]string{"totals=100y"}, config.Keep{Totals: 100 * 365 * day}},
	} {
		k, err := config.ParseKeep(c.values)
		require.NoError(t, err, c.values)
		require.Equal(t, c.want, k, c.values)
	}
}

func TestParseKeep_WrongValue_IsOneLineWithAdvice(t *testing.T) {
	t.Parallel()
	for value, says := range map[string]string{
		"0":            "a unit is missing: 0d is days",
		"0d":           "0 would keep nothing",
		"30":           "a unit is missing: 30d is days, 30h hours",
		"-1d":          "give a whole number and a unit",
		"1.5d":         "give a whole number and a unit",
		"":             "give a whole number and a unit",
		"1m":           "m may be minutes or months: give months in days (30d)",
		"3M":           "give months in days (90d)",
		"30s":          `unknown unit "s"`,
		"30D":          `unknown unit "D"`,
		"2mo":          `unknown unit "mo"`,
		"101y":         "longer than 100 years",
		"99999999999d": "longer than 100 years",
		"sighting=1d":  `did you mean "sightings"?`,
		"batches=1d":   "known are: sightings, crossings, totals, tracks, visits",
		"=1d":          `unknown table ""`,
		"totals=":      "give a whole number and a unit",
		"1d 2h":        "give a whole number and a unit",
		"tracks=2d=3":  "give a whole number and a unit",
		"totals=1d30d": "give a whole number and a unit",
		"visits=never": "give a whole number and a unit",
		"crossings=１d": "give a whole number and a unit",
	} {
		_, err := config.ParseKeep([]string{value})
		require.True(t, usage.Is(err), "%s: %v", value, err)
		require.ErrorContains(t, err, says, value)
		require.NotContains(t, err.Error(), "\n")
	}
	for _, values := range [][]string{{"1d", "2d"}, {"1d", "sightings=1d"}} {
		_, err := config.ParseKeep(values)
		require.ErrorContains(t, err, "sightings is given twice")
	}
	_, err := config.ParseKeep([]string{"totals=30d", "tracks=60d"})
	require.ErrorContains(t, err, "tracks are kept longer than totals")
	_, err = config.ParseKeep([]string{"totals=30d", "visits=forever"})
	require.ErrorContains(t, err, "visits are kept longer than totals")
}

func TestLoad_Keep_TimeOrTable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{
		"keep: 30d":                          "30d",
		"keep: [30d, totals=5y]":             []any{"30d", "totals=5y"},
		"keep: {totals: 5y, sightings: 30d}": []any{"sightings=30d", "totals=5y"},
	} {
		f, err := config.Load(write(t, text))
		require.NoError(t, err)
		require.Equal(t, want, f[config.KeepKey], text)
	}
	f, err := config.Load(write(t, "cameras: {door: {keep: 7d}, yard: {keep: {tracks: 1w, totals: forever}}}"))
	require.NoError(t, err)
	require.Equal(t, config.Keep{Sightings: 7 * day}, f.Cameras()["door"].Keep)
	require.Equal(t, config.Keep{Tracks: 7 * day, Totals: config.Forever}, f.Cameras()["yard"].Keep)
	require.Equal(t, config.Keep{Sightings: 7 * day, Totals: 3 * day}, f.Cameras()["door"].Keep.Over(config.Keep{Sightings: 2 * day, Totals: 3 * day}))

	for text, says := range map[string]string{
		"keep: {sightings: [1d]}":                   "sightings: give a time: 30d",
		"keep: {}":                                  "give a time, or a time by table",
		"cameras: {door: {keep: 7}}":                "camera door: keep: a unit is missing",
		"cameras: {door: {keep: {track: 7d}}}":      `camera door: keep: unknown table "track"; did you mean "tracks"?`,
		"cameras: {door: {keep: [7d]}}":             "camera door: keep: give a time, or a time by table",
		"cameras: {door: {keep: {tracks: {a: 1}}}}": "camera door: keep: tracks: give a time",
	} {
		_, err := config.Load(write(t, text))
		require.True(t, usage.Is(err), "%s: %v", text, err)
		require.ErrorContains(t, err, says)
	}
}
