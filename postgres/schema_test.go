package postgres_test

import (
	osexec "os/exec"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

func answer(t *testing.T, pool *pgxpool.Pool, sql string) (text string) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), sql).Scan(&text))
	return text
}

func TestOpen_EncodingOfOthers_TextIsStoredAsItWasSent(t *testing.T) {
	const name = "Zoë Müller" // in LATIN1, too
	url := pgtest.Empty(t, "ENCODING 'LATIN1' LOCALE 'C'")
	for how, url := range map[string]string{
		"the database's": url,
		"by options":     url + "&options=-cclient_encoding%3DLATIN1",
		"by parameter":   url + "&client_encoding=LATIN1",
	} {
		t.Run(how, func(t *testing.T) {
			pool := pgtest.Pool(t, url)
			require.Equal(t, "UTF8", answer(t, pool, "SHOW client_encoding"))
			_, err := pool.Exec(t.Context(), "CREATE TABLE IF NOT EXISTS names (name text)")
			require.NoError(t, err)
			var n int
			require.NoError(t, pool.QueryRow(t.Context(), "WITH new AS (INSERT INTO names VALUES ($1) RETURNING name) SELECT length(name) FROM new", name).Scan(&n))
			require.Equal(t, 10, n, "characters in the database")
		})
	}
	pool := pgtest.Pool(t, url)
	_, err := pool.Exec(t.Context(), "ALTER ROLE CURRENT_USER IN DATABASE "+pool.Config().ConnConfig.Database+" SET client_encoding = LATIN1")
	require.NoError(t, err)
	require.Equal(t, "UTF8", answer(t, pgtest.Pool(t, url), "SHOW client_encoding"))
}

func TestWithSchema_AnyWayToSayIt_SearchesThatSchemaAlone(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	set := func(address, schema string) string {
		got, err := postgres.WithSchema(address, schema)
		require.NoError(t, err)
		return got
	}
	for _, address := range []string{
		set(url, "eyes"), set(url+"&schema=eyes", "eyes"), set(url+"&search_path=eyes", "eyes"), url + "&schema=eyes", url + "&search_path=eyes",
		set("host="+pgtest.Pool(t, url).Config().ConnConfig.Host+" user=sightlog dbname="+pgtest.Pool(t, url).Config().ConnConfig.Database, "eyes"),
	} {
		pool := pgtest.Pool(t, address)
		require.Equal(t, "eyes", strings.Trim(answer(t, pool, "SHOW search_path"), `"`), address)
	}
	odd := pgtest.Pool(t, set(url, `My "eyes" 2`))
	require.Equal(t, `"My ""eyes"" 2"`, answer(t, odd, "SHOW search_path"))
	require.Equal(t, url, set(url, ""))
}

func TestWithSchema_WhatCannotBe_IsSaidInOneLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ address, schema, want string }{
		{"postgres://h/d?schema=a", "b", "--schema b: the database's URL says schema=a; give one of them"},
		{"postgres://h/d?search_path=a", "b", "the database's URL says search_path=a"},
		{"postgres://h/d", "pg_mine", "PostgreSQL keeps that name for itself"},
		{"postgres://h/d", strings.Repeat("s", 64), "cannot be a schema; give a name of 1 to 63 bytes"},
		{"postgres://h/d?schema=a&search_path=a", "", "--database-url has both schema and search_path"},
		{"postgres://h/d?schema=", "", `--database-url: schema "" cannot be a schema`},
	} {
		address, err := postgres.WithSchema(c.address, c.schema)
		if err == nil {
			_, err = postgres.Open(t.Context(), address, postgres.Options{})
		}
		require.True(t, usage.Is(err), "%v", err)
		require.ErrorContains(t, err, c.want)
	}
}

func TestPsqlURL_Schema_PsqlSearchesItToo(t *testing.T) {
	t.Parallel()
	psql, err := osexec.LookPath("psql")
	require.NoError(t, err, "it comes with PostgreSQL")
	url := pgtest.URL(t)
	for _, schema := range []string{"eyes", `My "eyes" 2`} {
		address, err := postgres.WithSchema(url+"&options=-cwork_mem%3D5MB", schema)
		require.NoError(t, err)
		pool := pgtest.Pool(t, address)
		out, err := osexec.Command(psql, "-XAt", "-c", "SHOW search_path", "-c", "SHOW work_mem", postgres.PsqlURL(address, pool)).CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Equal(t, answer(t, pool, "SHOW search_path")+"\n5MB\n", string(out))
	}
	require.Equal(t, url, postgres.PsqlURL(url, pgtest.Pool(t, url)))
}

func TestOpen_BehindAPooler_UsesNoNamedStatementsAndMindsTheSchema(t *testing.T) {
	t.Parallel()
	direct := pgtest.URL(t)
	pooled := pgtest.Bouncer(t, direct)
	pool := pgtest.Pool(t, pooled)
	for range 3 {
		for range 20 { // on whichever of the two sessions
			require.Equal(t, "1", answer(t, pool, "SELECT 1::text"))
		}
		require.Equal(t, "0", answer(t, pool, "SELECT count(*)::text FROM pg_prepared_statements"))
	}

	eyes, err := postgres.WithSchema(pooled, "eyes")
	require.NoError(t, err)
	_, err = postgres.Open(t.Context(), eyes, postgres.Options{})
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, `does not pass on the schema "eyes"; set it in the database, and reconnect the pooler: ALTER ROLE "sightlog" IN DATABASE`)
	_, own := postgres.Open(t.Context(), eyes, postgres.Options{OwnSchema: true})
	require.ErrorContains(t, own, `does not pass on the schema "eyes"; give the address of the database itself`)
	_, cure, _ := strings.Cut(err.Error(), "pooler: ")
	_, err = pgtest.Pool(t, direct).Exec(t.Context(), cure)
	require.NoError(t, err)
	again, err := postgres.WithSchema(pgtest.Bouncer(t, direct), "eyes")
	require.NoError(t, err)
	require.Equal(t, "eyes", answer(t, pgtest.Pool(t, again), "SHOW search_path"))
	require.NotContains(t, postgres.PsqlURL(again, pgtest.Pool(t, again)), "eyes", "psql gets it from the database")
}
