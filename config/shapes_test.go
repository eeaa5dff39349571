package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
)

// The shapes that are written are those that the next start reads.
func TestSetShapes_DeployedFile_ReadsBackAndTheRestStays(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../deploy/sightlog.yaml")
	require.NoError(t, err)
	want := config.Shapes{
		Zones:  map[string][]config.Point{"mat": {{0.4, 0.6}, {0.6, 0.6}, {0.123456, 1}}, "Tür 2": {{0, 0}, {1, 0}, {1e-7, 1}}},
		Lines:  map[string][]config.Point{"step": {{0, 0.5}, {1, 0.5}}},
		Masks:  [][]config.Point{{{0, 0}, {0.2, 0}, {0.2, 0.3}}},
		Region: []float64{0, 0.2, 1, 1},
	}
	got, err := config.SetShapes(text, "door", want)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(got), string(text)))
	f, err := config.Decode("sightlog.yaml", got)
	require.NoError(t, err)
	require.Equal(t, want, f.Cameras()["door"].Shapes())
	path := filepath.Join(t.TempDir(), "a.yaml")
	require.NoError(t, os.WriteFile(path, got, 0o600))
	loaded, err := config.Load(path)
	require.NoError(t, err)
	require.Equal(t, f, loaded)

	none, err := config.SetShapes(got, "door", config.Shapes{})
	require.NoError(t, err)
	f, err = config.Decode("sightlog.yaml", none)
	require.NoError(t, err)
	require.Equal(t, config.CameraSettings{}, f.Cameras()["door"])
	require.True(t, strings.HasPrefix(string(none), string(text)))
}
