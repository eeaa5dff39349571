package rule_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/alarm/rule"
)

var known = rule.Known{
	Places: []string{"hall"}, Zones: map[string][]string{"door": {"mat"}, "shop": {"till", "exit"}, "back": {"exit"}},
	Lines: map[string][]string{"door": {"step"}},
}

func parse(text string) (rule.Rule, error) {
	r, err := rule.Parse(text)
	if err == nil {
		err = r.Resolve(known)
	}
	return r, err
}

func TestParse_Rules_WhatTheySay(t *testing.T) {
	for text, want := range map[string]rule.Rule{
		"person in door/mat between 22:00 and 06:00 for 2s": {
			Kind: rule.Presence, Class: "person", Camera: "door", Zone: "mat", Op: ">=", N: 1, For: 2 * time.Second,
			Window: &rule.Window{From: 22 * time.Hour, To: 6 * time.Hour},
		},
		"Dog in yard > 2":               {Kind: rule.Presence, Class: "dog", Camera: "yard", Op: ">", N: 2},
		"occupancy of hall > 50":        {Kind: rule.Occupancy, Class: "person", Place: "hall", Op: ">", N: 50},
		"occupancy of shop >= 5":        {Kind: rule.Occupancy, Class: "person", Camera: "shop", Op: ">=", N: 5},
		"occupancy of door/mat < 1":     {Kind: rule.Occupancy, Class: "person", Camera: "door", Zone: "mat", Op: "<", N: 1},
		"queue of till > 6 for 3m":      {Kind: rule.Queue, Class: "person", Camera: "shop", Zone: "till", Op: ">", N: 6, For: 3 * time.Minute},
		"camera door blind for 5m":      {Kind: rule.Blind, Camera: "door", For: 5 * time.Minute},
		"crossing of door/step":         {Kind: rule.Crossing, Camera: "door", Line: "step"},
		"loitering in yard/gate for 1m": {Kind: rule.Loitering, Camera: "yard", Zone: "gate", For: time.Minute},
		"crossing of door/step out on Sat,Sun between 08:00 and 10:00": {
			Kind: rule.Crossing, Camera: "door", Line: "step", Direction: "out",
			Window: &rule.Window{From: 8 * time.Hour, To: 10 * time.Hour, Days: [7]bool{0: true, 6: true}},
		},
	} {
		got, err := parse(text)
		require.NoError(t, err, text)
		want.Text, want.Clear, want.MaxAge = text, rule.DefaultClear, rule.DefaultMaxAge
		require.EqualExportedValues(t, want, got, text)
	}
}

func TestParse_Mistakes_TheWordAndWhatIsPossible(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    `"" ends where person, occupancy, queue, camera, crossing or loitering is expected`,
		"ocupancy of hall > 5":                `word 1, "ocupancy": did you mean "occupancy"?`,
		"person inn door":                     `word 2, "inn": did you mean "in"?`,
		"person in":                           `ends where CAMERA or CAMERA/ZONE is expected`,
		"occupancy of hall = 5":               `word 4, "=": >, >=, < or <= is expected`,
		"occupancy of hall > many":            `word 5, "many": a whole number is expected`,
		"queue of hall > 3":                   `hall is no place, zone or camera`,
		"occupancy of hal > 3":                `hal is no place, zone or camera of the configuration; did you mean "hall"?`,
		"queue of exit > 3":                   `cameras back and shop have a zone exit: write CAMERA/exit`,
		"person in door/mta":                  `camera door has no zone "mta"; did you mean "mat"?`,
		"crossing of door":                    `word 3, "door": CAMERA/LINE is expected`,
		"crossing of door/stp":                `camera door has no line "stp"; did you mean "step"?`,
		"camera door blind":                   `for is missing`,
		"camera door blind for 1s":            `at least 10s`,
		"person in door for ever":             `word 5, "ever": a time up to 168h`,
		"person in door between 22 and 06:00": `word 5, "22": a time of day`,
		"person in door on Someday":           `word 5, "Someday": days of the week`,
		"person in door for 2s for 3s":        `word 6, "for": between, on or for is expected`,
		"crossing of door/step for 3s":        `a crossing is a moment`,
	} {
		_, err := parse(text)
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestWindow_BeyondMidnight_TheDayOfItsBeginning(t *testing.T) {
	w, ok := rule.ParseWindow("Fri 22:00-06:00")
	require.True(t, ok)
	friday := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	for at, in := range map[time.Duration]bool{
		5 * time.Hour: false, 21 * time.Hour: false, 22 * time.Hour: true, 29*time.Hour + 59*time.Minute: true, 30 * time.Hour: false, 47 * time.Hour: false,
	} {
		require.Equal(t, in, w.Contains(friday.Add(at)), at)
	}
	require.Equal(t, friday.Add(30*time.Hour), w.End(friday.Add(23*time.Hour+30*time.Second)))
}

func TestReceiver_QuietTime_HoldsOrDrops(t *testing.T) {
	w, _ := rule.ParseWindow("23:00-07:00")
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	r := rule.Receiver{Quiet: w, TZ: berlin}
	night := time.Date(2026, 11, 27, 22, 30, 0, 0, time.UTC) // 23:30 in Berlin
	due, keep := r.Due(night)
	require.True(t, keep)
	require.True(t, due.Equal(time.Date(2026, 11, 28, 6, 0, 0, 0, time.UTC)), due)
	r.Drop = true
	_, keep = r.Due(night)
	require.False(t, keep)
	due, keep = r.Due(night.Add(-time.Hour))
	require.True(t, keep)
	require.Equal(t, night.Add(-time.Hour), due)
}
