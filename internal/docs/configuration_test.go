package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/cli/full"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/testenv"
)

const configurationHead = `# Configuration

<!-- Generated from the code: go test ./internal/docs -update -->

Every key is a flag of the same name, a line of the YAML file that
` + "`--config FILE`" + ` names and, where the table has one, an environment variable. A flag wins over the environment, that over
the file, that over the default. One file serves all commands: each takes the keys
it knows; a key that no command knows is refused, with the nearest name. An empty
environment variable is not set. Lists are YAML lists in the file, and repeated
flags, or commas, on the command line; in paths ` + "`~`" + ` is the home directory.

[deploy/sightlog.yaml](../deploy/sightlog.yaml) has every key of the services, with
comments.
`

// key is a flag as one or more commands have it.
type key struct {
	flag     *kong.Flag
	commands []string
}

// keys lists the flags of the commands below node, one entry for each name
// and meaning, in the order of the commands.
func keys(node *kong.Node, path string, all []*key) []*key {
	for _, flag := range node.Flags {
		if flag.Name == "help" || flag.Hidden {
			continue
		}
		at := slices.IndexFunc(all, func(k *key) bool {
			return k.flag.Name == flag.Name && k.flag.Help == flag.Help && k.flag.Default == flag.Default
		})
		if at < 0 {
			at, all = len(all), append(all, &key{flag: flag})
		}
		all[at].commands = append(all[at].commands, path)
	}
	for _, child := range node.Children {
		all = keys(child, strings.TrimSpace(path+" "+child.Name), all)
	}
	return all
}

func application(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := cli.NewParser(&cli.Env{Name: "sightlog"}, new(full.Commands))
	require.NoError(t, err)
	return parser.Model
}

func TestConfiguration_GeneratedPage_IsTheCode(t *testing.T) {
	t.Parallel()
	app := application(t)
	all := keys(app.Node, "", nil)
	var page strings.Builder
	page.WriteString(configurationHead)
	table := func(title, text string, in func(k *key) bool) {
		fmt.Fprintf(&page, "\n## %s\n\n%s", title, text)
		page.WriteString(row("key", "type", "default", "environment", "meaning", "commands") + "|---|---|---|---|---|---|\n")
		for _, k := range all {
			if in(k) {
				page.WriteString(describe(k, app.Node))
			}
		}
	}
	service := func(k *key) bool {
		return slices.ContainsFunc(k.commands, func(c string) bool { return slices.Contains([]string{"run", "detect", "serve", "broker", "sink"}, c) })
	}
	common := func(k *key) bool { return k.commands[0] == "" }
	table("Every command", "", common)
	table("Services", "Keys of `run`, `detect`, `serve`, `broker` and `sink`.\n\n", func(k *key) bool { return service(k) && !common(k) })
	table("Other commands", "", func(k *key) bool { return !service(k) && !common(k) })
	page.WriteString("\n## Cameras\n\nUnder the key `cameras` of the file, by the camera's name. Points and regions are in parts of\nthe frame's width and height, from its top left: see [zones.md](zones.md).\n\n")
	page.WriteString(row("key", "type", "meaning") + "|---|---|---|\n")
	for _, f := range cameraFields(t) {
		page.WriteString(row(f...))
	}
	page.WriteString("\n## Places\n\nUnder the key `places` of the file, by the place's name: see [balance.md](balance.md). A camera's\n`occupancy` has the same keys, without the lines.\n\n")
	page.WriteString(row("key", "type", "meaning") + "|---|---|---|\n")
	for _, f := range placeFields(t) {
		page.WriteString(row(f...))
	}
	compare(t, "docs/configuration.md", page.String())
}

func describe(k *key, root *kong.Node) string {
	f := k.flag
	help, commands := f.Help, strings.Join(k.commands, ", ")
	if k.commands[0] == "" {
		commands = "all"
	}
	for _, parent := range root.Children { // "query" for each of its commands
		var each []string
		for _, child := range parent.Children {
			each = append(each, parent.Name+" "+child.Name)
		}
		if len(each) > 0 {
			commands = strings.Replace(commands, strings.Join(each, ", "), parent.Name, 1)
		}
	}
	var env, byDefault string
	if len(f.Envs) > 0 && f.Envs[0] != "-" {
		env = "`" + f.Envs[0] + "`"
	}
	if f.Default != "" {
		byDefault = "`" + f.Default + "`"
	}
	return row("`"+f.Name+"`", kind(f), byDefault, env, help, commands)
}

// kind returns the type of a key's value in words.
func kind(f *kong.Flag) string {
	of := f.Target.Type()
	switch {
	case f.Enum != "":
		return "`" + strings.ReplaceAll(strings.Trim(f.Enum, ","), ",", "`, `") + "`"
	case of.Kind() == reflect.Slice:
		return "list"
	case of.String() == "time.Duration":
		return "duration"
	case of.Kind() == reflect.Bool:
		return "true, false"
	case of.Kind() == reflect.Float32, of.Kind() == reflect.Float64:
		return "number"
	case strings.HasPrefix(of.Kind().String(), "int"), strings.HasPrefix(of.Kind().String(), "uint"):
		return "integer"
	}
	return "text"
}

// cameraFields returns key, type and comment of each field of config.CameraSettings.
func cameraFields(t *testing.T) [][]string {
	t.Helper()
	return fields(t, "camera.go", reflect.TypeFor[config.CameraSettings]())
}

// placeFields returns those of config.Place.
func placeFields(t *testing.T) [][]string {
	t.Helper()
	return append(fields(t, "places.go", reflect.TypeFor[config.Place]()), fields(t, "counting.go", reflect.TypeFor[config.Counting]())...)
}

// fields returns key, type and comment of each field of a struct that has a key.
func fields(t *testing.T, file string, of reflect.Type) (all [][]string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(testenv.Root(), "config", file), nil, parser.ParseComments)
	require.NoError(t, err)
	comments := make(map[string]string)
	ast.Inspect(f, func(n ast.Node) bool {
		spec, is := n.(*ast.TypeSpec)
		if is && spec.Name.Name == of.Name() {
			for _, field := range spec.Type.(*ast.StructType).Fields.List {
				if len(field.Names) > 0 {
					comments[field.Names[0].Name] = field.Comment.Text() + field.Doc.Text()
				}
			}
		}
		return true
	})
	types := map[reflect.Kind]string{reflect.Float64: "number", reflect.Bool: "true, false", reflect.Slice: "list", reflect.Map: "points by name",
		reflect.Struct: "time, or times by table", reflect.Pointer: "table", reflect.Int64: "time, or off", reflect.String: "text", reflect.Int32: "integer"}
	for field := range of.Fields() {
		if field.Anonymous {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		require.NotEmpty(t, comments[field.Name], "config.%s.%s has no comment", of.Name(), field.Name)
		kind := types[field.Type.Kind()]
		switch {
		case field.Type == reflect.TypeFor[map[string]time.Duration]():
			kind = "time, or times by zone"
		case name == "reset":
			kind = "time of day"
		}
		all = append(all, []string{"`" + name + "`", kind, comments[field.Name]})
	}
	return all
}
