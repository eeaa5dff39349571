package config_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/usage"
)

const receiverMail = "receivers: {mail: {email: smtp://example.org, from: a@b.org, to: c@d.org}}\n"

func TestLoad_Reports_AsWritten(t *testing.T) {
	f, err := loadText(t, cameraDoor+receiverMail+`
reports:
  daily: {every: day}
  weekly: {every: week, at: "06:30", tz: Europe/Berlin, camera: door, to: mail, max-age: 12h}
`)
	require.NoError(t, err)
	all := f.Reports()
	require.Len(t, all, 2)
	require.Equal(t, rule.Report{Name: "daily", Every: "day", At: 7 * time.Hour, MaxAge: 72 * time.Hour}, all[0])
	r := all[1]
	require.Equal(t, []any{"weekly", "week", 6*time.Hour + 30*time.Minute, "Europe/Berlin", "door", []string{"mail"}, 12 * time.Hour},
		[]any{r.Name, r.Every, r.At, r.TZ.String(), r.CameraName, r.To, r.MaxAge})
}

func TestLoad_ReportsWithMistakes_OneLineThatNamesThem(t *testing.T) {
	for text, want := range map[string]string{
		"reports: {a: day}":                          `report a: give its period`,
		"reports: {a: {at: '07:00'}}":                `every: "" is no period: day or week`,
		"reports: {a: {every: month}}":               `"month" is no period`,
		"reports: {a: {every: day, at: 7}}":          `at: "7" is no time of the day`,
		"reports: {a: {every: day, at: '25:00'}}":    `"25:00" is no time of the day`,
		"reports: {a: {every: day, tz: Mars}}":       `"Mars" is no time zone`,
		"reports: {a: {every: day, to: [phone]}}":    `no receiver is named "phone"`,
		"reports: {a: {every: day, camera: dor}}":    `no camera is named "dor"`,
		"reports: {a: {every: day, max-age: never}}": `"never" is no length of time`,
		"reports: {a: {every: day, cameras: door}}":  `cameras: no such key`,
		"reports: {a b: {every: day}}":               `"a b": a name has`,
		"reports: [a]":                               `give reports by name`,
	} {
		_, err := loadText(t, cameraDoor+receiverMail+text)
		require.ErrorContains(t, err, want, text)
		require.True(t, usage.Is(err))
		require.NotContains(t, err.Error(), "\n")
	}
	_, err := loadText(t, "reports: {a: {every: day}}")
	require.ErrorContains(t, err, "there are no receivers")
}
