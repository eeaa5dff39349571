package full

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/usage"
)

func TestCamerasThatPlay_MoreThanSources_EachHasItsName(t *testing.T) {
	t.Parallel()
	specs, err := sourceSpecs([]string{"door=a.mp4", "b.mp4"})
	require.NoError(t, err)
	require.Equal(t, []string{"door=a.mp4", "cam1=b.mp4", "door-2=a.mp4", "cam1-2=b.mp4", "door-3=a.mp4"}, camerasThatPlay(specs, 5))
	require.Equal(t, []string{"door=a.mp4"}, camerasThatPlay(specs, 1))
	for _, bad := range [][]string{nil, {"-"}, {"A B=a.mp4"}} {
		_, err := sourceSpecs(bad)
		require.True(t, usage.Is(err), "%v: %v", bad, err)
	}
}

func TestPipelineCmd_FlagsThatCannotBe_UsageError(t *testing.T) {
	t.Parallel()
	good := func() *PipelineCmd {
		return &PipelineCmd{Rounds: 1, P99: time.Second, Sinks: config.Sinks{Store: config.Store{Store: "all"}}}
	}
	require.NoError(t, good().checkFlags())
	negative := -time.Second
	for name, change := range map[string]func(*PipelineCmd){
		"--fps":      func(c *PipelineCmd) { c.FPS = -1 },
		"--duration": func(c *PipelineCmd) { c.Duration = negative },
		"--warm-up":  func(c *PipelineCmd) { c.WarmUp = &negative },
		"--rounds":   func(c *PipelineCmd) { c.Rounds = 0 },
		"--store":    func(c *PipelineCmd) { c.Store.Store = "people" },
		"--pace":     func(c *PipelineCmd) { c.Pace, c.Cameras = "fast", "max" },
		"--p99":      func(c *PipelineCmd) { c.P99 = 0 },
	} {
		c := good()
		change(c)
		err := c.checkFlags()
		require.True(t, usage.Is(err), name)
		require.ErrorContains(t, err, name)
	}
}

func TestBenchText_Step_SaysHowLongItTakes(t *testing.T) {
	t.Parallel()
	s := bench.Step{What: "round 1 of 3", Frames: 40, FPS: 19.96, P99: 12300 * time.Microsecond, Left: 61400 * time.Millisecond, Problem: "the disk is full"}
	require.Equal(t, "round 1 of 3: 40 frames, 20.0 frames/s, p99 12.3 ms  about 1m1s left  PROBLEM: the disk is full", benchText(s))
	require.Equal(t, "round 1 of 3", benchText(bench.Step{What: "round 1 of 3"}))
}
