package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
)

func TestReport_Command_EachFormat(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	pool := pgtest.Pool(t, url)
	for _, sql := range []string{
		"INSERT INTO cameras (name) VALUES ('door')",
		`INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider)
			SELECT id, 'r', 'stream', 'm', 's', 1, 1, 'cpu' FROM cameras`,
		"INSERT INTO crossing_minutes SELECT 1, 'step', '2026-11-25 10:00Z', 1, 'in', 'person', 3",
		"INSERT INTO crossing_half_hours SELECT 1, 'step', '2026-11-25 10:00Z', 1, 'in', 'person', 3",
		"INSERT INTO camera_minutes VALUES (1, '2026-11-25 10:00Z', 1, 600, 60, 60, 1, 60, 0, (1::bigint << 60) - 1, 0, 0)",
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	file := filepath.Join(t.TempDir(), "sightlog.yaml")
	require.NoError(t, os.WriteFile(file, []byte("receivers: {log: {topic: alarms}}\nreports: {weekly: {every: week}}\n"), 0o600))
	report := func(args ...string) (string, error) {
		var out, messages bytes.Buffer
		env := &Env{Name: "sightlogd", Stdout: &out, Stderr: &messages}
		err := run(t.Context(), env, &Services{}, append([]string{"report", "--config", file, "--database-url", url}, args...))
		return out.String(), err
	}
	for format, want := range map[string]string{
		"text": "Wednesday, 25 Nov 2026\nReport daily", "html": "<h1 style=", "csv": ",total,,,in,3,,\n", "json": `"line": "step"`,
	} {
		out, err := report("--day", "2026-11-25", "--format", format)
		require.NoError(t, err, format)
		require.Contains(t, out, want)
	}
	out, err := report("weekly", "--day", "2026-11-27")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(out, "23 Nov to 29 Nov 2026\nReport weekly"), out)
	for want, args := range map[string][]string{
		`no report is named "weakly"`: {"weakly"}, `--day "25.11."`: {"--day", "25.11."}, "--brokers": {"weekly", "--send", "--data", t.TempDir()},
	} {
		_, err := report(args...)
		require.ErrorContains(t, err, want)
		require.Equal(t, 2, ExitCode(err), want)
	}
}
