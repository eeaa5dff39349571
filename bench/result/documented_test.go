package result_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/internal/testenv"
)

// documented are the types of the JSON, in the order of the page.
var documented = []any{
	result.Report{}, result.Machine{}, result.Other{}, result.Input{}, result.Durability{}, result.Disk{},
	result.Correctness{}, result.Round{}, result.Process{}, result.Limit{}, result.Trial{}, result.Reference{}, result.HistogramJSON{},
}

// TestJSON_EveryField_IsOnThePage holds docs/bench.md to the types: between its two marks
// it is what this test makes of them. UPDATE=1 writes it.
func TestJSON_EveryField_IsOnThePage(t *testing.T) {
	t.Parallel()
	comments := fieldComments(t)
	var made strings.Builder
	for _, v := range documented {
		typ := reflect.TypeOf(v)
		title := strings.TrimSuffix(typ.Name(), "JSON")
		made.WriteString("\n**" + strings.ToUpper(title[:1]) + title[1:] + "**\n\n| field | type | meaning |\n|---|---|---|\n")
		for f := range typ.Fields() {
			name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
			require.NotEmpty(t, name, "%s.%s", typ.Name(), f.Name)
			meaning := comments[typ.Name()+"."+f.Name]
			require.NotEmpty(t, meaning, "%s.%s has no comment", typ.Name(), f.Name)
			if strings.Contains(rest, "omitempty") {
				meaning += " (left out where empty)"
			}
			made.WriteString("| `" + name + "` | " + jsonType(f.Type) + " | " + meaning + " |\n")
		}
	}
	made.WriteString("\nThe histograms of a pipeline:\n\n| name | from and to |\n|---|---|\n")
	for _, s := range result.Spans {
		made.WriteString("| `" + s.Name + "` | " + s.Help + " |\n")
	}
	made.WriteString("\nThe values of a round:\n\n| name | unit | better | meaning |\n|---|---|---|---|\n")
	for _, m := range result.Metrics {
		better := "more"
		if m.Less {
			better = "less"
		}
		made.WriteString("| `" + m.Name + "` | " + m.Unit + " | " + better + " | " + m.Help + " |\n")
	}
	const begin, end = "<!-- fields: made by go test ./bench/result, UPDATE=1 -->\n", "<!-- end of fields -->\n"
	page := filepath.Join(testenv.Root(), "docs", "bench.md")
	b, err := os.ReadFile(page)
	require.NoError(t, err)
	head, rest, found := strings.Cut(string(b), begin)
	require.True(t, found)
	is, tail, found := strings.Cut(rest, end)
	require.True(t, found)
	want := made.String() + "\n"
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile(page, []byte(head+begin+want+end+tail), 0o644))
		return
	}
	require.Equal(t, want, is, "UPDATE=1 go test ./bench/result writes it anew")
}

func jsonType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Int, reflect.Int64:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.Bool:
		return "true, false"
	case reflect.Slice:
		return "list of " + jsonType(t.Elem())
	case reflect.Map:
		return "object of " + jsonType(t.Elem())
	case reflect.Pointer:
		return jsonType(t.Elem())
	}
	if t.Name() == "Time" {
		return "time"
	}
	return t.Name()
}

// fieldComments returns the comment of each field of the package, by type and field.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, field := range s.Fields.List {
					for _, id := range field.Names {
						all[spec.Name.Name+"."+id.Name] = strings.TrimSpace(field.Comment.Text())
					}
				}
			}
			return false
		})
	}
	return all
}
