package pipeline_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
)

func TestDataDirBelongsToOneProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	d, err := pipeline.OpenDataDir(dir)
	require.NoError(t, err)
	_, err = pipeline.ReadEndpoints(dir)
	require.ErrorIs(t, err, pipeline.ErrNotRunning)
	require.NoError(t, d.Publish(pipeline.Endpoints{Broker: "127.0.0.1:1", Database: "postgres:///x"}))

	_, err = pipeline.OpenDataDir(dir)
	require.ErrorIs(t, err, pipeline.ErrInUse)
	require.True(t, usage.Is(err))
	require.ErrorContains(t, err, "in use by another sightlog (process ")
	e, err := pipeline.ReadEndpoints(dir)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:1", e.Broker)

	require.NoError(t, d.Close())
	_, err = pipeline.ReadEndpoints(dir)
	require.ErrorIs(t, err, pipeline.ErrNotRunning)
	d, err = pipeline.OpenDataDir(dir)
	require.NoError(t, err)
	require.NoError(t, d.Close())
}

func TestDataDirRefusesWhatItCannotUse(t *testing.T) {
	newer := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(newer, "sightlog.json"), []byte(`{"format":99}`), 0o600))
	damaged := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(damaged, "sightlog.json"), []byte(`{`), 0o600))
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for want, dir := range map[string]string{
		"made by a newer sightlog": newer,
		"is damaged":               damaged,
		"not writable":             file,
	} {
		_, err := pipeline.OpenDataDir(dir)
		require.ErrorContains(t, err, want)
		require.True(t, usage.Is(err))
	}
}
