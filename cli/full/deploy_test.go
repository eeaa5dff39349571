package full_test

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/testenv"
)

// unit is a unit file: the values of each setting, in order.
type unit map[string][]string

// units returns the unit files of deploy/systemd by the names of their services.
func units(t *testing.T) map[string]unit {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(testenv.Root(), "deploy", "systemd", "*.service"))
	require.NoError(t, err)
	all := make(map[string]unit)
	for _, path := range paths {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		u := unit{}
		for _, m := range regexp.MustCompile(`(?m)^(\w+)=(.*)$`).FindAllStringSubmatch(string(b), -1) {
			u[m[1]] = append(u[m[1]], m[2])
		}
		all[strings.TrimSuffix(filepath.Base(path), ".service")] = u
	}
	require.Len(t, all, 5)
	return all
}

// command returns the unit's program and its arguments, with another configuration file.
func (u unit) command(t *testing.T, config string) (program string, args []string) {
	t.Helper()
	require.Len(t, u["ExecStart"], 1)
	line := u["ExecStart"][0]
	for _, v := range u["Environment"] {
		name, value, _ := strings.Cut(v, "=")
		line = strings.ReplaceAll(line, "${"+name+"}", value)
	}
	require.NotContains(t, line, "$")
	require.Contains(t, line, " --config /etc/sightlog/sightlog.yaml ", "it reads no settings")
	args = strings.Fields(strings.ReplaceAll(line, "/etc/sightlog/sightlog.yaml", config))
	program, found := strings.CutPrefix(args[0], "@BIN@/")
	require.True(t, found, line)
	return program, args[1:]
}

// No systemd is needed: each unit's command goes through the parser of its
// program, with the settings that are installed beside it and with every key.
func TestUnits_CommandsAndSettings_AreAccepted(t *testing.T) {
	t.Parallel()
	every := filepath.Join(t.TempDir(), "sightlog.yaml")
	require.NoError(t, os.WriteFile(every, []byte(everyKey(t)), 0o600))
	for name, u := range units(t) {
		for _, settings := range []string{filepath.Join(testenv.Root(), "deploy", "sightlog.yaml"), every} {
			program, args := u.command(t, settings)
			require.NoError(t, cli.Check(program, grammar(program), args), "%s, %s", name, settings)
		}
		for setting, value := range map[string]string{
			"User": "sightlog", "Group": "sightlog", "EnvironmentFile": "-/etc/sightlog/environment",
			"Restart": "on-failure", "RestartPreventExitStatus": "2 3", "StartLimitIntervalSec": "0",
			"KillMode": "mixed", "TimeoutStopSec": "90", "CPUWeight": "100", "ProtectSystem": "strict", "WantedBy": "multi-user.target",
		} {
			require.Equal(t, []string{value}, u[setting], "%s: %s", name, setting)
		}
	}
}

// A variable that the command does not know would leave its default, and a directory that
// systemd does not make cannot be written to.
func TestUnits_VariablesAndDirectories_AreTheCommands(t *testing.T) {
	t.Parallel()
	for name, u := range units(t) {
		program, args := u.command(t, "c.yaml")
		var known []string
		for _, flag := range flagsOf(t, program, args[0]) {
			known = append(known, flag.Envs...)
		}
		for _, v := range u["Environment"] {
			variable, _, _ := strings.Cut(v, "=")
			require.Contains(t, known, variable, name)
		}
		writes := slices.Index(args, "--data") + 1
		if writes == 0 {
			require.Equal(t, map[string][]string{"sightlog-detect": {"sightlog/spool"}}[name], u["StateDirectory"], name)
			require.Contains(t, strings.Join(u["Environment"], " "), "SIGHTLOG_BROKERS=", "%s: it has no log of its own", name)
			continue
		}
		require.Equal(t, []string{strings.TrimPrefix(args[writes], "/var/lib/")}, u["StateDirectory"], name)
		require.Equal(t, []string{args[writes]}, u["WorkingDirectory"], name)
	}
}

// The stages of one machine find each other.
func TestUnits_BrokerOfTheStages_IsTheOneThatListens(t *testing.T) {
	t.Parallel()
	all := units(t)
	listen, found := strings.CutPrefix(all["sightlog-broker"]["Environment"][0], "SIGHTLOG_LISTEN=")
	require.True(t, found)
	for _, stage := range []string{"sightlog-sink", "sightlog-detect", "sightlog-mirror"} {
		require.Equal(t, []string{"SIGHTLOG_BROKERS=" + listen}, all[stage]["Environment"])
		require.Contains(t, all[stage]["After"][0], "sightlog-broker.service", "%s ends before its broker", stage)
	}
}

// The directory that the settings suggest for the spool is one that systemd makes for detect.
func TestUnits_Spool_IsWritable(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(testenv.Root(), "deploy", "sightlog.yaml"))
	require.NoError(t, err)
	require.Contains(t, string(b), "\n#spool: /var/lib/"+units(t)["sightlog-detect"]["StateDirectory"][0]+"\n")
}

// A unit that a script forgets stays behind, or runs on with the programs of before.
func TestUnits_ScriptsOfInstallation_NameEach(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"install.sh", "postinst.sh", "prerm.sh"} {
		b, err := os.ReadFile(filepath.Join(testenv.Root(), "deploy", script))
		require.NoError(t, err)
		for name := range units(t) {
			require.Regexp(t, `\b`+name+`(["; \n]|$)`, string(b), script)
		}
	}
}

// The units of one command are stopped one after the other: the cameras' last frames need
// the broker.
func TestUnits_StoppedTogether_InTheOrderOfTheData(t *testing.T) {
	t.Parallel()
	stops := regexp.MustCompile(`(?m)^(?:units=|.*systemctl (?:stop|disable) ).*sightlog-broker.*$`)
	for _, path := range []string{"deploy/install.sh", "deploy/prerm.sh", "docs/operations.md"} {
		b, err := os.ReadFile(filepath.Join(testenv.Root(), path))
		require.NoError(t, err)
		lines := stops.FindAllString(string(b), -1)
		require.NotEmpty(t, lines, path)
		for _, line := range lines {
			require.Contains(t, line, "sightlog-detect sightlog-sink sightlog-broker", path)
			if strings.Contains(line, "sightlog sightlog-detect") { // all of them
				require.Contains(t, line, "sightlog-mirror sightlog sightlog-detect", path)
			}
		}
	}
}

// everyKey is the settings file without the marks of comments, as if a user set every key.
func everyKey(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(testenv.Root(), "deploy", "sightlog.yaml"))
	require.NoError(t, err)
	text := regexp.MustCompile(`(?m)^#( *[a-z-]+:)`).ReplaceAllString(string(b), "$1")
	require.NotContains(t, text, "#model:")
	return text
}

// The settings file names every key of the services and of cameras.
func TestSettingsFile_EveryKey_IsNamedAndAccepted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sightlog.yaml")
	require.NoError(t, os.WriteFile(path, []byte(everyKey(t)), 0o600))
	file, err := config.Load(path)
	require.NoError(t, err)
	for _, command := range []string{"run", "detect", "serve", "broker", "sink", "mirror"} {
		require.NoError(t, cli.Check("sightlog", grammar("sightlog"), []string{command, "--config", path}))
		for _, key := range keysOf(t, command) {
			if key == "once" || key == "remirror" {
				continue // of one start
			}
			require.Contains(t, file, key, "%s has a key that deploy/sightlog.yaml does not name", command)
		}
	}
	for field := range reflect.TypeFor[config.CameraSettings]().Fields() {
		require.False(t, reflect.ValueOf(file.Cameras()["door"]).FieldByIndex(field.Index).IsZero(), field.Name)
	}
}

// One file serves both programs: each accepts the keys of all commands, and no other.
// The command version takes none of them, so their values do not matter.
func TestConfigurationFile_KeysOfEitherProgram_AreAccepted(t *testing.T) {
	t.Parallel()
	values := map[string]string{}
	for _, program := range []string{"sightlog", "sightlogd"} {
		for _, flag := range flagsOf(t, program, "") {
			if !flag.Hidden && flag.Name != "help" && flag.Name != "config" {
				values[flag.Name] = "x"
			}
		}
	}
	delete(values, config.CamerasKey)                          // bench's flag is their number, the file's key a table of them
	values["log-level"], values["log-format"] = "warn", "text" // every command takes them
	every, err := yaml.Marshal(values)
	require.NoError(t, err)
	known := strings.Join(slices.Sorted(maps.Keys(values)), ", ") + ", " + config.CamerasKey
	path := filepath.Join(t.TempDir(), "sightlog.yaml")
	for _, program := range []string{"sightlog", "sightlogd"} {
		check := func(text string) error {
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			return cli.Check(program, grammar(program), []string{"version", "--config", path})
		}
		require.NoError(t, check(string(every)), program)
		require.ErrorContains(t, check("modle: x\n"), `unknown key "modle"; did you mean "model"?`, program)
		require.ErrorContains(t, check("wholly-unknown: x\n"), "known are: "+known, program)
	}
}

// keysOf returns the flags of a command that a configuration file may hold.
func keysOf(t *testing.T, command string) (keys []string) {
	t.Helper()
	for _, flag := range flagsOf(t, "sightlog", command) {
		if !flag.Hidden {
			keys = append(keys, flag.Name)
		}
	}
	require.NotEmpty(t, keys, command)
	return keys
}

// flagsOf returns the flags of a program's command or, without one, of all commands.
func flagsOf(t *testing.T, program, command string) (flags []*kong.Flag) {
	t.Helper()
	parser, err := cli.NewParser(&cli.Env{Name: program}, grammar(program))
	require.NoError(t, err)
	var add func(node *kong.Node)
	add = func(node *kong.Node) {
		flags = append(flags, node.Flags...)
		for _, child := range node.Children {
			add(child)
		}
	}
	for _, node := range parser.Model.Children {
		if command == "" || node.Name == command {
			add(node)
		}
	}
	return flags
}
