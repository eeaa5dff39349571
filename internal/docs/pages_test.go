package docs

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// read returns a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(testenv.Root(), name))
	require.NoError(t, err)
	return string(b)
}

// sources returns the text of the repository's files with one of these
// extensions, except tests.
func sources(t *testing.T, extensions string) string {
	t.Helper()
	var all strings.Builder
	require.NoError(t, filepath.WalkDir(testenv.Root(), func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (strings.HasPrefix(e.Name(), ".") || e.Name() == "lib" || e.Name() == "testdata"):
			return fs.SkipDir
		case e.IsDir() || filepath.Ext(path) == "" || !strings.Contains(extensions, filepath.Ext(path)) || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		b, err := os.ReadFile(path)
		all.Write(b)
		return err
	}))
	return all.String()
}

// TestTroubleshooting_EveryMessage_IsInTheCode keeps the first column of the
// page's tables true.
func TestTroubleshooting_EveryMessage_IsInTheCode(t *testing.T) {
	t.Parallel()
	messages := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(read(t, "docs/troubleshooting.md"), -1)
	require.NotEmpty(t, messages)
	code := sources(t, ".go .sh")
	for _, m := range messages {
		require.Contains(t, code, m[1], "docs/troubleshooting.md names a message that no program has")
	}
}

// TestDocuments_EveryLink_LeadsToAFile covers every document of the repository.
func TestDocuments_EveryLink_LeadsToAFile(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	documents := 0
	require.NoError(t, filepath.WalkDir(testenv.Root(), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() && (e.Name() == "lib" || e.Name() == ".git") {
			if e.IsDir() && err == nil {
				return fs.SkipDir
			}
			return err
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		documents++
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(b), -1) {
			u, err := url.Parse(m[1])
			require.NoError(t, err, "%s: %s", path, m[1])
			if u.Scheme != "" || u.Path == "" {
				continue
			}
			_, err = os.Stat(filepath.Join(filepath.Dir(path), filepath.FromSlash(u.Path)))
			require.NoError(t, err, "%s links to %s", path, m[1])
		}
		return nil
	}))
	require.Greater(t, documents, 20)
}

// TestArchitecture_EveryFileOfTheMap_Exists covers the files and directories that
// the documents for developers name.
func TestArchitecture_EveryFileOfTheMap_Exists(t *testing.T) {
	t.Parallel()
	path := regexp.MustCompile("`((?:[a-z0-9_]+/)+(?:[a-z0-9_]+\\.[a-z]+)?)`")
	found := 0
	for _, document := range []string{"ARCHITECTURE.md", "CONTRIBUTING.md"} {
		for _, m := range path.FindAllStringSubmatch(read(t, document), -1) {
			if m[1] == "log/" || m[1] == "postgres/" {
				continue // of the data directory
			}
			found++
			_, err := os.Stat(filepath.Join(testenv.Root(), m[1]))
			require.NoError(t, err, "%s names %s", document, m[1])
		}
	}
	require.Greater(t, found, 15)
}
