package docs

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// promtool runs Prometheus' tool in a directory.
func promtool(t *testing.T, dir string, args ...string) {
	t.Helper()
	tool := filepath.Join(testenv.Root(), "lib", "promtool")
	if _, err := os.Stat(tool); err != nil {
		if tool, err = exec.LookPath("promtool"); err != nil {
			testenv.Skip(t, "promtool is not installed: scripts/setup.sh --tests")
		}
	}
	cmd := exec.Command(tool, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// The tests of the rules say for each alert when it fires, and when it does not.
func TestAlertRules_Promtool_ValidAndTested(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(testenv.Root(), "deploy", "prometheus")
	promtool(t, dir, "check", "rules", "sightlog.rules.yml")
	promtool(t, dir, "test", "rules", "sightlog.rules.test.yml")
	rules, err := os.ReadFile(filepath.Join(dir, "sightlog.rules.yml"))
	require.NoError(t, err)
	tests, err := os.ReadFile(filepath.Join(dir, "sightlog.rules.test.yml"))
	require.NoError(t, err)
	alerts := 0
	for line := range strings.Lines(string(rules)) {
		if name, found := strings.CutPrefix(strings.TrimSpace(line), "- alert: "); found {
			alerts++
			require.Contains(t, string(tests), `alertname="`+name+`"`, "no test has this alert fire")
		}
	}
	require.Greater(t, alerts, 10)
}

// A real Grafana is not at hand: what it reads is checked instead. Expressions are those of
// PromQL, panels do not overlap, each asks the data source that is chosen on the page.
func TestServicesDashboard_Panels_ValidExpressionsInTheirPlaces(t *testing.T) {
	t.Parallel()
	var dashboard struct {
		UID           string
		SchemaVersion int
		Templating    struct{ List []struct{ Name, Type string } }
		Panels        []struct {
			ID          int
			Title, Type string
			GridPos     struct{ X, Y, W, H int }
			Datasource  struct{ Type, UID string }
			Targets     []struct{ RefID, Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(grafana(t, "services.json"), &dashboard))
	require.NotEqual(t, "sightlog", dashboard.UID, "that of the tables' dashboard")
	require.Equal(t, 39, dashboard.SchemaVersion)
	require.Equal(t, "datasource", dashboard.Templating.List[0].Type)
	require.Greater(t, len(dashboard.Panels), 10)
	ids, taken := make(map[int]bool), make(map[[2]int]string)
	rules := "groups:\n- name: panels\n  rules:\n"
	for _, p := range dashboard.Panels {
		require.False(t, ids[p.ID], p.Title)
		ids[p.ID] = true
		require.Contains(t, []string{"stat", "timeseries"}, p.Type)
		require.Equal(t, "prometheus ${datasource}", p.Datasource.Type+" "+p.Datasource.UID, p.Title)
		require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				require.Empty(t, taken[at], "%s lies over it", p.Title)
				taken[at] = p.Title
			}
		}
		require.NotEmpty(t, p.Targets, p.Title)
		for _, q := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*").Replace(q.Expr)
			require.NotContains(t, expr, "$", p.Title)
			rules += fmt.Sprintf("  - record: panel_%d_%s\n    expr: %q\n", p.ID, strings.ToLower(q.RefID), expr)
		}
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "panels.yml"), []byte(rules), 0o600))
	promtool(t, dir, "check", "rules", "panels.yml")
}
