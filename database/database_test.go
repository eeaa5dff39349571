package database_test

import (
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/datadir"
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
