package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/diff"
	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/usage"
)

// reportFile writes a report whose rounds took these CPU times.
func reportFile(t *testing.T, cpu string, values ...float64) string {
	t.Helper()
	r := &result.Report{
		Kind: result.Pipeline, Machine: result.Machine{CPU: cpu}, Correct: result.Correctness{Sent: 1, Stored: 1},
	}
	for _, v := range values {
		r.Rounds = append(r.Rounds, result.Round{Values: map[string]float64{result.CPUFrame: v}})
	}
	r.Sum()
	f, err := os.Create(filepath.Join(t.TempDir(), "report.json"))
	require.NoError(t, err)
	require.NoError(t, result.Write(f, r))
	require.NoError(t, f.Close())
	return f.Name()
}

func bench(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	var b bytes.Buffer
	err = run(t.Context(), &Env{Name: "sightlogd", Stdout: &b, Stderr: io.Discard}, &Commands{}, append([]string{"bench"}, args...))
	return b.String(), err
}

func TestBenchDiff_Files_FiguresAndExitCodes(t *testing.T) {
	t.Parallel()
	a, b, other := reportFile(t, "one", 1, 2, 3, 4, 5), reportFile(t, "one", 11, 12, 13, 14, 15), reportFile(t, "two", 11, 12, 13, 14, 15)
	out, err := bench(t, "diff", a, b)
	require.NoError(t, err)
	require.Regexp(t, `cpu_ms_per_frame\s+ms\s+3.00\s+1.00–5.00\s+13.0\s+11.0–15.0\s+×4.3 worse\s+0.008`, out)

	_, err = bench(t, "diff", a, b, "--worse", "5")
	require.ErrorContains(t, err, "worse by more than 5 %: 1 figures, the first: pipeline: cpu_ms_per_frame")
	require.Equal(t, 1, ExitCode(err))
	for _, args := range [][]string{{b, a, "--worse", "5"}, {a, b, "--worse", "1000"}, {a, a, "--worse", "5"}, {a, other, "--unlike"}} {
		_, err = bench(t, append([]string{"diff"}, args...)...)
		require.NoError(t, err)
	}

	out, err = bench(t, "diff", a, b, "--format", "json")
	require.NoError(t, err)
	var all []diff.Comparison
	require.NoError(t, json.Unmarshal([]byte(out), &all))
	require.InDelta(t, 13.0/3-1, *all[0].Rows[0].Change, 1e-9)
}

func TestBenchDiff_Incomparable_ExitCode2(t *testing.T) {
	t.Parallel()
	a, text := reportFile(t, "one", 1, 2, 3, 4, 5), filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(text, []byte("no report"), 0o600))
	for want, args := range map[string][]string{
		"not comparable: CPU: one and two":       {a, reportFile(t, "two", 1, 2, 3, 4, 5)},
		"has 4 rounds":                           {a, reportFile(t, "one", 1, 2, 3, 4)},
		"no such file or directory":              {a, text + "x"},
		"no report":                              {a, text},
		"--worse -1 is below zero":               {a, a, "--worse=-1"},
		"give a file that bench --json has writ": {t.TempDir(), a},
	} {
		_, err := bench(t, append([]string{"diff"}, args...)...)
		require.ErrorContains(t, err, want)
		require.Equal(t, usage.ExitCode, ExitCode(err), want)
	}
}

func TestBenchReport_TwoFiles_OnePageWithBoth(t *testing.T) {
	t.Parallel()
	a, b, out := reportFile(t, "one", 1, 2, 3), reportFile(t, "two", 11, 12, 13), filepath.Join(t.TempDir(), "out.html")
	_, err := bench(t, "report", a, b, "--html", out)
	require.NoError(t, err)
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Contains(t, string(text), "<th>cpu_ms_per_frame</th><td>2.00 ms (1.00 to 3.00)</td><td>12.0 ms (11.0 to 13.0)</td>")

	for want, args := range map[string][]string{
		"no such file":                         {a + "x", "--html", out},
		"missing flags: --html=FILE":           {a},
		"no such file or directory; give a fi": {a, "--html", filepath.Join(out, "..", "no", "out.html")},
	} {
		_, err := bench(t, append([]string{"report"}, args...)...)
		require.ErrorContains(t, err, want)
		require.Equal(t, usage.ExitCode, ExitCode(err), want)
	}
	kept, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, text, kept)
}
