package query_test

import (
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/migrations"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// reader opens a test's database as questions open the private server's. Its
// template was the server's own, so the reader's rights are the same.
func reader(t *testing.T, address string) *pgxpool.Pool {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	u.User = url.User(postgres.Reader)
	pool, err := postgres.Open(t.Context(), u.String(), postgres.Options{ReadOnly: true})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func TestReader_TablesOfTheOwner_Readable(t *testing.T) {
	t.Parallel()
	address := pgtest.URL(t)
	owner := pgtest.Pool(t, address)
	for _, sql := range []string{
		"INSERT INTO cameras (name) VALUES ('porch')", "SELECT sightlog_ensure_day('2026-05-01')",
		"CREATE TABLE mine AS SELECT 1 AS n", "CREATE SCHEMA own", "CREATE VIEW own.seen AS SELECT name FROM cameras",
	} {
		_, err := owner.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	pool := reader(t, address)
	for sql, want := range map[string]string{
		"SELECT session_user || ' ' || current_user AS who":               "who\nsightlog_reader sightlog_reader\n",
		"SELECT count(*) AS n FROM sightings_20260501":                    "n\n0\n",
		"SELECT (SELECT name FROM own.seen) AS name, n FROM mine":         "name,n\nporch,1\n",
		"SELECT count(*) AS n FROM v_detections":                          "n\n0\n",
		"TABLE cameras":                                                   "id,name,complete_from\n1,porch,-infinity\n",
		"(VALUES (1))":                                                    "column1\n1\n",
		"WITH x AS (SELECT 2 AS n) SELECT n FROM x":                       "n\n2\n",
		"SHOW transaction_read_only":                                      "transaction_read_only\non\n",
		"SELECT rolsuper AS s FROM pg_roles WHERE rolname = current_user": "s\nfalse\n",
	} {
		require.Equal(t, want, answer(t, pool, query.SQL(sql), "csv"), sql)
	}
	require.Contains(t, answer(t, pool, query.SQL("EXPLAIN ANALYZE SELECT 1"), "csv"), "Result")
}

func TestReader_Escapes_Refused(t *testing.T) {
	t.Parallel()
	address := pgtest.URL(t)
	pool, owner := reader(t, address), pgtest.Pool(t, address)
	requireNoEscape(t, owner, pool)
	requireNoEffect(t, pool)
}

// The pages say how to make a role for questions on a database of others, and how to take
// from it what PostgreSQL lets every role do.
func TestRoleOfTheDocs_Escapes_Refused(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(testenv.Root(), "docs", "queries.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "## A role that can only read\n")
	require.True(t, found)
	var blocks []string
	for _, m := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(section, 2) {
		blocks = append(blocks, strings.ReplaceAll(m[1], "asker", "ROLE"))
	}
	require.Len(t, blocks, 2)
	create, rights, found := strings.Cut(blocks[0], "\n")
	require.True(t, found)
	require.Equal(t, "CREATE USER ROLE PASSWORD 'secret';", create) // as pgtest does

	address := pgtest.Empty(t, "")
	owner := pgtest.Pool(t, address)
	require.NoError(t, migrations.Up(t.Context(), owner, slog.New(slog.DiscardHandler)))
	as := func(statements ...string) *pgxpool.Pool {
		pool, err := postgres.Open(t.Context(), pgtest.As(t, address, "PASSWORD 'secret'", statements...), postgres.Options{ReadOnly: true})
		require.NoError(t, err)
		t.Cleanup(pool.Close)
		return pool
	}
	asker := as(rights)
	requireNoEscape(t, owner, asker)
	_, err = owner.Exec(t.Context(), "SELECT sightlog_ensure_day('2026-05-01')")
	require.NoError(t, err)
	for _, readable := range []string{"v_detections", "sightings_20260501"} {
		require.Equal(t, "n\n0\n", answer(t, asker, query.SQL("SELECT count(*) AS n FROM "+readable), "csv"))
	}
	requireNoEffect(t, as(rights, blocks[1]))
	require.NoError(t, migrations.Up(t.Context(), owner, slog.New(slog.DiscardHandler)), "the owner has its locks")
}

// requireNoEscape requires that a role cannot reach anything beside the rows it may read.
func requireNoEscape(t *testing.T, owner, pool *pgxpool.Pool) {
	t.Helper()
	_, err := owner.Exec(t.Context(), "INSERT INTO cameras (name) VALUES ('porch')")
	require.NoError(t, err)
	var pid string
	require.NoError(t, owner.QueryRow(t.Context(), "SELECT pg_backend_pid()::text").Scan(&pid))
	refuseFunctions(t, pool,
		"pg_terminate_backend("+pid+")", "pg_cancel_backend("+pid+")", "pg_terminate_backend(pg_backend_pid())",
		"pg_read_file('/etc/passwd')", "pg_read_binary_file('PG_VERSION')", "pg_ls_dir('/')", "pg_stat_file('/etc/passwd')",
		"lo_import('/etc/passwd')", "lo_export(1, '/tmp/x')", "lo_put(1, 0, 'x')", "lo_unlink(1)",
		"pg_reload_conf()", "pg_rotate_logfile()", "pg_switch_wal()", "pg_create_restore_point('x')",
		"pg_promote()", "nextval('batch_ids')", "setval('batch_ids', 1)", "sightlog_ensure_day('2026-05-01')",
		"set_config('role', 'sightlog', true)", "set_config('role', 'postgres', false)", "set_config('session_authorization', 'sightlog', true)",
		"set_config('transaction_read_only', 'off', true)", "set_config('archive_command', 'x', true)", "pg_stat_reset()", "pg_drop_replication_slot('x')",
	)
	for _, sql := range []string{
		"LOCK TABLE sightings", "LOCK TABLE sightings IN ACCESS EXCLUSIVE MODE", "COPY cameras TO PROGRAM 'true'", "COPY cameras TO '/tmp/x'", "COPY cameras FROM '/etc/passwd'",
		"COPY cameras TO STDOUT", "COPY cameras FROM STDIN", "SET ROLE sightlog", "RESET ROLE", "SET SESSION AUTHORIZATION postgres", "RESET ALL", "DISCARD ALL",
		"DO $$ BEGIN PERFORM 1; END $$", "CALL x()", "LISTEN x", "NOTIFY x", "CREATE TEMP TABLE x (n int)", "CREATE TABLE x (n int)", "SELECT 1 AS n INTO x",
		"ALTER SYSTEM SET fsync = off", "ALTER ROLE sightlog_reader SUPERUSER", "GRANT sightlog TO sightlog_reader", "TRUNCATE cameras", "DROP TABLE cameras", "VACUUM", "CHECKPOINT",
		"PREPARE x AS SELECT 1", "EXECUTE x", "DECLARE x CURSOR FOR SELECT 1", "BEGIN", "COMMIT", "SAVEPOINT x", "LOAD 'x'", "IMPORT FOREIGN SCHEMA x FROM SERVER y INTO z",
		"WITH x AS (INSERT INTO cameras (name) VALUES ('a') RETURNING id) SELECT * FROM x", "WITH x AS (DELETE FROM cameras RETURNING id) SELECT * FROM x",
		"SELECT * FROM cameras FOR UPDATE", "EXPLAIN ANALYZE DELETE FROM cameras", "EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1", "EXPLAIN ANALYZE EXECUTE x",
		"SELECT 1; DELETE FROM cameras", "SELECT * FROM pg_authid", "SELECT * FROM pg_largeobject", "SELECT * FROM pg_hba_file_rules",
	} {
		refused(t, pool, query.SQL(sql))
	}
	require.Equal(t, "id,name,complete_from\n1,porch,-infinity\n", answer(t, owner, query.SQL("TABLE cameras"), "csv"))
	require.Equal(t, "1", strings.TrimSpace(strings.TrimPrefix(answer(t, owner, query.SQL("SELECT 1"), "csv"), "?column?")), "its sessions live")
}

// requireNoEffect requires that a role cannot do what PostgreSQL lets every role do.
func requireNoEffect(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	other, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer other.Release()
	var colleague string // another session of the role
	require.NoError(t, other.QueryRow(t.Context(), "SELECT pg_backend_pid()::text").Scan(&colleague))
	refuseFunctions(t, pool,
		"pg_terminate_backend("+colleague+")", "pg_cancel_backend("+colleague+")", "lo_create(0)", "lo_creat(1)", "lo_from_bytea(0, 'x')",
		"pg_advisory_lock(7303014601517301106)", "pg_advisory_xact_lock(1)", "pg_try_advisory_lock(1)", "pg_advisory_lock_shared(1, 1)", "pg_try_advisory_xact_lock_shared(1)",
		"pg_notify('x', 'y')", "pg_logical_emit_message(false, 'x', 'y')", "pg_export_snapshot()",
	)
}

// refuseFunctions requires that a role cannot call these, also from within a function that
// runs SQL, which sees what set_config did before.
func refuseFunctions(t *testing.T, pool *pgxpool.Pool, calls ...string) {
	t.Helper()
	for _, f := range calls {
		err := refused(t, pool, query.SQL("SELECT "+f))
		require.NotContains(t, err.Error(), "\n")
		inner := strings.ReplaceAll("SELECT "+f, "'", "''")
		refused(t, pool, query.SQL("SELECT set_config('role', 'none', true), set_config('default_transaction_read_only', 'off', true), query_to_xml('"+inner+"', true, true, '')"))
	}
}

// On a database whose role is another's choice, the transaction is read-only
// and the statement a question; what the role's rights allow beside is not
// taken away, and package query says so.
func TestForeignRole_WritesAndStatementsWithEffects_Refused(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t) // as the owner of the tables
	for _, sql := range []string{
		"LOCK TABLE sightings", "COPY cameras TO STDOUT", "SET ROLE none", "DO $$ BEGIN END $$", "WITH x AS (INSERT INTO cameras (name) VALUES ('a') RETURNING id) SELECT * FROM x",
		"SELECT nextval('batch_ids')", "SELECT sightlog_ensure_day('2026-05-01')", "SELECT set_config('transaction_read_only', 'off', true)", "CREATE TABLE x (n int)",
		"SELECT query_to_xml('INSERT INTO cameras (name) VALUES (''a'')', true, true, '')",
	} {
		err := query.SQL(sql).Answer(t.Context(), pool, io.Discard, "csv")
		require.True(t, usage.Is(err), "%s: %v", sql, err)
	}
	require.Equal(t, "id,name,complete_from\n", answer(t, pool, query.SQL("TABLE cameras"), "csv"))
}
