package pipeline_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
)

func TestStartServices_WrongKeep_StartsNothing(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	for says, c := range map[string]struct {
		keep []string
		door config.Keep
	}{
		"--keep 30: a unit is missing":                                   {keep: []string{"30"}},
		"--keep totals=1d,tracks=2d: tracks are kept longer than totals": {keep: []string{"totals=1d", "tracks=2d"}},
		"camera door: keep: tracks are kept longer than totals":          {keep: []string{"tracks=2d"}, door: config.Keep{Totals: day}},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		_, err := pipeline.StartServices(t.Context(), pipeline.ServicesConfig{
			Data: config.Data{Data: dir}, Sinks: config.Sinks{Keep: c.keep}, Cameras: map[string]config.CameraSettings{"door": {Keep: c.door}},
		})
		require.True(t, usage.Is(err), "%v", err)
		require.ErrorContains(t, err, says)
		_, err = os.Stat(dir)
		require.ErrorIs(t, err, os.ErrNotExist)
	}
}
