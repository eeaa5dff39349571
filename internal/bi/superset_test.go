package bi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// superset is Apache Superset, and a session of its administrator.
type superset struct {
	testing.TB
	url     string
	headers http.Header
	client  http.Client
}

// start runs Superset, with settings in a file of its own, until the test ends.
func start(t *testing.T) *superset {
	t.Helper()
	if os.Getenv("SIGHTLOG_BI") != "all" {
		t.Skip("make test-bi draws the charts in Apache Superset")
	}
	programs := filepath.Join(testenv.Root(), "lib", "clients", "superset", "bin")
	if _, err := os.Stat(programs); err != nil {
		testenv.Skip(t, "no lib/clients/superset: make test-bi installs it")
	}
	home := t.TempDir()
	config := filepath.Join(home, "superset_config.py")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, "SECRET_KEY = %q\nSQLALCHEMY_DATABASE_URI = %q\nTALISMAN_ENABLED = False\n",
		"of this test alone, and of no other", "sqlite:///"+home+"/superset.db"), 0o600))
	var log bytes.Buffer
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(programs, name), args...)
		cmd.Env = append(os.Environ(), "SUPERSET_CONFIG_PATH="+config, "SUPERSET_HOME="+home, "FLASK_APP=superset", "HOME="+home)
		cmd.Stdout, cmd.Stderr, cmd.Dir = &log, &log, home
		return cmd
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Superset:\n%s", log.Bytes()[max(0, log.Len()-6000):])
		}
	})
	admin := "fab create-admin --username admin --firstname a --lastname b --email a@example.com --password admin"
	for _, line := range []string{"db upgrade", admin, "init"} {
		require.NoError(t, command("superset", strings.Fields(line)...).Run(), line)
	}
	addr := testenv.FreeAddr(t)
	server := command("gunicorn", "--bind", addr, "--threads", "4", "--timeout", "0", "superset.app:create_app()")
	require.NoError(t, server.Start())
	ended := make(chan struct{})
	go func() { _ = server.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = server.Process.Signal(os.Interrupt)
		<-ended
	})
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	s := &superset{TB: t, url: "http://" + addr, headers: make(http.Header), client: http.Client{Jar: jar}}
	s.headers.Set("Referer", s.url)
	s.headers.Set("Content-Type", "application/json")
	listening(t, addr, ended)
	login := s.call("POST", "security/login", map[string]any{"username": "admin", "password": "admin", "provider": "db"})
	s.headers.Set("Authorization", "Bearer "+login["access_token"].(string))
	s.headers.Set("X-CSRFToken", s.call("GET", "security/csrf_token/", nil)["result"].(string))
	return s
}

// listening waits until the server takes connections; what it is asked then waits until it can answer.
func listening(t *testing.T, addr string, ended chan struct{}) {
	t.Helper()
	testenv.Await(t, "Superset", func() bool {
		select {
		case <-ended:
			t.Fatal("Superset has ended")
		default:
		}
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}

// call asks the API.
func (s *superset) call(method, path string, body any) (answer map[string]any) {
	s.Helper()
	b, err := json.Marshal(body)
	require.NoError(s, err)
	req, err := http.NewRequestWithContext(s.Context(), method, s.url+"/api/v1/"+path, bytes.NewReader(b))
	require.NoError(s, err)
	req.Header = s.headers.Clone()
	resp, err := s.client.Do(req)
	require.NoError(s, err)
	defer resp.Body.Close()
	b, err = io.ReadAll(resp.Body)
	require.NoError(s, err)
	require.Less(s, resp.StatusCode, 300, "%s: %s", path, b)
	require.NoError(s, json.Unmarshal(b, &answer))
	return answer
}

// dataset makes that of a chart, and returns its number.
func (s *superset) dataset(database float64, p page, c chart) float64 {
	s.Helper()
	settings := map[string]any{"database": database, "schema": "public", "table_name": c.dataset}
	if sql := p.datasets[c.dataset]; sql != "" {
		settings["sql"] = sql
	}
	id := s.call("POST", "dataset/", settings)["id"].(float64)
	found := s.call("GET", fmt.Sprintf("dataset/%v", id), nil)["result"].(map[string]any)
	if c.time != "" {
		require.Equal(s, c.time, found["main_dttm_col"], "%s: the time column", c.dataset)
	}
	if settings["sql"] == nil {
		for _, column := range found["columns"].([]any) {
			require.NotEmpty(s, column.(map[string]any)["description"], "%s: %s", c.dataset, column)
		}
	}
	return id
}

// draw returns the values of a chart.
func (s *superset) draw(dataset float64, c chart) values {
	s.Helper()
	filters, columns := []any{}, []any{}
	if c.time != "" {
		before := " : " + until.Format("2006-01-02T15:04:05")
		filters = append(filters, map[string]any{"col": c.time, "op": "TEMPORAL_RANGE", "val": before})
	}
	if grain := map[string]string{"hour": "PT1H", "day": "P1D"}[c.grain()]; grain != "" {
		columns = append(columns, map[string]any{"columnType": "BASE_AXIS", "expressionType": "SQL", "sqlExpression": c.time,
			"label": c.time, "timeGrain": grain})
	}
	for _, by := range c.by {
		columns = append(columns, by)
	}
	answer := s.call("POST", "chart/data", map[string]any{
		"datasource": map[string]any{"id": dataset, "type": "table"}, "result_format": "json", "result_type": "full", "force": true,
		"queries": []any{map[string]any{"columns": columns, "filters": filters, "row_limit": 10000,
			"orderby": []any{}, "extras": map[string]any{},
			"metrics": []any{map[string]any{"expressionType": "SQL", "sqlExpression": c.metric, "label": "the metric"}}}},
	})
	got := make(values)
	for _, r := range answer["result"].([]any)[0].(map[string]any)["data"].([]any) {
		row := r.(map[string]any)
		var parts []any
		if c.grain() != "" {
			parts = append(parts, int64(row[c.time].(float64)))
		}
		for _, by := range c.by {
			parts = append(parts, row[by])
		}
		require.IsType(s, 0.0, row["the metric"], "%s is no number", c.name)
		got[key(parts...)] = row["the metric"].(float64)
	}
	return got
}

func TestCharts_InSuperset_NumbersOfSightlogQuery(t *testing.T) {
	t.Parallel()
	s, p := start(t), read(t)
	url, pool := fill(t)
	_, address, found := strings.Cut(role(t, p, url), "://")
	require.True(t, found)
	settings := map[string]any{"database_name": "sightlog", "sqlalchemy_uri": "postgresql://" + address}
	database := s.call("POST", "database/", settings)["id"].(float64)
	datasets := make(map[string]float64)
	for _, c := range p.charts {
		if datasets[c.dataset] == 0 {
			datasets[c.dataset] = s.dataset(database, p, c)
		}
		want, digits := answer(t, pool, c)
		same(t, c, want, s.draw(datasets[c.dataset], c), digits)
	}
}
