package datadir_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/usage"
)

// A directory on a full disk is not one that another user may write to.
func TestOpen_DiskFull_MakeRoom(t *testing.T) {
	disk := t.TempDir()
	testenv.SmallDisk(t, disk, 1)
	dir := filepath.Join(disk, "data")
	require.NoError(t, os.Mkdir(dir, 0o755))
	testenv.FillDisk(t, disk)
	_, err := datadir.Open(dir)
	require.True(t, usage.Is(err), err)
	require.ErrorContains(t, err, "--data "+dir+": its disk is full; make room")
}
