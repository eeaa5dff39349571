package postgres_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/postgres"
)

// TestMain has clusters copied: the tests make seventy, and to make one takes most of the
// time that they take.
func TestMain(m *testing.M) {
	dir, remove, err := pgtest.QuickInitdb()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if dir != "" {
		postgres.PreferPrograms(dir)
	}
	code := m.Run()
	remove()
	os.Exit(code)
}

// A cluster is recognised by its system identifier, also one that was copied.
func TestQuickInitdb_SeveralClusters_EachHasAnIdentifier(t *testing.T) {
	t.Parallel()
	seen := make(map[int64]bool)
	for range 3 { // the first one of all may be the original
		p := start(t, pgtest.Dir(t))
		conn, err := pgx.Connect(t.Context(), p.SuperURL())
		require.NoError(t, err)
		var id int64
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT system_identifier FROM pg_control_system()").Scan(&id))
		require.NoError(t, conn.Close(t.Context()))
		require.False(t, seen[id])
		seen[id] = true
	}
}
