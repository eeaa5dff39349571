package full_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/internal/testenv"
)

// No systemd is needed: each unit's command goes through the parser of its
// program, with the settings that are installed beside it.
func TestUnits_CommandsAndSettings_AreAccepted(t *testing.T) {
	t.Parallel()
	deploy := filepath.Join(testenv.Root(), "deploy")
	units, err := filepath.Glob(filepath.Join(deploy, "systemd", "*.service"))
	require.NoError(t, err)
	require.Len(t, units, 4)
	start := regexp.MustCompile(`(?m)^ExecStart=@BIN@/(sightlogd?) (.*)$`)
	for _, path := range units {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		m := start.FindStringSubmatch(string(b))
		require.NotNil(t, m, path)
		line := strings.ReplaceAll(m[2], "/etc/sightlog/sightlog.yaml", filepath.Join(deploy, "sightlog.yaml"))
		line = strings.ReplaceAll(line, "${SIGHTLOG_LISTEN}", "127.0.0.1:9092")
		require.NoError(t, cli.Check(m[1], grammar(m[1]), strings.Fields(line)), path)
		for _, setting := range []string{"User=sightlog", "Restart=on-failure", "KillMode=mixed", "RestartPreventExitStatus=2 3"} {
			require.Contains(t, string(b), setting+"\n", path)
		}
	}
}

// What is commented out is accepted, too, once someone removes the mark.
func TestSettingsFile_EveryCommentedKey_IsAccepted(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(testenv.Root(), "deploy", "sightlog.yaml"))
	require.NoError(t, err)
	text := regexp.MustCompile(`(?m)^#([a-z ]+[a-z-]*:)`).ReplaceAllString(string(b), "$1")
	require.NotContains(t, text, "#model:")
	path := filepath.Join(t.TempDir(), "sightlog.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	require.NoError(t, cli.Check("sightlog", grammar("sightlog"), []string{"run", "--config", path}))

	require.NoError(t, os.WriteFile(path, []byte(text+"modle: x\n"), 0o600))
	require.ErrorContains(t, cli.Check("sightlog", grammar("sightlog"), []string{"run", "--config", path}), "modle")
}
