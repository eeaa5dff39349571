package migrations_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/migrations"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

func in(t *testing.T, url, schema string) *pgxpool.Pool {
	t.Helper()
	url, err := postgres.WithSchema(url, schema)
	require.NoError(t, err)
	return pgtest.Pool(t, url)
}

func exec(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	_, err := pool.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

// relations lists the tables, views, sequences and functions of a schema, but those of extensions.
func relations(t *testing.T, pool *pgxpool.Pool, schema string) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT relkind::text || ' ' || relname FROM pg_class WHERE relnamespace = $1::text::regnamespace
		UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = $1::text::regnamespace
			AND oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_proc'::regclass AND deptype = 'e') ORDER BY 1`, schema)
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return names
}

func TestUp_SharedDatabase_TablesOfOthersAreNotTouched(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"cameras", "sightings_default", "batch_ids", "v_detections"} {
		url := pgtest.Empty(t, "")
		pool := pgtest.Pool(t, url)
		switch {
		case name == "batch_ids":
			exec(t, pool, "CREATE SEQUENCE batch_ids")
		case strings.HasPrefix(name, "v_"):
			exec(t, pool, "CREATE VIEW v_detections AS SELECT 1 AS theirs")
		default:
			exec(t, pool, "CREATE TABLE "+name+" (theirs text)")
		}
		before := relations(t, pool, "public")
		err := migrations.Up(t.Context(), pool, nil)
		require.True(t, usage.Is(err), "%v", err)
		require.ErrorContains(t, err, "schema public of the database has tables of these names that are not sightlog's: "+name+"; add --schema sightlog")
		require.Equal(t, before, relations(t, pool, "public"))

		require.NoError(t, migrations.Up(t.Context(), in(t, url, "sightlog"), nil)) // as the line says
		require.Equal(t, before, relations(t, pool, "public"))
		require.Contains(t, relations(t, pool, "sightlog"), "r cameras")
	}
}

func TestUp_TwoSchemasOfOneDatabase_AreApart(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t, "")
	one, two := in(t, url, "one"), in(t, url, `the "second"`)
	for _, pool := range []*pgxpool.Pool{one, two} {
		require.NoError(t, migrations.Up(t.Context(), pool, nil))
		require.NoError(t, migrations.Up(t.Context(), pool, nil))
		exec(t, pool, "INSERT INTO cameras (name) VALUES ('porch')")
		exec(t, pool, "SELECT sightlog_ensure_day('2026-05-01')")
	}
	require.Equal(t, relations(t, one, "one"), relations(t, two, `"the ""second"""`))
	require.Empty(t, relations(t, one, "public"))
}

// What a later migration creates is also in the schema that has the tables.
func TestUp_NewSchemaInFrontOfThePath_TablesStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t, "")
	pool := pgtest.Pool(t, url)
	schema(t, pool, 0, 1) // in public, by the path "$user", public
	exec(t, pool, "CREATE SCHEMA "+postgres.Role)
	require.NoError(t, migrations.Up(t.Context(), pgtest.Pool(t, url), nil))
	require.Empty(t, relations(t, pool, postgres.Role))
	require.Subset(t, relations(t, pool, "public"), []string{"r crossings", "v v_crossings"})
}

func TestMove_TablesWithRows_AllAreInTheNewSchema(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	public, eyes := pgtest.Pool(t, url), in(t, url, "eyes")
	exec(t, public, "CREATE TABLE theirs (x integer)")
	exec(t, public, "SELECT sightlog_ensure_day('2026-05-01')")
	exec(t, public, "INSERT INTO cameras (name) VALUES ('porch')")
	exec(t, public, `INSERT INTO sightings VALUES ('2026-05-01 12:00+00', 1, 1, 0, 0, NULL, NULL, NULL, NULL, nextval('batch_ids'), 0, 1, 1, 0, 0)`)
	before := relations(t, public, "public")

	require.NoError(t, migrations.Move(t.Context(), eyes, "public", nil))
	require.NoError(t, migrations.Up(t.Context(), eyes, nil))
	require.Equal(t, []string{"r theirs"}, relations(t, public, "public"))
	require.ElementsMatch(t, before, append(relations(t, public, "eyes"), "r theirs"))
	var rows, version int
	require.NoError(t, eyes.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM sightings_20260501), version FROM sightlog_version").Scan(&rows, &version))
	require.Equal(t, []int{1, files(t)}, []int{rows, version})
	exec(t, eyes, "SELECT sightlog_ensure_day('2026-05-02'), nextval('batch_ids')")
	exec(t, eyes, "SELECT sightlog_advance_offsets('c', '{}', '{}', '{}', '{}', '{}', '{}', '{}'), sightlog_rebuild()")

	for _, c := range []struct {
		to   *pgxpool.Pool
		from string
		want string
	}{
		{eyes, "public", "schema eyes already has sightlog's tables; name an empty schema"},
		{in(t, url, "other"), "public", "schema public has no tables of sightlog's"},
		{in(t, url, "other"), "nonesuch", "schema nonesuch has no tables of sightlog's"},
	} {
		err := migrations.Move(t.Context(), c.to, c.from, nil)
		require.True(t, usage.Is(err), "%v", err)
		require.ErrorContains(t, err, c.want)
	}
	require.NoError(t, migrations.Move(t.Context(), in(t, url, "back"), "eyes", nil))
}

func TestUp_ThroughAPooler_SeveralAtOnce_LeaveNoLock(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t, "")
	pooled := pgtest.Bouncer(t, url)
	done := make(chan error, 4)
	for range cap(done) {
		pool := pgtest.Pool(t, pooled)
		go func() { done <- migrations.Up(t.Context(), pool, nil) }()
	}
	for range cap(done) {
		require.NoError(t, <-done)
	}
	var locks int
	require.NoError(t, pgtest.Pool(t, url).QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").Scan(&locks))
	require.Zero(t, locks)
}

func TestRelations_Migrated_AllListed(t *testing.T) {
	t.Parallel()
	rows, err := pgtest.Open(t).Query(t.Context(), `SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace
		AND relkind NOT IN ('i', 'I') AND relname <> 'sightlog_version'
		AND NOT (relkind = 'S' AND EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'i')) ORDER BY 1`)
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, migrations.Relations, names)
}
