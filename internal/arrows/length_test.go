package arrows_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// maxLines is the length of a file that one can read in one go.
const maxLines = 400

// unlimited are documents that are generated or grow with every release, and a migration,
// which is one step.
var unlimited = []string{"docs/configuration.md", "docs/tables.md", "deploy/dbt/sources.yml", "CHANGELOG.md", "schema/pb/events.pb.go", "migrations/005_rollups.sql"}

// written are the extensions of files that people write.
var written = []string{".go", ".c", ".cpp", ".h", ".sql", ".sh", ".py", ".md", ".yaml", ".yml"}

// TestFiles_Length_AtMostTheLimit covers code, SQL, scripts and documents.
func TestFiles_Length_AtMostTheLimit(t *testing.T) {
	t.Parallel()
	checked := 0
	eachFile(t, func(rel string) {
		if !slices.Contains(written, filepath.Ext(rel)) || slices.Contains(unlimited, rel) {
			return
		}
		b, err := os.ReadFile(filepath.Join(testenv.Root(), rel))
		require.NoError(t, err)
		checked++
		if n := bytes.Count(b, []byte("\n")); n > maxLines {
			t.Errorf("%s has %d lines: split it by subject into files of at most %d", rel, n, maxLines)
		}
	})
	require.Greater(t, checked, 500)
}

// eachFile calls f with the path of each file of the repository, relative to its root
// and with slashes, except those that set-up, builds and users put there.
func eachFile(t *testing.T, f func(rel string)) {
	t.Helper()
	root := testenv.Root()
	require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			ignored := slices.Contains([]string{"bin", "lib", "dist", "out", "samples", "testdata"}, e.Name())
			if rel != "." && (ignored || strings.HasPrefix(e.Name(), ".")) {
				return fs.SkipDir
			}
			return nil
		}
		f(filepath.ToSlash(rel))
		return nil
	}))
}
