package pipeline_test

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/pipeline"
)

// A change reaches the child that runs, and the one after it.
func TestChild_Change_RunningChildAndTheNextGetIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := map[string]config.CameraSettings{"a": {Zones: map[string][]config.Point{"z": {{0, 0}, {1, 0}, {1, 1}}}}}
	var child *pipeline.Child
	child = &pipeline.Child{
		Args: []string{"sh", "-c", `cd "$0"; read -r job; echo "$job" >>jobs; echo '{"cameras":[{"id":"a","acked":1}]}' >&3
			[ -e crashed ] && exit 0
			read -r job; echo "$job" >>jobs; touch crashed; kill -SEGV $$`, dir},
		Report: func(number int, _ pipeline.Status) {
			if number == 1 {
				require.EqualValues(t, 1, child.Change(settings))
			}
		},
		Stderr: io.Discard, Log: slog.New(slog.DiscardHandler),
	}
	require.NoError(t, child.Run(t.Context()))
	b, err := os.ReadFile(filepath.Join(dir, "jobs"))
	require.NoError(t, err)
	jobs := pipeline.NewJobs(strings.NewReader(string(b)))
	for i, want := range []int64{0, 1, 1} {
		job, err := jobs.Next()
		require.NoError(t, err)
		require.Equal(t, want, job.Settings, "job %d", i+1)
		require.Equal(t, want > 0, len(job.Cameras) > 0, "job %d", i+1)
	}
	_, err = jobs.Next()
	require.ErrorIs(t, err, io.EOF)
}
