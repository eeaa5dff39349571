package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench"
	benchresult "github.com/sightlog/sightlog/bench/result"
)

func TestBench_Pipeline_AccountsForEveryFrame(t *testing.T) {
	t.Parallel()
	var r bench.Report
	out := ok(t, sightlog, "bench", "--source", "test://people?frames=40&fps=40", "--json", "-")
	require.NoError(t, json.Unmarshal([]byte(out), &r), out)
	require.EqualValues(t, 40, r.Frames)
	require.EqualValues(t, 40, r.Sightings)
	require.EqualValues(t, 40, r.EndToEnd.N)
	require.Positive(t, r.EndToEnd.P50)
	require.LessOrEqual(t, r.EndToEnd.P99, r.EndToEnd.Max)
	var names []string
	for _, s := range r.Stages {
		names = append(names, s.Name)
		require.EqualValues(t, 40, s.N)
	}
	require.Equal(t, []string{"decode", "infer", "produce", "fetch", "commit"}, names)
}

func TestBench_Detector_ReportsEachModel(t *testing.T) {
	t.Parallel()
	var all []struct {
		Model  struct{ Name string }
		Frames int
		Whole  float64 `json:"whole_ms"`
		Ratio  float64
	}
	out := ok(t, sightlog, "bench", "detector", "--source", "test://people?frames=8", "--model", "person-nano,person-nano", "--rounds", "1", "--json", "-")
	require.NoError(t, json.Unmarshal([]byte(out), &all), out)
	require.Len(t, all, 2)
	for _, m := range all {
		require.Equal(t, "person-nano", m.Model.Name)
		require.Equal(t, 8, m.Frames)
		require.Positive(t, m.Whole)
		require.Positive(t, m.Ratio)
	}
}

func TestBench_Broker_ReportCompleteAndNothingLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "report.json")
	out := ok(t, sightlog, "bench", "broker", "--dir", dir, "--rate", "400", "--duration", "500ms", "--warm-up", "0s", "--rounds", "2", "--json", file)
	require.Contains(t, out, "0 missing, 0 twice, 0 out of order")
	require.Contains(t, out, "CPU a record, broker")
	all := reports(t, file)
	require.Len(t, all, 1)
	r := all[0]
	require.Equal(t, benchresult.Broker, r.Kind)
	require.True(t, r.Correct.OK())
	require.Len(t, r.Rounds, 2)
	require.EqualValues(t, 400, r.Total.Frames)
	require.Equal(t, "400", r.Settings["rate"])
	require.Equal(t, "bundled", r.Machine.Broker)
	require.NotEmpty(t, r.Version)
	require.Positive(t, r.Total.Values["cpu_broker_us_per_record"])
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "its log and the probe of the disk are removed")
}

// reports reads the reports of a file.
func reports(t *testing.T, path string) []*benchresult.Report {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	all, err := benchresult.ReadAll(f, path)
	require.NoError(t, err)
	return all
}

func TestBench_BrokerThatCannotBe_OneLine(t *testing.T) {
	t.Parallel()
	for says, args := range map[string][]string{
		"the brokers 127.0.0.1:1 cannot be used": {"--brokers", "127.0.0.1:1"},
		"--json /no/such/file":                   {"--json", "/no/such/file"},
		"--dir /no/such/directory":               {"--dir", "/no/such/directory"},
		"--producers 0; give 1 to 1000":          {"--producers", "0"},
		"--acks must be one of":                  {"--acks", "some"},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			r := do(t, sightlog, append([]string{"bench", "broker"}, args...)...)
			require.Equal(t, 2, r.code)
			require.Contains(t, r.stderr, says)
			require.Equal(t, 1, strings.Count(r.stderr, "\n"), r.stderr)
		})
	}
}
