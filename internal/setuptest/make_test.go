package setuptest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// newMake is a checkout with the Makefile, whose scripts and whose go write
// down what was called.
func newMake(t testing.TB) *checkout {
	t.Helper()
	c := newCheckout(t, "Makefile")
	for _, name := range []string{"check-go", "setup", "timescale", "demo", "version"} {
		c.write("scripts/"+name+".sh", "#!/bin/bash\nsleep 0.05\necho "+name+" >>calls\n")
	}
	c.standIn("go", `echo "${@: -1} cgo=$CGO_ENABLED work=$GOWORK flags=$GOFLAGS" >>calls`)
	return c
}

func TestMake_ParallelDemo_KeepsTheOrder(t *testing.T) {
	t.Parallel()
	c := newMake(t)
	code, _, stderr := c.run("make", "-j4", "demo")
	require.Zero(t, code, stderr)
	var order []string
	for _, call := range lines(c.read("calls")) {
		if name := strings.Fields(call)[0]; name != "version" {
			order = append(order, name)
		}
	}
	require.Equal(t, []string{"check-go", "setup", "./cmd/sightlog", "./cmd/sightlogd", "demo"}, order)
}

func TestMake_SettingsOfTheUsers_StayOutOfTheBuild(t *testing.T) {
	t.Parallel()
	c := newMake(t)
	c.env = []string{"CGO_ENABLED=0", "GOWORK=/elsewhere/go.work", "GOFLAGS=-p=1"}
	code, _, stderr := c.run("make", "build")
	require.Zero(t, code, stderr)
	calls := c.read("calls")
	require.Regexp(t, `(?m)^\./cmd/sightlog cgo=1 work=off flags=-p=1 .*-buildvcs=false$`, calls)
	require.Regexp(t, `(?m)^\./cmd/sightlogd cgo=0 work=off flags=-p=1 .*-buildvcs=false$`, calls)

	_, env, _ := c.run("make", "-s", "env")
	require.Contains(t, env, "export CGO_ENABLED=1\n")
	require.Contains(t, env, "export GOWORK=off\n")
}

// The targets that run what is past one machine fail where a part of it could not be installed, and
// need a compiler of C only where C code is linked.
func TestMake_TestsOfOtherPrograms_NeedTheirParts(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"test-cluster":   "cgo=1 require=installable",
		"test-tools":     "cgo=1 require=installable",
		"test-timescale": "cgo=1 require=installable",
		"test-schemas":   "cgo=0 require=installable",
		"test-bi":        "cgo=0 require=installable",
		"test-clients":   "cgo=0 require=", // it leaves out languages that are not installed
	} {
		c := newMake(t)
		c.standIn("go", `echo "$1 cgo=$CGO_ENABLED require=$SIGHTLOG_REQUIRE" >>calls`)
		c.env = []string{"SIGHTLOG_REQUIRE="}
		code, _, stderr := c.run("make", target)
		require.Zero(t, code, stderr)
		calls := lines(c.read("calls"))
		require.Equal(t, "test "+want, calls[len(calls)-1], target)
	}
}

func TestCheckGo_TooOldOrAbsent_OneLineAndExitCode2(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ version, says string }{
		{"go version go1.19.8 linux/amd64", `^make: /.*/go is Go 1\.19; sightlog needs Go 1\.21 or newer: .*\n$`},
		{"go version go1.20 linux/arm64", `is Go 1\.20; .*\n$`},
		{"go version go1.21.0 linux/amd64", ""},
		{"go version go1.26.8 linux/amd64", ""},
		{"go version devel go1.27-1a2b3c Mon Jan 5 linux/amd64", ""},
		{"", `^make: no go on the PATH; .*1\.21.*\n$`},
	} {
		t.Run(tc.version, func(t *testing.T) {
			t.Parallel()
			c := newCheckout(t, "scripts/check-go.sh")
			c.path = "/nonexistent"
			bash, err := exec.LookPath("bash")
			require.NoError(t, err)
			if tc.version != "" {
				c.standIn("go", "echo "+tc.version)
			}
			code, _, stderr := c.run(bash, "scripts/check-go.sh")
			if tc.says == "" {
				require.Zero(t, code, stderr)
				require.Empty(t, stderr)
				return
			}
			require.Equal(t, 2, code)
			require.Regexp(t, tc.says, stderr)
			require.Len(t, lines(stderr), 1)
		})
	}
}

// git runs git in the checkout, where no setting of the user's is read.
func (c *checkout) git(args ...string) {
	c.Helper()
	c.env = []string{"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null"}
	code, _, stderr := c.run("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.org"}, args...)...)
	require.Zero(c, code, "git %v: %s", args, stderr)
}

func (c *checkout) version() string {
	c.Helper()
	code, stdout, stderr := c.run("scripts/version.sh")
	require.Zero(c, code, stderr)
	require.Empty(c, stderr)
	return strings.TrimSpace(stdout)
}

func TestVersion_CheckoutOrArchive_Reported(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		testenv.Skip(t, "git is not installed")
	}
	c := newCheckout(t, "scripts/version.sh", ".gitattributes")
	require.Equal(t, "dev", c.version(), "sources of no repository")
	c.git("init", "-q")
	c.git("add", ".")
	c.git("commit", "-q", "-m", "first")
	hash := c.version()
	require.Regexp(t, `^[0-9a-f]{7,}$`, hash)
	c.git("tag", "v1.2.3")
	require.Equal(t, "v1.2.3", c.version())

	// An archive of the sources, unpacked in a repository of something else.
	c.git("archive", "-o", "src.tar", "HEAD")
	require.NoError(t, os.Mkdir(filepath.Join(c.dir, "inner"), 0o755))
	code, _, stderr := c.run("tar", "-xf", "src.tar", "-C", "inner")
	require.Zero(t, code, stderr)
	inner := &checkout{TB: t, dir: filepath.Join(c.dir, "inner"), env: c.env, path: c.path}
	require.Equal(t, hash, inner.version())

	t.Run("clone of another owner", func(t *testing.T) {
		if os.Geteuid() != 0 {
			testenv.Skip(t, "only root can give a clone away")
		}
		require.NoError(t, exec.Command("chown", "-R", "65534", c.dir).Run())
		require.Equal(t, "v1.2.3", c.version())
	})
}

// Versions as git describes them, each older than the next to dpkg.
func TestDebVersion_CommitsAndTags_AreInTheirOrder(t *testing.T) {
	t.Parallel()
	c := newCheckout(t, "scripts/deb-version.sh")
	var before string
	for _, described := range []struct{ version, when string }{
		{"9c3f1aa", "@1000000000"}, {"0b12345-dirty", "@1000000060"},
		{"v0.1.0-rc1", ""}, {"v0.1.0-rc1-3-g9c3f1aa", ""}, {"v0.1.0", ""}, {"v0.1.0-dirty", ""}, {"v0.1.0-5-g0b12345", ""},
		{"v0.1.0-12-g9c3f1aa-dirty", ""}, {"v0.1.1", ""}, {"v0.2.0", ""},
	} {
		code, stdout, stderr := c.run("scripts/deb-version.sh", described.version, described.when)
		require.Zero(t, code, stderr)
		version := strings.TrimSpace(stdout)
		require.Regexp(t, `^[0-9][0-9A-Za-z.+~]*$`, version)
		if before != "" {
			require.NoError(t, exec.Command("dpkg", "--compare-versions", before, "lt", version).Run(), "%s, then %s", before, version)
		}
		before = version
	}
}

// Git answers go's question about such a clone with an error.
func TestMake_CloneOfAnotherOwner_Builds(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		testenv.Skip(t, "only root can give a clone away")
	}
	c := newCheckout(t, "scripts/version.sh")
	c.write("go.mod", "module example.org/m\n")
	c.write("main.go", "package main\n\nfunc main() {}\n")
	c.git("init", "-q")
	c.git("add", ".")
	c.git("commit", "-q", "-m", "first")
	require.NoError(t, exec.Command("chown", "-R", "65534", c.dir).Run())
	c.env = append(c.env, "GOENV=off")
	code, _, stderr := c.run("go", "build", "-o", "m", ".")
	require.NotZero(t, code, "go asks git no more: -buildvcs=false is not needed")
	require.Contains(t, stderr, "VCS")

	m := newMake(t)
	_, env, _ := m.run("make", "-s", "env")
	code, _, stderr = c.run("bash", "-c", env+"\ngo build -o m .")
	require.Zero(t, code, stderr)
}

// An exported CDPATH sends a plain cd elsewhere.
func TestScripts_ExportedCDPATH_StayInTheirOwnDirectory(t *testing.T) {
	t.Parallel()
	c := newCheckout(t, "scripts/version.sh")
	other := filepath.Join(filepath.Dir(c.dir), "other")
	require.NoError(t, os.MkdirAll(filepath.Join(other, "scripts"), 0o755))
	c.env = []string{"CDPATH=" + other}
	code, stdout, stderr := c.run("bash", "-c", "sed -i 's/^here=.*/pwd -P; exit/' scripts/version.sh && scripts/version.sh")
	require.Zero(t, code, stderr)
	require.Equal(t, c.dir+"\n", stdout)

	plain := regexp.MustCompile(`(?m)^\s*cd .*dirname.*`)
	scripts, err := filepath.Glob(filepath.Join(testenv.Root(), "scripts", "*.sh"))
	require.NoError(t, err)
	require.NotEmpty(t, scripts)
	for _, path := range append(scripts, filepath.Join(testenv.Root(), ".ci", "run")) {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Empty(t, plain.FindString(string(b)), fmt.Sprintf("%s: cd without CDPATH=''", path))
	}
}

// A finding was taken for an absent shellcheck.
func TestMakeLint_Finding_Fails(t *testing.T) {
	t.Parallel()
	c := newMake(t)
	c.standIn("gofmt", "exit 0")
	c.standIn("go", `[ "$1" != install ] || { mkdir -p "$GOBIN" && printf '#!/bin/bash\nexit "$FINDINGS"\n' >"$GOBIN/golangci-lint" && chmod +x "$GOBIN/golangci-lint"; }`)
	c.standIn("shellcheck", `echo "$*"; exit 1`)
	c.env = []string{"FINDINGS=0"}
	code, stdout, _ := c.run("make", "lint")
	require.NotZero(t, code)
	require.Contains(t, stdout, "scripts/setup.sh")

	c.standIn("shellcheck", "exit 0")
	code, _, stderr := c.run("make", "lint")
	require.Zero(t, code, stderr)
	c.env = []string{"FINDINGS=1"}
	code, _, _ = c.run("make", "lint")
	require.NotZero(t, code, "a finding of golangci-lint")
}

// Without a network the linter cannot be built the first time.
func TestMakeLint_LinterCannotBeBuilt_SaysSoInOneLine(t *testing.T) {
	t.Parallel()
	c := newMake(t)
	c.standIn("go", `[ "$1" != install ]`)
	code, _, stderr := c.run("make", "-s", "lint")
	require.NotZero(t, code)
	require.Contains(t, stderr, "make lint: golangci-lint could not be built; the first time it needs the Go module proxy\n")
}
