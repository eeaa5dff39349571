package migrations_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/migrations"
	"github.com/sightlog/sightlog/usage"
)

func TestUp_SeveralAtOnceOnAnEmptySchema_MigrateOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	_, err := pgtest.Pool(t, url).Exec(t.Context(), "CREATE SCHEMA fresh")
	require.NoError(t, err)
	g, ctx := errgroup.WithContext(context.Background())
	for range 6 {
		pool := pgtest.Pool(t, url+"&search_path=fresh")
		g.Go(func() error { return migrations.Up(ctx, pool, nil) })
	}
	require.NoError(t, g.Wait())

	var version, tables int
	pool := pgtest.Pool(t, url+"&search_path=fresh")
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT version FROM fresh.sightlog_version").Scan(&version))
	require.Equal(t, files(t), version)
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'fresh' AND tablename = 'sightings'").Scan(&tables))
	require.Equal(t, 1, tables)
}

func files(t *testing.T) (n int) {
	t.Helper()
	entries, err := migrations.Files.ReadDir(".")
	require.NoError(t, err)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".sql") {
			n++
		}
	}
	return n
}

// A session that holds the tables delays a migration without a limit: that is logged.
func TestUp_TablesLocked_WaitIsLogged(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	holder, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = holder.Exec(t.Context(), "LOCK TABLE sightlog_version")
	require.NoError(t, err)
	var said bytes.Buffer
	logged := make(chan struct{})
	log := slog.New(slog.NewTextHandler(writer(func(b []byte) {
		said.Write(b)
		close(logged)
	}), &slog.HandlerOptions{Level: slog.LevelWarn}))
	done := make(chan error, 1)
	go func() { done <- migrations.Up(t.Context(), pool, log) }()
	<-logged
	require.NoError(t, holder.Rollback(t.Context()))
	require.NoError(t, <-done)
	require.Contains(t, said.String(), "waiting for a lock on the tables")
}

type writer func(b []byte)

func (w writer) Write(b []byte) (int, error) {
	w(b)
	return len(b), nil
}

func TestUp_Again_ChangesNothing(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	_, err := pool.Exec(t.Context(), "INSERT INTO cameras (name) VALUES ('porch')")
	require.NoError(t, err)
	require.NoError(t, migrations.Up(t.Context(), pool, nil))
	var n int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM cameras").Scan(&n))
	require.Equal(t, 1, n)
}

func TestUp_DatabaseOfANewerSightlog_RefusedUnchanged(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	_, err := pool.Exec(t.Context(), "UPDATE sightlog_version SET version = 999")
	require.NoError(t, err)
	err = migrations.Up(t.Context(), pool, nil)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "schema 999, made by a newer sightlog")
}

// Whoever edits the number of the schema gets a line that says so, and the tables stay as they are.
func TestUp_VersionEditedByHand_RefusedUnchangedInOneLine(t *testing.T) {
	t.Parallel()
	for sql, says := range map[string]string{
		"UPDATE sightlog_version SET version = -1":                            `table public.sightlog_version has 1 rows with version "-1"; it has one row`,
		"DELETE FROM sightlog_version":                                        `has 0 rows with version ""`,
		"INSERT INTO sightlog_version VALUES (7)":                             `has 2 rows with version "`,
		"ALTER TABLE sightlog_version ALTER version TYPE text USING 'twenty'": `has 1 rows with version "twenty"`,
		"ALTER TABLE sightlog_version RENAME version TO number":               `has 1 rows with version ""`,
		"ALTER TABLE sightlog_version DROP CONSTRAINT sightlog_version_pkey; ALTER TABLE sightlog_version ALTER version DROP NOT NULL; UPDATE sightlog_version SET version = NULL": `has 1 rows with version ""`,
		"UPDATE sightlog_version SET version = 0":                                    `table sightlog_version says schema 0, but the tables are not so: step 001_tables.sql: relation "cameras" already exists; change back`,
		"UPDATE sightlog_version SET version = 24; ALTER TABLE runs RENAME TO races": "says schema 24, but the tables are not so: step 025_",
		"UPDATE sightlog_version SET version = 2147483647":                           "the database has schema 2147483647, made by a newer sightlog; this one knows up to",
	} {
		pool := pgtest.Open(t)
		exec(t, pool, "INSERT INTO cameras (name) VALUES ('porch')")
		exec(t, pool, sql)
		before := relations(t, pool, "public")
		err := migrations.Up(t.Context(), pool, nil)
		require.True(t, usage.Is(err), "%s: %v", sql, err)
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "\n")
		require.Equal(t, before, relations(t, pool, "public"))
		require.Equal(t, []string{"porch"}, pgtest.Lines(t, pool, "SELECT name FROM cameras"))
	}
}

func TestEnsureDay_SeveralAtOnce_PartitionTakesTheDaysRows(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	g, ctx := errgroup.WithContext(context.Background())
	for range 8 {
		g.Go(func() error {
			var ok bool
			return pool.QueryRow(ctx, "SELECT sightlog_ensure_day('2026-05-01')").Scan(&ok)
		})
	}
	require.NoError(t, g.Wait())
	for _, at := range []string{"2026-05-01 00:00:00+00", "2026-05-01 23:59:59.999999+00", "2026-05-02 00:00:00+00"} {
		_, err := pool.Exec(t.Context(), `INSERT INTO sightings VALUES ($1::text::timestamptz, 1, 1, 1, 0, NULL, NULL, NULL, NULL, 1, 0, 1, 1, 0, 0)`, at)
		require.NoError(t, err)
	}
	var day, other int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM sightings_20260501), (SELECT count(*) FROM sightings_default)").Scan(&day, &other))
	require.Equal(t, [2]int{2, 1}, [2]int{day, other})

	// 2 May has a row in the default partition: the day stays there.
	var ok bool
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT sightlog_ensure_day('2026-05-02')").Scan(&ok))
	require.False(t, ok)
}

// Logical replication identifies the rows of an UPDATE or DELETE by the primary key:
// without one, publishing a table makes its updates fail.
func TestUp_EveryTable_CanBeReplicated(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	_, err := pool.Exec(t.Context(), "SELECT sightlog_ensure_day('2026-05-01')")
	require.NoError(t, err)
	require.Empty(t, pgtest.Lines(t, pool, `SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
		AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)`))
	tables := pgtest.Lines(t, pool, `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`)
	_, err = pool.Exec(t.Context(), "CREATE PUBLICATION all_of_it FOR TABLE "+strings.Join(tables, ", ")+" WITH (publish_via_partition_root)")
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), "UPDATE sightlog_version SET version = version; DELETE FROM outbox; DELETE FROM sightings WHERE captured_at < '2026-06-01'")
	require.NoError(t, err)
}
