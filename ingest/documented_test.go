package ingest

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/testenv"
)

// TestSources_DocumentedAddresses_AreThoseOfTheKinds compares the table of docs/sources.md
// with sourceKinds, both ways: each address has a kind that is live or ends as the page
// says, and each kind and each scheme has an address.
func TestSources_DocumentedAddresses_AreThoseOfTheKinds(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testenv.Root(), "docs", "sources.md"))
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("pictures", 0o755))

	kinds, schemes := make(map[event.SourceKind]bool), map[string]bool{"file": true} // ParseSpec makes it a path
	for _, k := range sourceKinds {
		kinds[k.kind] = true
		for _, s := range k.schemes {
			schemes[s] = true
		}
	}
	documentedKinds, documentedSchemes := make(map[event.SourceKind]bool), make(map[string]bool)
	rows := regexp.MustCompile(`(?m)^\| (.*) \| (.*) \| (live|ends|both) \|$`).FindAllStringSubmatch(string(page), -1)
	require.NotEmpty(t, rows)
	for _, row := range rows {
		for _, address := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			spec, err := ParseSpec("yard="+strings.ReplaceAll(address[1], "…", "192.0.2.7/stream"), 0)
			require.NoError(t, err, "docs/sources.md: %s", address[1])
			kind, err := spec.Kind()
			require.NoError(t, err)
			documentedKinds[kind] = true
			if scheme, _, isURL := cutScheme(address[1]); isURL {
				documentedSchemes[scheme] = true
			}
			if row[3] != "both" {
				require.Equal(t, row[3] == "live", kind.Live(), "docs/sources.md: %s %s", address[1], row[3])
			}
		}
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(kinds)), slices.Collect(maps.Keys(documentedKinds)), "kinds of the code, and of docs/sources.md")
	require.ElementsMatch(t, slices.Collect(maps.Keys(schemes)), slices.Collect(maps.Keys(documentedSchemes)), "schemes of the code, and of docs/sources.md")
}
