package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/usage"
)

func TestStaff_Rules_AreThose(t *testing.T) {
	t.Parallel()
	f, err := config.Load(write(t, `
cameras:
  a: {zones: {till: [[0, 0], [1, 0], [1, 1]]}, staff: {zone: till, longer-than: 90m, tz: Europe/Berlin, schedule: [Mon-Wed 06:00-08:30, Sat-Mon 22:00-02:00]}}
  b: {staff: {schedule: 00:00-24:00}}
  c: {staff: {schedule: sun 20:00-24:00}}
`))
	require.NoError(t, err)
	require.Equal(t, &config.Staff{Zone: "till", LongerThan: 90 * time.Minute, TZ: "Europe/Berlin", Schedule: []config.Weekly{
		{Days: []int{1, 2, 3}, Starts: 6 * time.Hour, Lasts: 150 * time.Minute}, {Days: []int{6, 7, 1}, Starts: 22 * time.Hour, Lasts: 4 * time.Hour},
	}}, f.Cameras()["a"].Staff)
	require.Equal(t, &config.Staff{TZ: "UTC", Schedule: []config.Weekly{{Days: []int{1, 2, 3, 4, 5, 6, 7}, Lasts: 24 * time.Hour}}}, f.Cameras()["b"].Staff)
	require.Equal(t, []config.Weekly{{Days: []int{7}, Starts: 20 * time.Hour, Lasts: 4 * time.Hour}}, f.Cameras()["c"].Staff.Schedule)
}

func TestStaff_Invalid_OneLineNamesIt(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"5":                                  "give rules: {zone: till",
		"{}":                                 "give a rule: zone, longer-than or schedule",
		"{tz: UTC}":                          "give a rule: zone, longer-than or schedule",
		"{zone: till}":                       `it has no zone "till"`,
		"{zone: ''}":                         "zone: a value belongs here",
		"{zon: till}":                        `zon: no such key; did you mean "zone"?`,
		"{longer-than: 4}":                   `longer-than: "4" is no length from 1s to 168h`,
		"{longer-than: 0s}":                  `longer-than: "0s" is no length`,
		"{longer-than: -4h}":                 `longer-than: "-4h" is no length`,
		"{longer-than: 169h}":                `longer-than: "169h" is no length`,
		"{schedule: []}":                     "schedule: give times of the week",
		"{schedule: Mon}":                    "schedule: give times of the week",
		"{schedule: Mom 06:00-08:00}":        "schedule: give times of the week",
		"{schedule: Mon-Tus 06:00-08:00}":    "schedule: give times of the week",
		"{schedule: Mon 06:00-06:00}":        "schedule: give times of the week",
		"{schedule: Mon 24:00-06:00}":        "schedule: give times of the week",
		"{schedule: Mon 6:00-08:00}":         "schedule: give times of the week",
		"{schedule: [[Mon 06:00-08:00]]}":    "schedule: give times of the week",
		"{schedule: {Mon: 06:00}}":           "schedule: give times of the week",
		"{schedule: Mon 06:00-08:00 Europe}": "schedule: give times of the week",
	} {
		_, err := config.Load(write(t, "cameras: {a: {staff: "+text+"}}"))
		require.True(t, usage.Is(err), "%s: %v", text, err)
		require.ErrorContains(t, err, "camera a: staff: "+says, text)
	}
}
