package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/usage"
)

func loadText(t *testing.T, text string) (config.File, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sightlog.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return config.Load(path)
}

const cameraDoor = "cameras: {door: {zones: {mat: [[0, 0], [1, 0], [1, 1]]}, lines: {step: [[0, 0], [1, 1]]}}}\n"

func TestLoad_AlarmsAndReceivers_AsWritten(t *testing.T) {
	f, err := loadText(t, cameraDoor+`
alarms:
  mat: occupancy of mat > 5
  night: {when: "person in door/mat between 22:00 and 06:00 for 2s", to: [phone], tz: Europe/Berlin, cooldown: 10m, clear: 30s, max-age: 2h}
receivers:
  phone: {ntfy: "https://ntfy.example.org/home", quiet: "Sat-Sun 00:00-24:00", quiet-then: drop}
  hook: {webhook: "https://example.org/alarms", secret-file: /run/hook, give-up: 24h, ends: false}
`)
	require.NoError(t, err)
	rules, to := f.Alarms(), f.Receivers()
	require.Len(t, rules, 2)
	require.Equal(t, "door/mat", rules[0].Subject())
	require.Nil(t, rules[0].To)
	r := rules[1]
	require.Equal(t, []any{"night", []string{"phone"}, "Europe/Berlin", 10 * time.Minute, 30 * time.Second, 2 * time.Hour},
		[]any{r.Name, r.To, r.TZ.String(), r.Cooldown, r.Clear, r.MaxAge})
	require.Equal(t, "hook", to[0].Name)
	require.Equal(t, "/run/hook", to[0].Secret.File)
	require.Equal(t, 24*time.Hour, to[0].GiveUp)
	require.True(t, to[1].Drop)
}

func TestLoad_AlarmsWithMistakes_OneLineThatNamesThem(t *testing.T) {
	for text, want := range map[string]string{
		"alarms: {a: person inn door}":                                  `alarm a: "person inn door": word 2, "inn": did you mean "in"?`,
		"alarms: {a: crossing of door/stp}":                             `camera door has no line "stp"; did you mean "step"?`,
		"alarms: {a: {when: person in door, two: x}}":                   `alarm a: two: no such key`,
		"alarms: {a: {when: person in door, to: phone}}":                `no receiver is named "phone": the key receivers is missing`,
		"alarms: {a: {when: person in door, tz: Mars}}":                 `"Mars" is no time zone`,
		"alarms: {a b: person in door}":                                 `"a b": a name has`,
		"receivers: {a: {ntfy: ntfy.example.org}}":                      `is no address: http:// or https://HOST`,
		"receivers: {a: {mqtt: mqtt://u:p@example.org}}":                `a password does not belong into the configuration`,
		"receivers: {a: {webhook: https://example.org}}":                `a webhook is signed`,
		"receivers: {a: {email: smtp://example.org}}":                   `needs from and to`,
		"receivers: {a: {email: smtp://example.org, from: x, to: b@c}}": `"x" is no address of e-mail`,
		"receivers: {a: {topic: alarms, ntfy: https://example.org}}":    `it is a ntfy already`,
		"receivers: {a: {topic: a/b}}":                                  `is no name of a topic`,
		"receivers: {a: {topic: alarms, quiet: night}}":                 `is no time of the week`,
		"receivers: {a: {topic: alarms, quiet: 00:00-24:00}}":           `"00:00-24:00" is the whole week: nothing would be sent`,
		"receivers: {a: {topic: alarms, quiet: Sun-Sat 7:00-07:00}}":    `is no time of the week`,
		"receivers: {a: {topic: alarms, quiet: Sun-Sat 07:00-07:00}}":   `is the whole week`,
		"receivers: {a: {topic: ..}}":                                   `".." is no name of a topic`,
		"receivers: {a: {topic: sightings}}":                            `sightings is a topic of sightlog's own events`,
		"receivers: {a: {topic: sightings.dead}}":                       `sightings.dead is a topic of sightlog's own events`,
		"receivers: {a: {ntfy: https://ntfy.example.org/}}":             `has no topic: https://ntfy.example.org/TOPIC`,
		"receivers: {a: {mqtt: mqtt://example.org:70000}}":              `a port is 1 to 65535`,
		"receivers: {a: {mqtt: mqtt://:1883}}":                          `is no address: mqtt:// or mqtts://HOST`,
		"alarms: {a: camera door blind for 5s}":                         `for 5s is too short: at least 10s`,
		"alarms: {a: loitering in door/mat}":                            `for is missing: for 1m, at least 1s`,
		"alarm: {a: person in door}":                                    `unknown key "alarm"; did you mean "alarms"?`,
		"receiver: {a: {topic: alarms}}":                                `unknown key "receiver"; did you mean "receivers"?`,
	} {
		_, err := loadText(t, cameraDoor+text)
		require.ErrorContains(t, err, want, text)
		require.True(t, usage.Is(err))
		require.NotContains(t, err.Error(), "\n")
	}
}

// The examples of the documents are configurations.
func TestLoad_ExamplesOfTheDocument_AreRead(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testenv.Root(), "docs", "alarms.md"))
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	require.NotEmpty(t, blocks)
	for _, b := range blocks {
		f, err := loadText(t, b[1])
		require.NoError(t, err, b[1])
		require.Positive(t, len(f.Alarms())+len(f.Receivers()), b[1])
	}
}
