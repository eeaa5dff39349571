package docs

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

var update = flag.Bool("update", false, "write the generated pages instead of comparing them")

// compare compares a generated page with the one in docs/, or writes it.
func compare(t *testing.T, name, page string) {
	t.Helper()
	path := filepath.Join(testenv.Root(), name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(page), 0o644))
		return
	}
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, page, string(b), "%s is out of date: go test ./internal/docs -update", name)
}

// row returns one row of a Markdown table.
func row(cells ...string) string {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(strings.Join(strings.Fields(c), " "), "|", `\|`)
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}
