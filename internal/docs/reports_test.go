package docs

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/query"
)

// TestQueries_TableOfReports_IsTheirList compares the first column of the table in
// docs/queries.md with the reports, both ways and in order.
func TestQueries_TableOfReports_IsTheirList(t *testing.T) {
	t.Parallel()
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\|").FindAllStringSubmatch(read(t, "docs/queries.md"), -1) {
		documented = append(documented, m[1])
	}
	require.Equal(t, append(query.ReportNames(), "sql"), documented)
}
