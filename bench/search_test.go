package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/host"
	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/pipeline"
)

// search plays the search against a machine that bears so many cameras.
func search(borne int) (found int, tried []int) {
	good, bad := 0, 0
	for n := firstCameras; n != 0; n = nextCameras(good, bad) {
		tried = append(tried, n)
		if n <= borne {
			good = n
		} else {
			bad = n
		}
	}
	return good, tried
}

func TestNextCameras_MachineThatBearsN_FindsIt(t *testing.T) {
	t.Parallel()
	for borne := range 40 {
		found, tried := search(borne)
		require.Equal(t, borne, found, "tried %v", tried)
	}
	found, tried := search(300)
	require.InDelta(t, 300, found, 15)
	require.LessOrEqual(t, len(tried), 14)
	found, _ = search(10_000)
	require.Equal(t, mostCameras, found)
	_, tried = search(5)
	require.Equal(t, []int{4, 8, 6, 5}, tried)
}

// trial is a report with these 99th percentiles of its stages.
func trial(cpu, p99, drift float64, dropped int64, wait, fetch, commit time.Duration) *result.Report {
	r := &result.Report{Total: result.Round{
		Dropped: dropped, Values: map[string]float64{result.CPUShare: cpu, result.CPUBusy: cpu, result.P99: p99, result.Drift: drift}, Histograms: make(map[string]*result.Histogram),
	}}
	for _, s := range result.Spans {
		r.Total.Histograms[s.Name] = result.NewHistogram()
	}
	r.Total.Histograms[result.Wait].Add(wait)
	r.Total.Histograms[result.Fetch].Add(fetch)
	r.Total.Histograms[result.Commit].Add(commit)
	return r
}

func TestJudgeTrial_TooMany_SaysWhatBit(t *testing.T) {
	t.Parallel()
	const limit = 200 * msec
	for name, c := range map[string]struct {
		r     *result.Report
		disk  float64 // µs
		bound string  // "": borne
	}{
		"borne":            {trial(.8, 199, 5, 0, 0, 0, 0), 0, ""},
		"too late":         {trial(.99, 900, 5, 0, 0, 0, 0), 0, "cpu"},
		"falls behind":     {trial(.99, 150, 60, 0, 0, 0, 0), 0, "cpu"},
		"drops":            {trial(.9, 20, 0, 3, 0, 0, 0), 0, "cpu"},
		"one thread":       {trial(.5, 900, 90, 0, 800*msec, 20*msec, 30*msec), 3000, "detector"},
		"a slow disk":      {trial(.3, 300, 0, 0, msec, 100*msec, 200*msec), 90_000, "disk"},
		"a slow sink":      {trial(.5, 900, 90, 0, msec, 800*msec, 30*msec), 3000, "sink"},
		"a slow commit":    {trial(.5, 900, 90, 0, msec, 20*msec, 800*msec), 3000, "sink"},
		"CPU wins in name": {trial(.95, 900, 90, 0, msec, 20*msec, 800*msec), 3000, "cpu"},
	} {
		c.r.Durability.Disks = []result.Disk{{P99: c.disk}}
		got := judgeTrial(7, c.r, limit)
		require.Equal(t, c.bound == "", got.OK, name)
		require.Equal(t, c.bound, got.Bound, name)
		if !got.OK {
			require.Contains(t, why(got, c.r), "with 7 cameras p99 is", name)
		}
	}
}

// CPU time that others use up is the limit all the same, and is said.
func TestJudgeTrial_OthersUseTheCPU_IsSaid(t *testing.T) {
	t.Parallel()
	r := trial(.3, 900, 90, 0, 800*msec, 0, 0)
	r.Total.Values[result.CPUBusy] = 1
	got := judgeTrial(3, r, 200*msec)
	require.Equal(t, "cpu", got.Bound)
	require.Contains(t, why(got, r), "70 % by processes that are no part")
}

func TestEstimate_RoundsToCome_AreCounted(t *testing.T) {
	t.Parallel()
	e := newEstimate(Config{Rounds: 3, Warmup: 5 * time.Second, Duration: 10 * time.Second})
	e.round(0)
	e.began = noon
	require.Equal(t, 3*(startupGuess+15*time.Second)-2*time.Second, e.left(noon.Add(2*time.Second), nil))
	w := &watch{to: noon.Add(19 * time.Second)} // start-up took 4 s
	require.Equal(t, 7*time.Second+2*19*time.Second, e.left(noon.Add(12*time.Second), w))
	e.number, e.length = 2, 30*time.Second
	require.Equal(t, 7*time.Second, e.left(noon.Add(12*time.Second), w))
	require.Zero(t, e.left(noon.Add(time.Hour), w))
}

func TestJudge_DiskThatSyncsInNoTime_IsNotDurable(t *testing.T) {
	t.Parallel()
	require.False(t, judge(result.Disk{FileSystem: "ext4", P50: 3}).Durable)
	require.False(t, judge(result.Disk{FileSystem: "tmpfs", P50: 300}).Durable)
	require.True(t, judge(result.Disk{FileSystem: "ext4", P50: 300}).Durable)
}

// The values of a round are CPU time by part; the probe's is in none of them.
func TestSetValues_PartsOfTheCPUTime_AddUp(t *testing.T) {
	t.Parallel()
	r := result.Round{Seconds: 10, Frames: 200, Values: make(map[string]float64), Histograms: map[string]*result.Histogram{result.DueCommitted: result.NewHistogram()}}
	r.Processes = []result.Process{
		{Part: host.Detect, User: 1.5, System: .5, Voluntary: 100, RSS: 3}, {Part: host.Services, User: .3, System: .1, Involuntary: 300, PSS: 5},
		{Part: host.Postgres, User: .1, Written: 4000}, {Part: host.Postgres, System: .1}, {Part: host.Probe, User: 4, Written: 1e9, RSS: 1e9},
	}
	seen := &watched{usage: host.Usage{Seconds: 10}}
	setValues(&r, seen, pipeline.ServicesConfig{})
	for name, want := range map[string]float64{
		result.FPS: 20, result.CPUFrame: 13, result.CPUDetect: 10, result.CPUServices: 2, result.CPUPostgres: 1, result.CPUBeyond: 3,
		result.CPUShare: 6.6 / 10 / float64(host.CPUs()), result.Written: 20, result.Switches: 2, result.RSS: 3, result.PSS: 5,
	} {
		require.InDelta(t, want, r.Values[name], 1e-9, name)
	}
}
