package e2e_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/diff"
	benchresult "github.com/sightlog/sightlog/bench/result"
)

// TestBench_Page_HasTheFiguresOfTheJSON draws the page while measuring, and again from the file.
func TestBench_Page_HasTheFiguresOfTheJSON(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	ok(t, sightlog, "bench", "broker", "--dir", dir, "--rate", "400", "--duration", "300ms", "--warm-up", "0s", "--rounds", "2",
		"--json", at("r.json"), "--html", at("r.html"))
	page, err := os.ReadFile(at("r.html"))
	require.NoError(t, err)
	ok(t, sightlogd, "bench", "report", at("r.json"), "--html", at("r.html"))
	again, err := os.ReadFile(at("r.html"))
	require.NoError(t, err)
	require.Equal(t, string(page), string(again))
	r := reports(t, at("r.json"))[0]
	for name, h := range r.Total.Histograms {
		require.Contains(t, string(page), ">"+diff.Number(h.Quantile(.99))+"</td>", name)
	}
	require.Contains(t, string(page), ">"+diff.Number(r.Total.Values[benchresult.P99])+" ms")
	refused := do(t, sightlog, "bench", "broker", "--html", at("none/r.html"))
	require.Equal(t, 2, refused.code)
	require.Contains(t, refused.stderr, "give a file in a directory that exists")
}

func TestBench_SweepPage_HasAPointOfEachValue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	grid := "bench: broker\npartitions: [1, 2, 3]\nrate: 200\nrounds: 1\nduration: 100ms\nwarm-up: 0s\n"
	require.NoError(t, os.WriteFile(at("grid.yaml"), []byte(grid), 0o600))
	ok(t, sightlog, "bench", "sweep", at("grid.yaml"), "--results", at("results"), "--dir", dir, "--html", at("s.html"))
	page, err := os.ReadFile(at("s.html"))
	require.NoError(t, err)
	for _, r := range reports(t, filepath.Join(at("results"), "sweep.json")) {
		require.Contains(t, string(page), diff.Name(r)+": "+diff.Number(r.Total.Values[benchresult.P99])+"</title>")
	}
}

func TestBench_DetectorPage_HasEachModel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	ok(t, sightlog, "bench", "detector", "--source", "test://people?frames=8", "--model", "person-nano,person-nano-int8", "--rounds", "2",
		"--json", at("d.json"), "--html", at("d.html"))
	page, err := os.ReadFile(at("d.html"))
	require.NoError(t, err)
	all := reports(t, at("d.json"))
	require.Len(t, all, 2)
	for _, r := range all {
		require.Contains(t, string(page), "<th>"+diff.Name(r)+"</th>")
		require.NotEmpty(t, r.Total.Values)
		for name, v := range r.Total.Values {
			require.Contains(t, string(page), diff.Number(v), name)
		}
	}
}
