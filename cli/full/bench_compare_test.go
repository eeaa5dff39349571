package full

import (
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/usage"
)

func compareCmd() *CompareCmd {
	return &CompareCmd{
		Source: []string{filepath.Join(testenv.Root(), "samples", "vtest.avi")}, Duration: time.Second, Rounds: 5, Partitions: 8, Sinks: 2,
		Model: "person-nano", Against: []string{"tuned"},
	}
}

func TestCompareCmd_FlagsThatCannotBe_UsageError(t *testing.T) {
	t.Parallel()
	good := compareCmd()
	_, err := good.checkFlags()
	require.NoError(t, err)
	require.Equal(t, 1, good.Cameras)
	for name, change := range map[string]func(*CompareCmd){
		"no --source is given":         func(c *CompareCmd) { c.Source = nil },
		"--source test://people is no": func(c *CompareCmd) { c.Source = []string{"test://people"} },
		"--cameras -1":                 func(c *CompareCmd) { c.Cameras = -1 },
		"--fps -1":                     func(c *CompareCmd) { c.FPS = -1 },
		"--duration 0s":                func(c *CompareCmd) { c.Duration = 0 },
		"--warm-up -1s":                func(c *CompareCmd) { c.WarmUp = -time.Second },
		"--rounds 0":                   func(c *CompareCmd) { c.Rounds = 0 },
		"--partitions 0":               func(c *CompareCmd) { c.Partitions = 0 },
		"--sinks 0":                    func(c *CompareCmd) { c.Sinks = 0 },
		"--side 0 --threads -1":        func(c *CompareCmd) { c.Threads = -1 },
	} {
		c := compareCmd()
		change(c)
		_, err := c.checkFlags()
		require.True(t, usage.Is(err), name)
		require.ErrorContains(t, err, name)
	}
}

func TestCompareCmd_ToolsOrModelAbsent_UsageError(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*CompareCmd){
		"no Apache Kafka in /no/jars; fetch it":  func(c *CompareCmd) { c.KafkaJars = "/no/jars" },
		"unknown model \"person-nan\"; did you ": func(c *CompareCmd) { c.Model = "person-nan" },
		"--html /no/where.html":                  func(c *CompareCmd) { c.HTML = "/no/where.html" },
	} {
		c := compareCmd()
		c.Dir = t.TempDir()
		change(c)
		err := c.Run(t.Context(), &cli.Env{Stdout: io.Discard, Stderr: io.Discard})
		require.True(t, usage.Is(err), "%s: %v", want, err)
		require.ErrorContains(t, err, want)
	}
}
