package arrows_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// circular are the packages whose files use each other, with the reason. In all others the
// files depend on each other without circles.
var circular = map[string]string{
	"broker/storage": "Store, committer, Log and segment are one state machine",
}

// listed is a package as go list prints it.
type listed struct {
	ImportPath string
	Dir        string
	Export     string // file of its compiled declarations
	Standard   bool
	GoFiles    []string
	CgoFiles   []string
	Module     *struct{ Main bool }
}

// listPackages returns the packages of the repository and all that they import.
func listPackages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,Standard,GoFiles,CgoFiles,Module", "./...")
	cmd.Dir, cmd.Stderr = testenv.Root(), os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, p)
	}
}

// TestFiles_UseEachOther_InOneDirection covers the files of every package.
func TestFiles_UseEachOther_InOneDirection(t *testing.T) {
	t.Parallel()
	all, exports := listPackages(t), make(map[string]string)
	for _, p := range all {
		exports[p.ImportPath] = p.Export
	}
	set := token.NewFileSet()
	imports := importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, p := range all {
		if p.Module == nil || !p.Module.Main {
			continue
		}
		circles := components(fileUses(t, set, imports, p))
		if reason, ok := circular[strings.TrimPrefix(p.ImportPath, module)]; ok {
			assert.NotEmpty(t, circles, "%s has no circle any more; take it off the list (%s)", p.ImportPath, reason)
			continue
		}
		for _, circle := range circles {
			t.Errorf("%s: these files use each other: %s; move a declaration to the file of what it is about", p.ImportPath, strings.Join(circle, " "))
		}
	}
}

// fileUses returns which files of the package each of its files uses a declaration of.
func fileUses(t *testing.T, set *token.FileSet, imports types.Importer, p listed) map[string][]string {
	t.Helper()
	var files []*ast.File
	for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
		f, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, f)
	}
	info := types.Info{Uses: make(map[*ast.Ident]types.Object)}
	pkg, err := (&types.Config{Importer: imports, FakeImportC: true}).Check(p.ImportPath, set, files, &info)
	require.NoError(t, err)
	file := func(pos token.Pos) string { return filepath.Base(set.Position(pos).Filename) }
	found := make(map[string]map[string]bool)
	for id, object := range info.Uses {
		from, to := file(id.Pos()), file(object.Pos())
		if object.Pkg() == pkg && from != to {
			if found[from] == nil {
				found[from] = make(map[string]bool)
			}
			found[from][to] = true
		}
	}
	uses := make(map[string][]string)
	for from, to := range found {
		uses[from] = slices.Sorted(maps.Keys(to))
	}
	return uses
}

// components returns the groups of two or more files that reach each other.
func components(uses map[string][]string) (groups [][]string) {
	reached := make(map[string]map[string]bool)
	for from := range uses {
		seen, open := make(map[string]bool), []string{from}
		for len(open) > 0 {
			next := uses[open[0]]
			open = open[1:]
			for _, to := range next {
				if !seen[to] {
					seen[to] = true
					open = append(open, to)
				}
			}
		}
		reached[from] = seen
	}
	grouped := make(map[string]bool)
	for _, from := range slices.Sorted(maps.Keys(reached)) {
		if grouped[from] || !reached[from][from] {
			continue
		}
		var group []string
		for to := range reached[from] {
			if reached[to][from] {
				group, grouped[to] = append(group, to), true
			}
		}
		slices.Sort(group)
		groups = append(groups, group)
	}
	return groups
}
