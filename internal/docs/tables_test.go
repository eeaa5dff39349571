package docs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
)

const tablesHead = `# Tables and views

<!-- Generated from the database's comments: go test ./internal/docs -update -->

Ask the views (` + "`v_…`" + `): they have names instead of numbers. The tables below them
are for programs that need less work done per row. psql shows the same text:
` + "`\\d+ v_detections`" + `. All times are ` + "`timestamptz`" + `. Columns and tables may be added
in later versions; those of the views keep their names and meanings.
`

// sourcesHead begins the views as sources for dbt.
const sourcesHead = `# Generated from the database's comments: go test ./internal/docs -update
version: 2

sources:
  - name: sightlog
    schema: "{{ var('sightlog_schema', 'public') }}"
    description: People that cameras and videos have shown, as sightlog's sink writes them.
    tables:
`

// relation is a table or view with its comment.
type relation struct {
	OID     uint32
	Name    string
	View    bool
	Comment *string
}

type column struct {
	Name, Type string
	Comment    *string
}

// TestTables_GeneratedPage_IsTheDatabase also fails where a table, view or
// column has no comment.
func TestTables_GeneratedPage_IsTheDatabase(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	// The views first; partitions are as their table is.
	rows, err := db.Query(t.Context(), `SELECT oid, relname AS name, relkind = 'v' AS view, obj_description(oid, 'pg_class') AS comment FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') AND NOT relispartition ORDER BY relkind = 'v' DESC, relname`)
	require.NoError(t, err)
	relations, err := pgx.CollectRows(rows, pgx.RowToStructByName[relation])
	require.NoError(t, err)
	require.NotEmpty(t, relations)
	var page, sources strings.Builder
	sources.WriteString(sourcesHead)
	page.WriteString(tablesHead)
	for _, r := range relations {
		require.NotNil(t, r.Comment, "%s has no comment: add COMMENT ON in a migration", r.Name)
		fmt.Fprintf(&page, "\n## %s\n\n%s\n\n", r.Name, *r.Comment)
		rows, err := db.Query(t.Context(), `SELECT attname AS name, format_type(atttypid, atttypmod) AS type,
			col_description(attrelid, attnum) AS comment FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, r.OID)
		require.NoError(t, err)
		columns, err := pgx.CollectRows(rows, pgx.RowToStructByName[column])
		require.NoError(t, err)
		page.WriteString(row("column", "type", "content") + "|---|---|---|\n")
		if r.View {
			fmt.Fprintf(&sources, "      - name: %s\n        description: %q\n", r.Name, *r.Comment)
			if columns[0].Name == "captured_at" || columns[0].Name == "minute" {
				fmt.Fprintf(&sources, "        loaded_at_field: %s\n", columns[0].Name)
			}
			sources.WriteString("        columns:\n")
		}
		for _, c := range columns {
			require.NotNil(t, c.Comment, "%s.%s has no comment: add COMMENT ON in a migration", r.Name, c.Name)
			if r.View {
				fmt.Fprintf(&sources, "          - name: %s\n            data_type: %s\n            description: %q\n", c.Name, c.Type, *c.Comment)
			}
			page.WriteString(row("`"+c.Name+"`", strings.Replace(c.Type, "timestamp with time zone", "timestamptz", 1), *c.Comment))
		}
	}
	compare(t, "docs/tables.md", page.String())
	compare(t, "deploy/dbt/sources.yml", sources.String())
}
