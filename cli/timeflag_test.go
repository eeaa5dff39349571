package cli

import (
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/usage"
)

func TestParseWhen_AsPeopleWrite_Time(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("CET", 3600)
	now := time.Date(2026, 11, 25, 12, 30, 15, 0, zone)
	for text, want := range map[string]string{
		"now":      "2026-11-25T12:30:15+01:00",
		"1h":       "2026-11-25T11:30:15+01:00",
		"-1h":      "2026-11-25T11:30:15+01:00",
		"90m":      "2026-11-25T11:00:15+01:00",
		"1h30m":    "2026-11-25T11:00:15+01:00",
		"1.5h":     "2026-11-25T11:00:15+01:00",
		"15 s ago": "2026-11-25T12:30:00+01:00",
		"2 hours":  "2026-11-25T10:30:15+01:00",
		"2d":       "2026-11-23T12:30:15+01:00",
		"1 week":   "2026-11-18T12:30:15+01:00",
		"1d 2h":    "2026-11-24T10:30:15+01:00",

		"today":                        "2026-11-25T00:00:00+01:00",
		"Yesterday":                    "2026-11-24T00:00:00+01:00",
		"tomorrow":                     "2026-11-26T00:00:00+01:00",
		"yesterday 10:00":              "2026-11-24T10:00:00+01:00",
		"today 10:00Z":                 "2026-11-25T10:00:00Z",
		"10:30":                        "2026-11-25T10:30:00+01:00",
		"9:05":                         "2026-11-25T09:05:00+01:00",
		"10:30:15.25":                  "2026-11-25T10:30:15.25+01:00",
		"10:30Z":                       "2026-11-25T10:30:00Z",
		"10:30 UTC":                    "2026-11-25T10:30:00Z",
		"2026-11-25":                   "2026-11-25T00:00:00+01:00",
		"2026-11-25Z":                  "2026-11-25T00:00:00Z",
		" 2026-11-25  10:00 ":          "2026-11-25T10:00:00+01:00",
		"2026-11-25T10:00":             "2026-11-25T10:00:00+01:00",
		"2026-11-25 10:00:01.5":        "2026-11-25T10:00:01.5+01:00",
		"2026-11-25T10:00:00Z":         "2026-11-25T10:00:00Z",
		"2026-11-25t10:00:00z":         "2026-11-25T10:00:00Z",
		"2026-11-25T10:00:00.123456Z":  "2026-11-25T10:00:00.123456Z",
		"2026-11-25T10:00:00-05:00":    "2026-11-25T10:00:00-05:00",
		"2026-11-25 10:00 +0530":       "2026-11-25T10:00:00+05:30",
		"2026-11-25 10:00:00+00":       "2026-11-25T10:00:00Z",
		"2026-11-25 10:00:00.5 -05:00": "2026-11-25T10:00:00.5-05:00",
	} {
		w, err := parseWhen(text, now)
		require.NoError(t, err, text)
		parsed, err := time.Parse(time.RFC3339Nano, want)
		require.NoError(t, err)
		require.True(t, w.Equal(parsed), "%s: %s", text, w.Time)
	}
}

func TestParseWhen_Wrong_OneLineWithExamples(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " ", "noon", "10", "1y", "h", "1h2", "-", "ago", "25:00", "10:60", "2026-13-01", "2026-02-30", "2026-11-25 10",
		"25.11.2026", "2026-11-25T", "T10:00", "utc", "z", "10:00+99", "10:30 CET", "today yesterday", "1e3h", "99999999999999999999h", "2026-11-25 10:00:00 x", "100000w 100000w"} {
		_, err := parseWhen(text, time.Now())
		require.True(t, usage.Is(err), "%q", text)
		require.ErrorContains(t, err, `is not a time; write 1h, 2d, today, yesterday, 10:30, 2026-11-25, "2026-11-25 10:00" (all local time) or 2026-11-25T10:00:00Z`)
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestParseWhen_DayOfAChangedClock_StartsAtItsMidnight(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones on this host: " + err.Error())
	}
	now := time.Date(2026, 10, 25, 12, 0, 0, 0, berlin) // the clock went back at 03:00
	for text, want := range map[string]string{
		"today": "2026-10-24T22:00:00Z", "yesterday": "2026-10-23T22:00:00Z", "tomorrow": "2026-10-25T23:00:00Z", "1d": "2026-10-24T11:00:00Z",
	} {
		w, err := parseWhen(text, now)
		require.NoError(t, err)
		require.Equal(t, want, w.UTC().Format(time.RFC3339), text)
	}
}

func TestWhen_LocalTime_IsNoted(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 30, 0, 0, time.FixedZone("CET", 3600))
	for text, want := range map[string]string{
		"10:30":     "--since 10:30 is taken as local time (CET): 2026-11-25 09:30:00Z",
		"yesterday": "--since yesterday is taken as local time (CET): 2026-11-23 23:00:00Z",
		"1h":        "", "10:30Z": "", "2026-11-25T10:00:00+05:00": "",
	} {
		w, err := parseWhen(text, now)
		require.NoError(t, err)
		require.Equal(t, want, w.note("--since"))
	}
	w, err := parseWhen("10:30", now.UTC())
	require.NoError(t, err)
	require.Empty(t, w.note("--since"), "where local time is UTC")
}

func TestCommands_SinceAndUntil_ReadByOneParser(t *testing.T) {
	for _, command := range [][]string{{"query", "people"}, {"query", "crossings"}, {"query", "latest"}, {"query", "latency"}, {"export", "--format", "mot"}} {
		for _, flag := range []string{"--since", "--until"} {
			args := append(slices.Clone(command), flag)
			require.NoError(t, Check("sightlogd", &Services{}, append(args, "yesterday 10:00")))
			err := Check("sightlogd", &Services{}, append(args, "noon"))
			require.ErrorContains(t, err, flag)
			require.ErrorContains(t, err, `"noon" is not a time; write 1h, 2d,`)
			require.Equal(t, 2, ExitCode(err))
		}
	}
}

func TestWhich_SinceNotBeforeUntil_Refused(t *testing.T) {
	err := run(t.Context(), &Env{Name: "sightlogd", Stdout: io.Discard, Stderr: io.Discard}, &Services{},
		[]string{"query", "people", "--since", "2026-11-25T10:00:00Z", "--until", "2026-11-25T11:00+01:00"})
	require.True(t, usage.Is(err), "%v", err)
	require.EqualError(t, err, "--since 2026-11-25T10:00:00Z (2026-11-25 10:00:00Z) is not before --until 2026-11-25T11:00+01:00 (2026-11-25 10:00:00Z); give a --since that is earlier")
}

// With --tz a day is that of the zone in which the answer's days are, whatever the zone of the machine.
func TestReportCmd_TimesWithTZ_AreOfThatZone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-10-25": "2026-10-24T22:00:00Z", "2026-10-26 00:00": "2026-10-25T23:00:00Z",
		"2026-10-25T10:00:00Z": "2026-10-25T10:00:00Z", "2026-10-25 10:00+05": "2026-10-25T05:00:00Z",
	} {
		c := ReportCmd{ReportFlags: ReportFlags{TZ: "Europe/Berlin"}}
		require.NoError(t, c.Since.UnmarshalText([]byte(text)))
		require.NoError(t, c.Until.UnmarshalText([]byte(text)))
		require.NoError(t, c.useZone())
		require.Equal(t, []string{want, want}, []string{c.Since.UTC().Format(time.RFC3339), c.Until.UTC().Format(time.RFC3339)}, text)
		require.Empty(t, c.Since.note("--since"), "the user named the zone")
	}
	c := ReportCmd{ReportFlags: ReportFlags{TZ: "Europe/Berlinn"}}
	require.NoError(t, c.useZone(), "the database refuses it, and lists those that there are")
}
