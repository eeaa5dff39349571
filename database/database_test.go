package database_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

// A query creates neither a database nor files.
func TestOpen_DirectoryWithoutADatabase_NoneIsCreated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := datadir.Open(dir)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	before, err := os.ReadDir(dir)
	require.NoError(t, err)
	_, _, err = database.Open(t.Context(), config.Data{Data: dir}, config.Database{}, slog.New(slog.DiscardHandler))
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "has no database of its own")
	after, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Equal(t, len(before), len(after))
}

// A question by root changes nothing of another user's: neither the tables nor the file
// that an owner who was killed left.
func TestOpen_RootAsksInTheDirectoryOfAnother_NothingIsChanged(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		testenv.Skip(t, "not root: only root asks in the directories of others")
	}
	dir, log := pgtest.Dir(t), slog.New(slog.DiscardHandler)
	d, err := datadir.Open(dir)
	require.NoError(t, err)
	require.NoError(t, d.Close())
	stale := filepath.Join(dir, "endpoints.json")
	require.NoError(t, os.WriteFile(stale, []byte("{}"), 0o644))
	private, err := postgres.StartPrivate(t.Context(), dir, log)
	require.NoError(t, err)
	require.NoError(t, private.Stop(t.Context()))
	for _, name := range []string{".", "sightlog.json", "lock", "endpoints.json"} {
		require.NoError(t, os.Chown(filepath.Join(dir, name), 65534, 65534))
	}

	_, _, err = database.Open(t.Context(), config.Data{Data: dir}, config.Database{}, log)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "its tables have version 0, ")
	require.FileExists(t, stale)

	require.NoError(t, os.Chown(filepath.Join(dir, "sightlog.json"), 0, 0)) // the owner's updates them
	pool, done, err := database.Open(t.Context(), config.Data{Data: dir}, config.Database{}, log)
	require.NoError(t, err)
	require.NoError(t, pool.Ping(t.Context()))
	require.NoError(t, done())
	require.NoFileExists(t, stale)
}
