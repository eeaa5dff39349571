package full_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/cli/full"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/models"
)

type composeFile struct {
	Services map[string]struct {
		Image      string
		Profiles   []string
		Entrypoint []string
		Command    []string
		Restart    string
		Init       bool
		Grace      string         `yaml:"stop_grace_period"`
		Shm        string         `yaml:"shm_size"`
		DependsOn  map[string]any `yaml:"depends_on"`
	}
}

var substitution = regexp.MustCompile(`\$\{[A-Z_]+:-([^}]*)\}`)

// No engine is needed: the file is parsed, and each command line of ours goes
// through the parser of the program it starts.
func TestComposeFile_EveryCommand_Exists(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(testenv.Root(), "docker-compose.yml"))
	require.NoError(t, err)
	var c composeFile
	require.NoError(t, yaml.Unmarshal(b, &c))
	require.Contains(t, c.Services, "postgres")
	require.Regexp(t, `^([2-9]\d{2,}mb|\d+gb)$`, c.Services["postgres"].Shm, "docker's 64 MB fail parallel queries of millions of rows")

	ours := 0
	for name, s := range c.Services {
		for dep := range s.DependsOn {
			require.Contains(t, c.Services, dep, "%s depends on it", name)
		}
		if s.Image != "sightlog" {
			continue
		}
		ours++
		args := make([]string, len(s.Command))
		for i, a := range s.Command {
			args[i] = substitution.ReplaceAllString(a, "$1")
		}
		require.True(t, s.Init, "service %s: PID 1 reaps", name)
		require.NotEmpty(t, s.Grace, "service %s: docker kills after 10 s", name)
		if slices.ContainsFunc(args, func(a string) bool { return strings.Contains(a, "=/samples/") }) {
			require.Equal(t, "on-failure", substitution.ReplaceAllString(s.Restart, "$1"), "service %s would read its file again and again", name)
		}
		program := append(s.Entrypoint, "sightlog")[0]
		require.NoError(t, cli.Check(program, grammar(program), args), "service %s: %s %s", name, program, strings.Join(args, " "))
	}
	require.Equal(t, 3, ours, "sightlog, detect and sink")
	require.Equal(t, []string{"kafka"}, c.Services["kafka3"].Profiles)
	require.Empty(t, c.Services["sightlog"].Profiles)
}

func TestDefaultModel_Cli_IsTheCatalogues(t *testing.T) {
	require.Equal(t, models.Default, cli.DefaultModel)
}

// The whole pipeline is what bench measures when it is told nothing else.
func TestBench_NoPartNamed_Pipeline(t *testing.T) {
	for _, line := range []string{
		"bench --source a.avi --json -", "bench pipeline --source a.avi", "bench --pace fast --source a.avi --source b.avi",
		"bench detector --source a.avi --model person-nano --model yolox-nano --rounds 3 --threads 2 --json -", "bench detector --for 2h",
	} {
		require.NoError(t, cli.Check("sightlog", &full.Commands{}, strings.Fields(line)), line)
	}
	require.Error(t, cli.Check("sightlog", &full.Commands{}, strings.Fields("bench --for 2h")), "a flag of the detector's")
}

func grammar(program string) any {
	if program == "sightlogd" {
		return &cli.Commands{}
	}
	return &full.Commands{}
}

// The command lines in the code blocks of all documents are parsed as well, also
// of those that no test can run.
func TestDocuments_CommandLines_Parse(t *testing.T) {
	block := regexp.MustCompile("(?ms)^```(?:sh.*?)?\n(.*?)^```$")
	line := regexp.MustCompile(`(?m)^\s*(?:bin/)?(sightlogd?) (.*)$`)
	found := 0
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		docs, err := filepath.Glob(filepath.Join(testenv.Root(), pattern))
		require.NoError(t, err)
		require.NotEmpty(t, docs)
		for _, doc := range docs {
			b, err := os.ReadFile(doc)
			require.NoError(t, err)
			for _, code := range block.FindAllSubmatch(b, -1) {
				for _, m := range line.FindAllStringSubmatch(string(code[1]), -1) {
					if strings.Contains(m[2], "--config ") {
						continue // the parser reads the file, which the page's test writes
					}
					found++
					require.NoError(t, cli.Check(m[1], grammar(m[1]), split(m[2])), "%s: %s", doc, strings.TrimSpace(m[0]))
				}
			}
		}
	}
	require.Greater(t, found, 40)
}

var word = regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`)

// split cuts a command line at blanks outside quotes, up to what is the
// shell's.
func split(s string) (args []string) {
	for _, w := range word.FindAllString(s, -1) {
		if strings.ContainsAny(w[:1], "|<>&#") {
			break
		}
		args = append(args, strings.Trim(w, `"'`))
	}
	return args
}

// Kubernetes refuses an image whose user it cannot see not to be root.
func TestImage_UserIsANumber_HealthIsAsked(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(testenv.Root(), "Dockerfile"))
	require.NoError(t, err)
	require.Regexp(t, `(?m)^USER [1-9]\d*:0$`, string(b))
	check := regexp.MustCompile(`(?m)^HEALTHCHECK .*CMD (\[.*\])$`).FindSubmatch(b)
	require.NotNil(t, check)
	var args []string
	require.NoError(t, json.Unmarshal(check[1], &args))
	require.Equal(t, []string{"bash", "-c"}, args[:2])

	for status, healthy := range map[int]bool{http.StatusOK: true, http.StatusServiceUnavailable: false} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/healthz" {
				status = http.StatusNotFound
			}
			w.WriteHeader(status)
		}))
		script := strings.ReplaceAll(args[2], "127.0.0.1/9464", strings.ReplaceAll(s.Listener.Addr().String(), ":", "/"))
		require.NotEqual(t, args[2], script)
		out, err := exec.CommandContext(t.Context(), args[0], args[1], script).CombinedOutput()
		s.Close()
		require.Equal(t, healthy, err == nil, "%d: %s", status, out)
	}
	require.Contains(t, string(b), "SIGHTLOG_METRICS=127.0.0.1:9464")
}
