package e2e_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// schemathesis sends requests that the description of an API allows, and others that it does
// not, and compares the answers with it.
const schemathesis = "schemathesis==4.32.5"

// accepted are the statuses of a request whose parameters are each right: its camera need not
// exist (404), together they may make no sense (422), and a change needs an If-Match (428).
const accepted = `[checks.positive_data_acceptance]
expected-statuses = ["2xx", 404, 422, 428]
`

// explorer installs schemathesis into an environment of its own.
func explorer(t *testing.T) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		testenv.Skip(t, "python3 is not installed")
	}
	venv := filepath.Join(t.TempDir(), "venv")
	for _, args := range [][]string{
		{python, "-m", "venv", venv},
		{filepath.Join(venv, "bin", "pip"), "--quiet", "--disable-pip-version-check", "install", schemathesis},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			testenv.Skip(t, "schemathesis cannot be installed: "+string(out))
		}
	}
	return filepath.Join(venv, "bin", "schemathesis")
}

// apiOf waits until a page is served, and returns the address of its API.
func apiOf(t *testing.T, p *process) (api string) {
	t.Helper()
	require.Eventually(t, func() bool {
		for line := range strings.SplitSeq(p.output.String(), "\n") {
			if v, found := strings.CutPrefix(line, "web="); found {
				api = v + "api/v1/"
			}
		}
		return api != "" || p.ended()
	}, limit, 20*time.Millisecond, "no page is served")
	require.NotEmpty(t, api, "%s", p.output)
	return api
}

// All routes of a real serve with data do what their description says, for every request that
// schemathesis thinks of; except those whose answers do not end, and logging in and out.
func TestAPI_Schemathesis_FindsNothing(t *testing.T) {
	t.Parallel()
	program, dir := explorer(t), dataDir(t)
	ok(t, sightlog, "run", "--data", dir, "--web", "off", "--source", "yard=test://people?frames=100&fps=10", "--pace", "fast")
	serve := start(t, sightlogd, "serve", "--data", dir, "--web", "127.0.0.1:0")
	api := apiOf(t, serve)
	resp, err := http.Get(api + "session")
	require.NoError(t, err)
	defer resp.Body.Close()
	var session struct{ CSRF string }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&session))

	work := t.TempDir()
	config := filepath.Join(work, "schemathesis.toml")
	require.NoError(t, os.WriteFile(config, []byte(accepted), 0o644))
	cmd := exec.CommandContext(t.Context(), program, "--config-file", config, "run", api+"openapi.json", "--no-color",
		"--exclude-path-regex", "events|/live|login|logout", "--header", "X-CSRF-Token: "+session.CSRF,
		"--max-examples", "10", "--request-timeout", "30", "--generation-deterministic", "--continue-on-failure")
	cmd.Dir = work
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Run(), "%s", &out)
	require.Contains(t, out.String(), "Coverage")
	require.NotContains(t, serve.output.String(), "level=ERROR", "a request failed in a way that no answer describes")
	t.Logf("%s", &out)
}
