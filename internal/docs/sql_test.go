package docs

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
)

// TestSQL_EveryStatement_Runs runs the statements of docs/sql.md on the tables.
func TestSQL_EveryStatement_Runs(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	_, rest, found := strings.Cut(read(t, "docs/sql.md"), "```sql\n")
	require.True(t, found)
	text, _, found := strings.Cut(rest, "```")
	require.True(t, found)
	statements := strings.Split(strings.TrimSpace(text), ";")
	require.Greater(t, len(statements), 3)
	for _, sql := range statements {
		_, err := db.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
}
