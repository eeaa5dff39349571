package clients

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// client is a client whose program is run. command returns the program, and skips the test
// where it cannot be had.
type client struct {
	name, language string
	command        func(t *testing.T) []string
}

// tools is the name of Kafka's command-line tools, whose cases are others.
const tools = "kafka-*.sh"

var clients = []client{
	{"confluent-kafka", "Python", python("confluent.py")},
	{"kafka-python", "Python", python("kafka_python.py")},
	{"aiokafka", "Python", python("aio_kafka.py")},
	{"kafkajs", "Node.js", node("kafkajs.mjs", 14, 0)},
	{"@platformatic/kafka", "Node.js", node("platformatic.mjs", 20, 19)},
	{"sarama", "Go", golang("sarama")},
	{"kafka-go", "Go", golang("kafkago")},
	{"rskafka", "Rust", rust},
	{"kafka-clients", "Java", java("Client")},
	{tools, "Java", java("Tools")},
}

// all reports whether everything is to run, Apache Kafka beside, as in make test-clients.
func all() bool { return os.Getenv("SIGHTLOG_CLIENTS") == "all" }

// fetched returns a directory that set-up makes.
func fetched(t *testing.T, name, language string) string {
	t.Helper()
	dir := filepath.Join(testenv.Root(), "lib", "clients", name)
	if _, err := os.Stat(dir); err != nil {
		testenv.Skip(t, "no clients of "+language+" in lib/clients: make test-clients fetches them where "+language+" is installed")
	}
	return dir
}

func source(path ...string) string {
	return filepath.Join(append([]string{testenv.Root(), "internal", "clients"}, path...)...)
}

func python(program string) func(*testing.T) []string {
	return func(t *testing.T) []string {
		t.Helper()
		return []string{filepath.Join(fetched(t, "python", "Python"), "bin", "python"), source("python", program)}
	}
}

// node runs a program with Node.js of at least a version. Its modules are found beside it.
func node(program string, major, minor int) func(*testing.T) []string {
	return func(t *testing.T) []string {
		t.Helper()
		modules := filepath.Join(fetched(t, "node", "Node.js"), "node_modules")
		out, err := exec.Command("node", "--version").Output()
		require.NoError(t, err)
		version := strings.Split(strings.TrimPrefix(strings.TrimSpace(string(out)), "v"), ".")
		has, err := strconv.Atoi(version[0])
		require.NoError(t, err)
		and, err := strconv.Atoi(version[1])
		require.NoError(t, err)
		if has < major || has == major && and < minor {
			t.Skipf("needs Node.js %d.%d, and this is %d.%d", major, minor, has, and)
		}
		dir := t.TempDir()
		require.NoError(t, os.CopyFS(dir, os.DirFS(source("node"))))
		require.NoError(t, os.Symlink(modules, filepath.Join(dir, "node_modules")))
		return []string{"node", filepath.Join(dir, program)}
	}
}

// golang builds a program from modules that were fetched before.
func golang(program string) func(*testing.T) []string {
	return func(t *testing.T) []string {
		t.Helper()
		binary := filepath.Join(t.TempDir(), program)
		cmd := exec.Command("go", "build", "-o", binary, "./"+program)
		cmd.Dir = source("go")
		cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOPROXY=off", "CGO_ENABLED=0")
		out, err := cmd.CombinedOutput()
		if bytes.Contains(out, []byte("module lookup disabled")) {
			testenv.Skip(t, "no clients of Go in the module cache: make test-clients fetches them")
		}
		require.NoError(t, err, "%s", out)
		return []string{binary}
	}
}

// rust builds its program, for which the first time takes minutes: not in every test run.
func rust(t *testing.T) []string {
	t.Helper()
	if !all() {
		t.Skip("make test-clients builds and runs it")
	}
	target := fetched(t, "rust", "Rust")
	cmd := exec.Command("cargo", "build", "--quiet", "--offline")
	cmd.Dir, cmd.Env = source("rust"), append(os.Environ(), "CARGO_TARGET_DIR="+target)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return []string{filepath.Join(target, "debug", "rskafka")}
}

func java(class string) func(*testing.T) []string {
	return func(t *testing.T) []string {
		t.Helper()
		jars := kafkatest.ClassPath(t)
		if found, _ := filepath.Glob(filepath.Join(filepath.Dir(jars), "kafka-tools-*.jar")); len(found) == 0 {
			testenv.Skip(t, "Kafka's tools are not among its jars: make test fetches them where Maven is installed")
		}
		sources, err := filepath.Glob(source("java", "*.java"))
		require.NoError(t, err)
		classes := t.TempDir()
		out, err := exec.Command("javac", append([]string{"-cp", jars, "-d", classes}, sources...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return []string{"java", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp", classes + ":" + jars, class}
	}
}
