package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// requireJSONLines checks that each line is a message as one JSON object, and returns them.
func requireJSONLines(t *testing.T, text string) (messages []string) {
	t.Helper()
	for line := range strings.Lines(text) {
		var m struct{ Time, Level, Msg string }
		require.NoError(t, json.Unmarshal([]byte(line), &m), "%s", line)
		require.NotEmpty(t, m.Time, line)
		require.NotEmpty(t, m.Level, line)
		messages = append(messages, m.Level+" "+m.Msg)
	}
	return messages
}

// The child's messages, progress and the error are objects, too, and passwords in none.
func TestRun_LogFormatJSON_EveryLineOneObject(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	r := do(t, sightlog, "run", "--source", testenv.Data(t, "video/vtest.avi"), "--pace", "fast", "--data", dir, "--log-format", "json", "--log-level", "debug", "--web", "off")
	require.Zero(t, r.code, r.stderr)
	require.Greater(t, len(requireJSONLines(t, r.stderr)), 10)
	require.Equal(t, vtestFrames, number(t, []string{"--data", dir}, "select count(*) from sightings"))

	camera := guarded(t)
	wrong := strings.Replace(camera.URL, "http://", "http://user:not-"+password+"@", 1) + "/video?token=" + password
	r = do(t, sightlog, "run", "--source-file", sourcesFile(t, "porch="+wrong), "--data", dataDir(t), "--log-format", "json", "--log-level", "debug", "--web", "off")
	require.Equal(t, 2, r.code, r.stderr)
	messages := requireJSONLines(t, r.stderr)
	require.Regexp(t, `^ERROR .*\(401\)`, messages[len(messages)-1])
	require.NotContains(t, r.stderr, password)
}
