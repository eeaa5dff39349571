// Package arrows holds the arrows between the packages: who may import whom.
// ARCHITECTURE.md draws them; this test keeps the drawing true.
package arrows_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

const module = "github.com/sightlog/sightlog/"

// allowed names, for each package, those of ours that it may import. Every
// package but the broker's may import usage, and every one the tools; tests may
// import internal/….
var allowed = map[string][]string{
	"usage":      {},
	"event":      {},
	"yamlfile":   {},
	"config":     {"alarm/rule", "yamlfile"},
	"models":     {},
	"migrations": {},

	"broker/storage":        {},
	"broker/internal/wire":  {"broker/storage"},
	"broker/internal/timer": {},
	"broker/internal/rows":  {},
	"broker/internal/auth":  {"broker/internal/rows", "broker/storage"},
	"broker/internal/quota": {"broker/internal/rows", "broker/storage"},
	"broker/internal/txn":   {"broker/internal/rows", "broker/internal/timer", "broker/storage"},
	"broker/internal/group": {"broker/internal/rows", "broker/internal/timer", "broker/internal/wire", "broker/storage"},
	"broker":                {"broker/internal/auth", "broker/internal/group", "broker/internal/quota", "broker/internal/rows", "broker/internal/timer", "broker/internal/txn", "broker/internal/wire", "broker/storage"},

	"schema":    {"event", "schema/pb"},
	"schema/pb": {},
	"registry":  {"kafka", "schema"},
	"kafka":     {"event", "schema"},
	"tracing":   {"event"},
	"postgres":  {},
	"sink":      {"event", "kafka", "schema", "tracing"},
	"occupancy": {"event", "kafka", "schema"},
	"mirror":    {"kafka"},

	"alarm":         {"alarm/rule", "event"},
	"alarm/rule":    {},
	"alarm/report":  {"alarm", "alarm/rule", "query"},
	"alarm/deliver": {"alarm", "alarm/report", "alarm/rule"},

	"query": {},
	"eval":  {"event"},
	"audit": {"event"},

	"ingest":              {"event", "ingest/newest"},
	"ingest/newest":       {},
	"detector":            {"event", "ingest", "yamlfile"},
	"detector/motion":     {},
	"detector/stationary": {"event"},
	"detector/onnx":       {"detector"},
	"detector/track":      {"event"},
	"detector/zone":       {"event"},

	"datadir":  {"broker", "postgres"},
	"database": {"config", "datadir", "migrations", "postgres"},

	"pipeline":        {"alarm", "alarm/deliver", "alarm/report", "alarm/rule", "broker", "broker/storage", "config", "database", "datadir", "detector/stationary", "detector/track", "detector/zone", "event", "kafka", "live", "mirror", "postgres", "registry", "schema", "sink", "tracing"},
	"preview":         {"detector/zone", "event", "ingest"},
	"snapshot":        {"event", "ingest", "preview"},
	"pipeline/detect": {"config", "detector", "detector/motion", "detector/onnx", "detector/stationary", "detector/track", "detector/zone", "event", "ingest", "live", "models", "pipeline", "kafka", "preview", "snapshot", "tracing"},
	"live":            {"event", "web/problem", "web/route"},
	"web":             {"web/auth", "web/cert", "web/problem", "web/route"},
	"web/auth":        {"web/problem", "web/route"},
	"web/cert":        {},
	"web/answer":      {"query", "web/problem", "web/route"},
	"web/alarms":      {"query", "web/answer", "web/auth", "web/events", "web/route"},
	"web/api":         {"config", "event", "query", "web/answer", "web/problem", "web/route"},
	"web/events":      {"event", "kafka", "schema", "web/answer", "web/route"},
	"web/health":      {"pipeline", "query", "sink", "web/route"},
	"web/history":     {"query", "web/answer", "web/route"},
	"web/page":        {"web/route"},
	"web/pictures":    {"query", "web/answer", "web/route"},
	"web/problem":     {},
	"web/route":       {},
	"web/settings":    {"config", "pipeline", "web/problem", "web/route", "yamlfile"},
	"bench/diff":      {"bench/result"},
	"bench":           {"bench/disk", "bench/host", "bench/result", "broker/storage", "config", "database", "internal/backoff", "pipeline"},
	"bench/baseline":  {},
	"bench/compare":   {"bench", "bench/baseline", "bench/diff", "bench/host", "bench/result", "bench/service", "internal/atomicfile", "internal/backoff", "pipeline", "postgres", "usage"},
	"bench/disk":      {"bench/result"},
	"bench/host":      {"bench/result"},
	"bench/page":      {"bench/diff", "bench/result"},
	"bench/result":    {},
	"bench/speed":     {"detector", "event", "ingest"},
	"bench/catchup":   {"bench/result", "bench/service", "event", "kafka", "sink"},
	"bench/grids":     {},
	"bench/sweep":     {"bench/result", "bench/service", "yamlfile"},
	"bench/service":   {"bench/result"},
	"bench/produce":   {"bench/disk", "bench/result", "bench/service", "kafka"},

	"cli":           {"alarm", "alarm/deliver", "alarm/report", "alarm/rule", "bench/diff", "bench/page", "bench/result", "broker", "broker/storage", "config", "database", "datadir", "event", "kafka", "live", "mirror", "occupancy", "pipeline", "postgres", "query", "registry", "web", "web/alarms", "web/answer", "web/api", "web/auth", "web/events", "web/health", "web/history", "web/page", "web/pictures", "web/route", "web/settings", "tracing"},
	"cli/full":      {"alarm/rule", "audit", "bench", "bench/baseline", "bench/catchup", "bench/compare", "bench/grids", "bench/host", "bench/page", "bench/produce", "bench/result", "bench/service", "bench/speed", "bench/sweep", "cli", "config", "database", "datadir", "detector", "detector/onnx", "detector/track", "eval", "event", "ingest", "models", "pipeline", "pipeline/detect", "postgres", "preview", "query", "yamlfile"},
	"cmd/sightlog":  {"cli", "cli/full"},
	"cmd/sightlogd": {"cli"},
}

// tools are packages of one mechanism each, which import none of ours.
var tools = []string{"internal/assign", "internal/atomicfile", "internal/backoff", "internal/filelock", "internal/grace", "internal/natural", "internal/outage"}

// noUsage are the packages that return plain errors.
var noUsage = []string{"broker", "broker/storage", "broker/internal/wire", "broker/internal/timer", "broker/internal/rows", "broker/internal/auth", "broker/internal/txn", "broker/internal/group", "broker/internal/quota", "event", "usage", "yamlfile"}

func TestPackages_Imports_OnlyAllowed(t *testing.T) {
	root := testenv.Root()
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if e.IsDir() && rel != "." && strings.HasPrefix(e.Name(), ".") {
			return filepath.SkipDir
		}
		dir := filepath.ToSlash(filepath.Dir(rel))
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(dir, "internal") {
			return nil
		}
		if _, known := allowed[dir]; !known {
			t.Errorf("%s: package %s is not in the table of this test", rel, dir)
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, imp := range f.Imports {
			name, err := strconv.Unquote(imp.Path.Value)
			require.NoError(t, err)
			ours, found := strings.CutPrefix(name, module)
			switch {
			case !found, slices.Contains(allowed[dir], ours), slices.Contains(tools, ours):
			case ours == "usage" && !slices.Contains(noUsage, dir):
			default:
				t.Errorf("%s: %s may not import %s", rel, dir, ours)
			}
		}
		return nil
	})
	require.NoError(t, err)
}
