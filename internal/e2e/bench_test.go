package e2e_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench"
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
