package config_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/usage"
)

func TestPlaces_OfTheFileAndOfCameras_ByName(t *testing.T) {
	t.Parallel()
	f, err := config.Load(write(t, `
cameras:
  yard: {lines: {gate: [[0, 0], [1, 1]], back: [[0, 0], [1, 1]]}, occupancy: {reset: 23:59}}
  door: {lines: {step: [[0, 0], [1, 1]]}}
places:
  shop: {lines: [door/step, other/a/b], reversed: [yard/back], reset: 05:30, tz: Europe/Berlin, class: Car, capacity: 12}
  hall: {lines: [door/step]}
`))
	require.NoError(t, err)
	require.NoError(t, f.Check("c.yaml", nil))
	require.Equal(t, map[string]config.Place{
		"shop": {Lines: []string{"door/step", "other/a/b"}, Reversed: []string{"yard/back"},
			Counting: config.Counting{Reset: 5*time.Hour + 30*time.Minute, TZ: "Europe/Berlin", Class: "car", Capacity: 12}},
		"hall": {Lines: []string{"door/step"}, Counting: config.Counting{Reset: 4 * time.Hour, TZ: "UTC", Class: "person"}},
		"yard": {Lines: []string{"yard/back", "yard/gate"}, Counting: config.Counting{Reset: 24*time.Hour - time.Minute, TZ: "UTC", Class: "person"}},
	}, f.Places())
}

// A file that names no places changes none; an empty table removes all.
func TestPlaces_NoneAndAnEmptyTable_Differ(t *testing.T) {
	t.Parallel()
	for text, isNil := range map[string]bool{"sinks: 1": true, "places:": true, "places: {}": false} {
		f, err := config.Load(write(t, text))
		require.NoError(t, err)
		require.Empty(t, f.Places())
		require.Equal(t, isNil, f.Places() == nil, text)
	}
}

func TestPlaces_Invalid_OneLineNamesIt(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"places: 5":                                                                        `key "places": give places by name`,
		"places: {shop: 5}":                                                                "place shop: give its lines",
		"places: {shop: {tz: UTC}}":                                                        "place shop: give its lines",
		"places: {shop: {lines: step}}":                                                    "place shop: lines: give a list of lines as CAMERA/LINE",
		"places: {shop: {lines: [step]}}":                                                  "place shop: lines: give a list of lines as CAMERA/LINE",
		"places: {shop: {lines: [[a]]}}":                                                   "place shop: lines: give a list of lines as CAMERA/LINE",
		"places: {shop: {reversed: [/a]}}":                                                 "place shop: reversed: give a list of lines as CAMERA/LINE",
		"places: {shop: {lines: [a/b, c/d, a/b]}}":                                         "place shop: line a/b is there twice",
		"places: {shop: {lines: [a/b], reste: 1:00}}":                                      `place shop: reste: no such key; did you mean "reset"?`,
		"places: {shop: {lines: [a/b], zebra: 1}}":                                         "place shop: zebra: no such key; known are: lines, reversed, reset, tz, class, capacity",
		"places: {shop: {lines: [a/b], reset: 4}}":                                         `place shop: reset: "4" is no time of day: 00:00 to 23:59`,
		"places: {s: {lines: [a/b], reset: 24:00}}":                                        `"24:00" is no time of day`,
		"places: {s: {lines: [a/b], reset: [1]}}":                                          "place s: reset: a value belongs here",
		"places: {s: {lines: [a/b], capacity: 0}}":                                         "capacity: give a whole number from 1 on",
		"places: {s: {lines: [a/b], tz: \"\"}}":                                            "place s: tz: a value belongs here",
		"cameras: {a: {occupancy: 4}}":                                                     "camera a: occupancy: give when it begins at 0",
		"cameras: {a: {occupancy: {lines: [a/b]}}}":                                        "camera a: occupancy: lines: no such key; known are: reset, tz",
		"cameras: {a: {occupancy: {reset: 04:00}}}":                                        "camera a: occupancy: it has no lines that could count",
		"{cameras: {a: {fps: 1}}, places: {s: {lines: [a/b]}}}":                            "place s: camera a has no lines",
		"{cameras: {a: {lines: {gate: [[0, 0], [1, 1]]}}}, places: {s: {lines: [a/gat]}}}": `place s: camera a has no line "gat"; did you mean "gate"?`,
		"{cameras: {a: {lines: {gate: [[0, 0], [1, 1]]}}}, places: {s: {lines: [a/xyz]}}}": `place s: camera a has no line "xyz"; it has gate`,
		"{cameras: {a: {lines: {g: [[0, 0], [1, 1]]}, occupancy: {reset: 04:00}}}, places: {a: {lines: [a/g]}}}": "camera a: occupancy: places has a place of the same name",
		"{cameras: {a: {lines: {gate: [[0, 0], [1, 1]]}}}, places: {\"a\\nb\": {lines: [a/gate]}}}":              `"a\nb": a name has`,
	} {
		_, err := config.Load(write(t, text))
		require.True(t, usage.Is(err), "%s: %v", text, err)
		require.ErrorContains(t, err, says, text)
	}
}

// The page and the settings file have every key, and no other.
func TestPlaces_KeysOfPages_AreTheCodes(t *testing.T) {
	t.Parallel()
	for page, part := range map[string]*regexp.Regexp{
		"docs/balance.md":      regexp.MustCompile("(?ms)^places:\n  shop:\n(.*?)```"),
		"deploy/sightlog.yaml": regexp.MustCompile("(?ms)^#places:\n#  shop:\n(.*?)\n\n"),
	} {
		require.Equal(t, []string{"lines", "reversed", "reset", "tz", "class", "capacity"}, config.KeysOfPage(t, page, part), page)
	}
}
