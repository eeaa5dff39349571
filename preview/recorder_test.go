package preview_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/preview"
	"github.com/sightlog/sightlog/usage"
)

func TestPath_SeveralCameras_DirectoryOfVideos(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, err := preview.Path("", "porch", 2)
	require.NoError(t, err)
	require.Empty(t, path)
	path, err = preview.Path(filepath.Join(dir, "a.mp4"), "porch", 1)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "a.mp4"), path)
	path, err = preview.Path(filepath.Join(dir, "all"), "porch", 2)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "all", "porch.avi"), path)
	_, err = preview.Path(filepath.Join(dir, "a.mp4"), "porch", 2)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "one file cannot hold 2 cameras; name a directory")
	_, err = preview.Path(filepath.Join(dir, "a.gif"), "porch", 1)
	require.True(t, usage.Is(err), "%v", err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	_, err = preview.Path(filepath.Join(dir, "file"), "porch", 1)
	require.True(t, usage.Is(err), "%v", err)
}
