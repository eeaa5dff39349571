package full_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/config"
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

// TestSettingsFile_EveryKey_IsNamedAndAccepted removes the marks of comments, as
// a user would, and asks for every key of the services and of cameras.
func TestSettingsFile_EveryKey_IsNamedAndAccepted(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(testenv.Root(), "deploy", "sightlog.yaml"))
	require.NoError(t, err)
	text := regexp.MustCompile(`(?m)^#( *[a-z-]+:)`).ReplaceAllString(string(b), "$1")
	require.NotContains(t, text, "#model:")
	path := filepath.Join(t.TempDir(), "sightlog.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	require.NoError(t, cli.Check("sightlog", grammar("sightlog"), []string{"run", "--config", path}))
	file, err := config.Load(path)
	require.NoError(t, err)
	for _, command := range []string{"run", "detect", "serve", "broker", "sink"} {
		for _, key := range keysOf(t, command) {
			require.Contains(t, file, key, "%s has a key that deploy/sightlog.yaml does not name", command)
		}
	}
	for field := range reflect.TypeFor[config.CameraSettings]().Fields() {
		require.False(t, reflect.ValueOf(file.Cameras()["door"]).FieldByIndex(field.Index).IsZero(), field.Name)
	}

	require.NoError(t, os.WriteFile(path, []byte(text+"modle: x\n"), 0o600))
	require.ErrorContains(t, cli.Check("sightlog", grammar("sightlog"), []string{"run", "--config", path}), "modle")
}

// keysOf returns the flags of a command that a configuration file may hold.
func keysOf(t *testing.T, command string) (keys []string) {
	t.Helper()
	parser, err := cli.NewParser(&cli.Env{Name: "sightlog"}, grammar("sightlog"))
	require.NoError(t, err)
	for _, node := range parser.Model.Children {
		if node.Name == command {
			for _, flag := range node.Flags {
				if !flag.Hidden {
					keys = append(keys, flag.Name)
				}
			}
		}
	}
	require.NotEmpty(t, keys, command)
	return keys
}
