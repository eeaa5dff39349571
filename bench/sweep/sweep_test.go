package sweep

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/grids"
	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/usage"
)

const small = `
bench: broker
about: two by two
linger: [0s, 1s]
partitions: [16, 128]
rate: 1000
`

func parse(t *testing.T, text string) *Grid {
	t.Helper()
	g, err := Parse([]byte(text), "small.yaml")
	require.NoError(t, err)
	return g
}

func TestPoints_Grid_EachCombinationOnce(t *testing.T) {
	t.Parallel()
	g := parse(t, small)
	require.Equal(t, "two by two", g.About)
	var all []string
	for _, p := range g.Points("--brokers=a:1") {
		all = append(all, strings.Join(p.Args, " "))
	}
	require.Equal(t, []string{
		"bench broker --linger=0s --partitions=16 --rate=1000 --brokers=a:1",
		"bench broker --linger=0s --partitions=128 --rate=1000 --brokers=a:1",
		"bench broker --linger=1s --partitions=16 --rate=1000 --brokers=a:1",
		"bench broker --linger=1s --partitions=128 --rate=1000 --brokers=a:1",
	}, all)
}

// A point's file depends on all that its command is given.
func TestFile_AnotherSetting_AnotherFile(t *testing.T) {
	t.Parallel()
	g := parse(t, small)
	seen := make(map[string]bool)
	for _, text := range []string{small, strings.Replace(small, "1000", "2000", 1)} {
		for _, more := range []string{"--brokers=a:1", "--brokers=b:1"} {
			for _, p := range parse(t, text).Points(more) {
				seen[g.file(p)] = true
			}
		}
	}
	require.Len(t, seen, 16)
	for name := range seen {
		require.Regexp(t, `^linger=[01]s,partitions=(16|128)-[0-9a-f]{8}\.json$`, name)
	}
}

func TestParse_GridThatCannotBe_OneLine(t *testing.T) {
	t.Parallel()
	for says, text := range map[string]string{
		`small.yaml: bench broker has no key "partition"; did you mean "partitions"?`: "bench: broker\npartition: 3",
		`small.yaml: bench broker has no key "cameras"; it has acks, compression`:     "bench: broker\ncameras: [1, 2]",
		`small.yaml: bench sink has no key "linger"`:                                  "bench: sink\nlinger: 1s",
		"small.yaml: bench is <nil>; write one of bench: broker":                      "rate: 3",
		"small.yaml: bench is detector":                                               "bench: detector",
		"small.yaml: rate: 5 is there twice":                                          "bench: broker\nrate: [5, 6, 5]",
		"small.yaml: rate: the list is empty":                                         "bench: broker\nrate: []",
		"small.yaml: rate: map[a:1] is no value":                                      "bench: broker\nrate: {a: 1}",
		"small.yaml: it has no keys":                                                  "- bench",
		"small.yaml: yaml":                                                            "",
		"more than 2000 points":                                                       "bench: broker\nrate: [" + numbers(50) + "]\nsize: [" + numbers(50) + "]",
	} {
		if says == "small.yaml: yaml" {
			says, text = "small.yaml: line 1", "bench: [broker"
		}
		_, err := Parse([]byte(text), "small.yaml")
		require.True(t, usage.Is(err), "%s: %v", text, err)
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "\n")
	}
}

func numbers(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(100 + i)
	}
	return strings.Join(all, ", ")
}

func TestReady_EachGrid_Read(t *testing.T) {
	t.Parallel()
	all, err := Ready(grids.Files)
	require.NoError(t, err)
	var names []string
	for _, g := range all {
		names = append(names, g.Name)
		require.NotEmpty(t, g.About)
		require.NotEmpty(t, g.Axes)
	}
	require.Subset(t, names, []string{"partitioner", "partitions", "scaling", "scaling-stub", "sinks"})
}

// rig is a sweep whose program is a script: it writes a line a run, and a report.
type rig struct {
	Config
	t    *testing.T
	runs string // path of the lines
}

func newRig(t *testing.T, text, also string) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{t: t, runs: filepath.Join(dir, "runs")}
	program := filepath.Join(dir, "program")
	require.NoError(t, os.WriteFile(program, []byte(`#!/bin/sh
echo "$@" >> `+r.runs+`
for a; do case $a in --json=*) file=${a#--json=};; --partitions=*) n=${a#--partitions=};; esac; done
`+also+`
printf '{"schema":1,"kind":"broker","total":{"values":{"p99_ms":%s}}}' "$n" > "$file"
`), 0o755))
	r.Grid = parse(t, text)
	r.Points, r.Program, r.Scratch = r.Grid.Points(), program, filepath.Join(dir, "scratch")
	var err error
	r.Results, err = OpenResults(filepath.Join(dir, "results"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Results.Close()) })
	return r
}

func (r *rig) ran() int {
	r.t.Helper()
	b, err := os.ReadFile(r.runs)
	require.NoError(r.t, err)
	return strings.Count(string(b), "\n")
}

func TestRun_DonePoints_NotRunAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, small, "")
	r.Progress = func(s Step) {
		if s.Number == 3 {
			require.Positive(t, s.Left)
		}
	}
	require.NoError(t, Run(t.Context(), r.Config))
	require.Equal(t, 4, r.ran())
	require.NoError(t, os.Remove(r.Results.path(r.Grid.file(r.Points[2]))))
	require.NoError(t, os.WriteFile(r.Results.path(r.Grid.file(r.Points[0])), []byte(`{"schema":1,"to`), 0o644))
	require.NoError(t, Run(t.Context(), r.Config))
	require.Equal(t, 6, r.ran(), "the one that was removed, and the one that is not whole")
	all, err := r.Results.Combine(r.Grid, r.Points)
	require.NoError(t, err)
	require.Len(t, all, 4)
	for i, report := range all {
		require.Equal(t, result.Point, report.Kind)
		require.Equal(t, "broker", report.Name)
		require.Equal(t, r.Points[i].Values, report.Point)
	}
	f, err := os.Open(r.Results.File())
	require.NoError(t, err)
	defer f.Close()
	read, err := result.ReadAll(f, "sweep.json")
	require.NoError(t, err)
	require.Len(t, read, 4)
	require.NoDirExists(t, r.Scratch)
}

// A grid that has changed keeps the points that both have.
func TestCompare_ChangedGrid_SaysSoAndKeepsCommonPoints(t *testing.T) {
	t.Parallel()
	r := newRig(t, small, "")
	change, err := r.Results.Compare(r.Grid, r.Points, []byte(small))
	require.NoError(t, err)
	require.Equal(t, Change{Left: 4}, change)
	require.NoError(t, Run(t.Context(), r.Config))
	change, err = r.Results.Compare(r.Grid, r.Points, []byte(small))
	require.NoError(t, err)
	require.Equal(t, Change{Done: 4}, change)
	text := strings.Replace(small, "[16, 128]", "[16, 32]", 1)
	g := parse(t, text)
	change, err = r.Results.Compare(g, g.Points(), []byte(text))
	require.NoError(t, err)
	require.Equal(t, Change{Done: 2, Left: 2, Other: 2, Changed: true}, change)
}

func TestRun_PointFails_OthersAreDone(t *testing.T) {
	t.Parallel()
	r := newRig(t, small, `[ "$n" = 16 ] && { echo first >&2; echo the disk is full >&2; exit 1; }`)
	err := Run(t.Context(), r.Config)
	var failed *FailedError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, []string{"linger=0s partitions=16: the disk is full", "linger=1s partitions=16: the disk is full"}, failed.Points)
	require.Equal(t, 4, r.ran())
	all, err := r.Results.Combine(r.Grid, r.Points)
	require.NoError(t, err)
	require.Nil(t, all[0])
	require.NotNil(t, all[1])
	var text strings.Builder
	require.NoError(t, r.Grid.WriteText(&text, r.Points, all))
	require.Contains(t, text.String(), "128")
}

func TestRun_CommandRefused_EndsTheSweepWithItsLine(t *testing.T) {
	t.Parallel()
	r := newRig(t, small, `echo 'sightlog: the brokers cannot be used; start them' >&2; exit 2`)
	err := Run(t.Context(), r.Config)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "linger=0s partitions=16: the brokers cannot be used; start them")
	require.Equal(t, 1, r.ran())
}

func TestRun_Stopped_DonePointsStay(t *testing.T) {
	t.Parallel()
	r := newRig(t, small, `[ "$n" = 128 ] && { echo running=1; exec sleep 1000; }`)
	ctx, stop := context.WithCancel(t.Context())
	r.Progress = func(s Step) {
		if s.Number == 2 {
			time.AfterFunc(50*time.Millisecond, stop)
		}
	}
	require.ErrorIs(t, Run(ctx, r.Config), context.Canceled)
	all, err := r.Results.Combine(r.Grid, r.Points)
	require.NoError(t, err)
	require.NotNil(t, all[0])
	require.Nil(t, all[1])
}

func TestOpenResults_UsedOrUnwritable_UsageError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r, err := OpenResults(dir)
	require.NoError(t, err)
	_, err = OpenResults(dir)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "another sweep writes into it")
	require.NoError(t, r.Close())
	_, err = OpenResults("/dev/null/x")
	require.True(t, usage.Is(err), "%v", err)
	require.NotContains(t, err.Error(), "\n")
}

func TestAcross_SeveralAxes_MostNumbersThenTheLast(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"linger: [0s, 1s]\npartitions: [16, 128]":       "partitions",
		"linger: [0s, 1s, 2s]\npartitions: [16, 128]":   "linger",
		"acks: [all, none, leader]\nlinger: [0s, 1s]":   "linger",
		"acks: [all, none]\npartitioner: [key, sticky]": "acks",
	} {
		x, ok := parse(t, "bench: broker\n"+text).across()
		require.True(t, ok)
		require.Equal(t, want, x.Key)
	}
	_, ok := parse(t, "bench: broker").across()
	require.False(t, ok)
}

// Curves run over the numbers of an axis in their order, one curve for the rest.
func TestCurves_AxesOfNumbersAndNames_OverTheNumbers(t *testing.T) {
	t.Parallel()
	g := parse(t, "bench: broker\nacks: [all, none]\npartitions: [100, 1, 1000, 10]\nproducers: 3")
	points := g.Points()
	reports := make([]*result.Report, len(points))
	for i, p := range points {
		n, ok := number(p.Values["partitions"])
		require.True(t, ok)
		reports[i] = &result.Report{Total: result.Round{Values: map[string]float64{result.P99: n}}}
	}
	reports[0] = nil
	all := g.Curves(result.P99, points, reports)
	require.Len(t, all, 2)
	require.Equal(t, &Curve{X: "partitions", Others: "acks=all", At: []string{"1", "10", "1000"}, Values: []float64{1, 10, 1000}, Knee: 0}, all[0])
	require.Equal(t, []string{"1", "10", "100", "1000"}, all[1].At)
	var text strings.Builder
	require.NoError(t, g.WriteText(&text, points, reports))
	require.Regexp(t, `(?m)^ +all +100 +- +-`, text.String(), "a point without a report")
	require.Contains(t, text.String(), "acks=none\n     1 █ 1.00  ◀ knee\n    10 █ 10.0\n   100 ████ 100\n  1000 "+strings.Repeat("█", 40)+" 1000\n")
}
