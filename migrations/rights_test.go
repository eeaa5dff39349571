package migrations_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/migrations"
	"github.com/sightlog/sightlog/usage"
)

// What the role lacks is named with the statement that gives it; the statement
// is then run as it was printed, and it helps.
func TestUp_RoleWithoutARight_NamesTheStatementThatHelps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statements []string
		schema     string
		says       string
	}{
		"CREATE on public, which PostgreSQL 15 gives nobody": {
			[]string{"REVOKE CREATE ON SCHEMA public FROM public"}, "", "may not create tables in schema public of database test_"},
		"nothing on public": {
			[]string{"REVOKE ALL ON SCHEMA public FROM public"}, "", "may use none of the schemas of the search path"},
		"CREATE on the database": {nil, "sightlog", "may not create schema \"sightlog\" in database test_"},
		"CREATE on a schema of its own": {
			[]string{"CREATE SCHEMA theirs", "GRANT USAGE ON SCHEMA theirs TO ROLE"}, "theirs", "may not create tables in schema theirs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t, "")
			theirs := pgtest.As(t, url, "", c.statements...)
			pool := pgtest.Pool(t, theirs)
			if c.schema != "" {
				pool = in(t, theirs, c.schema)
			}
			err := migrations.Up(t.Context(), pool, nil)
			require.True(t, usage.Is(err), "%v", err)
			require.ErrorContains(t, err, c.says)
			help := regexp.MustCompile(`have its owner run: (GRANT [^;]*|CREATE [^;]*)`).FindStringSubmatch(err.Error())
			require.NotNil(t, help, err)
			pgtest.As(t, url, "", help[1])
			require.NoError(t, migrations.Up(t.Context(), pool, nil))
		})
	}
}

func TestUp_TablesOfAnotherRole_AreRefusedInOneLine(t *testing.T) {
	t.Parallel()
	theirs := pgtest.As(t, pgtest.URL(t), "", "UPDATE sightlog_version SET version = 1", "GRANT ALL ON ALL TABLES IN SCHEMA public TO ROLE")
	for _, url := range []string{theirs, pgtest.As(t, pgtest.URL(t), "")} {
		err := migrations.Up(t.Context(), pgtest.Pool(t, url), nil)
		require.True(t, usage.Is(err), "%v", err)
		require.ErrorContains(t, err, "connect as the owner of its tables")
	}
}
