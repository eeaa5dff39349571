package words_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// testName is the form of a test's name: type, case, outcome.
var testName = regexp.MustCompile(`^Test[A-Z0-9][A-Za-z0-9]*(_[A-Za-z0-9]+){2,}$`)

// TestTests_Names_AreTypeCaseOutcome covers every test of the repository.
func TestTests_Names_AreTypeCaseOutcome(t *testing.T) {
	t.Parallel()
	found := 0
	require.NoError(t, filepath.WalkDir(testenv.Root(), func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "lib" || strings.HasPrefix(e.Name(), ".") && path != testenv.Root()):
			return fs.SkipDir
		case e.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range f.Decls {
			fn, is := d.(*ast.FuncDecl)
			if !is || fn.Recv != nil || !strings.HasPrefix(fn.Name.Name, "Test") || fn.Name.Name == "TestMain" {
				continue
			}
			found++
			if !testName.MatchString(fn.Name.Name) {
				t.Errorf("%s: %s: name a test for its type, case and outcome: TestResume_MissingStart_NewTrackIDs", path, fn.Name.Name)
			}
		}
		return nil
	}))
	require.Greater(t, found, 500)
}
