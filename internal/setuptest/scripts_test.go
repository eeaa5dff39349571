package setuptest

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// newSetup is a checkout on a bare machine: no package is installed, apt-get
// chatters, the first source of a download does not answer, the second does.
func newSetup(t testing.TB) *checkout {
	t.Helper()
	return newSetupOn(t, "x86_64", "x64")
}

// newSetupOn is newSetup on a machine of another kind, which npm calls by another name.
func newSetupOn(t testing.TB, machine, npm string) *checkout {
	t.Helper()
	c := newCheckout(t, "scripts/setup.sh")
	c.standIn("uname", "echo "+machine)
	c.standIn("id", "echo 0")
	c.standIn("dpkg-query", "exit 1")
	c.standIn("pg_createcluster", "exit 0") // keeps the test out of /etc
	c.standIn("apt-get", `case "$*" in
*--assume-no*) echo "Need to get 45.2 MB/312 MB of archives."; exit 1 ;;
*" install "*) for i in {1..200}; do echo "Setting up package $i"; done; echo "debconf: chatter" >&2 ;;
*download*) touch opencv-doc_4.6.0_all.deb ;;
esac`)
	c.standIn("curl", `while [ $# -gt 1 ]; do [ "$1" != -o ] || out=$2; shift; done
echo "$1" >>asked
case $1 in
*npm.example*) mkdir -p package/bin/napi-v6/linux/`+npm+`; echo library >package/bin/napi-v6/linux/`+npm+`/libonnxruntime.so.1; tar -czf "$out" package ;;
*) echo "curl: (6) Could not resolve host: ${1%%/releases*}" >&2; exit 6 ;;
esac`)
	c.standIn("npm", "echo https://npm.example/onnxruntime.tgz")
	c.standIn("dpkg-deb", "mkdir -p usr/share/doc/opencv-doc/examples/data; echo clip >usr/share/doc/opencv-doc/examples/data/vtest.avi; tar -cf - ./usr")
	c.standIn("sha256sum", `cat >/dev/null </dev/stdin; [ "$1" = --check ] || echo "sum  $1"`)
	return c
}

func TestSetup_BareMachine_OneLineAStep(t *testing.T) {
	t.Parallel()
	c := newSetup(t)
	code, stdout, stderr := c.run("scripts/setup.sh")
	require.Zero(t, code, stdout+stderr)
	require.Empty(t, stderr)
	require.Regexp(t, `^packages +reading the distribution's lists \(\d+ s\)
packages +installing \d+ and what they need, 45\.2 MB \(\d+ s\)
onnxruntime +[\d.]+, 10 MB, from its release archive: failed \(\d+ s\)
onnxruntime +[\d.]+, 112 MB, from the npm package onnxruntime-node \(\d+ s\)
clip +vtest.avi, 8 MB, from OpenCV's repository: failed \(\d+ s\)
clip +vtest.avi, 96 MB, from Debian's package opencv-doc \(\d+ s\)
$`, stdout)
	require.Len(t, lines(c.read("asked")), 3, "a source that does not answer is asked once:\n%s", c.read("asked"))
	log := c.read("lib/setup.log")
	for _, chatter := range []string{"Setting up package 200", "debconf: chatter", "Could not resolve host"} {
		require.Contains(t, log, chatter)
	}
	require.Contains(t, c.read("lib/packages"), "libopencv-core-dev\n")
}

// Nothing was built on arm64, but what set-up asks for is that machine's: the archive, the
// library in the package, and a sum of its own.
func TestSetup_Machines_EachAsksForItsOwnLibrary(t *testing.T) {
	t.Parallel()
	var sums []string
	for _, m := range []struct{ machine, npm, release string }{{"x86_64", "x64", "x64"}, {"aarch64", "arm64", "aarch64"}} {
		c := newSetupOn(t, m.machine, m.npm) // the package alone answers
		code, stdout, stderr := c.run("scripts/setup.sh")
		require.Zero(t, code, stdout+stderr)
		require.Regexp(t, `(?m)/v[\d.]+/onnxruntime-linux-`+m.release+`-[\d.]+\.tgz$`, c.read("asked"))
		require.Contains(t, c.read("asked"), "npm.example")

		c = newSetupOn(t, m.machine, m.npm) // the release answers
		c.standIn("curl", `while [ $# -gt 1 ]; do [ "$1" != -o ] || out=$2; shift; done
name=$(basename "$1" .tgz)
mkdir -p "$name/lib"; echo library >"$name/lib/libonnxruntime.so.1.29.0"; tar -czf "$out" "$name"`)
		c.standIn("sha256sum", `sum=$(cat </dev/stdin); case $sum in *onnxruntime-linux*) echo "$sum" >>checked ;; esac; [ "$1" = --check ] || echo "sum  $1"`)
		code, stdout, stderr = c.run("scripts/setup.sh")
		require.Zero(t, code, stdout+stderr)
		require.NotContains(t, stdout, "npm")
		require.Regexp(t, `^[0-9a-f]{64}  lib/onnxruntime-linux-`+m.release, c.read("checked"))
		sums = append(sums, c.read("checked")[:64])
	}
	require.NotEqual(t, sums[0], sums[1])

	c := newSetupOn(t, "riscv64", "none")
	code, _, stderr := c.run("scripts/setup.sh")
	require.Equal(t, 2, code)
	require.Equal(t, "setup: sightlog has no onnxruntime for riscv64; use x86_64 or aarch64\n", stderr)
}

func TestSetup_InstallFails_CauseAndLogInOneLine(t *testing.T) {
	t.Parallel()
	c := newSetup(t)
	c.standIn("apt-get", `case "$*" in
*" install "*) echo "Reading package lists..."; echo "E: Unable to locate package libopencv-core-dev" >&2; exit 100 ;;
esac`)
	code, _, stderr := c.run("scripts/setup.sh")
	require.Equal(t, 1, code)
	require.Len(t, lines(stderr), 1)
	require.Contains(t, stderr, "E: Unable to locate package libopencv-core-dev")
	require.Contains(t, stderr, "lib/setup.log")
}

func TestSetup_NoAptGet_SaysWhatToInstall(t *testing.T) {
	t.Parallel()
	c := newSetup(t)
	code, _, stderr := c.run("bash", "-c", `command() { [ "$2" != apt-get ] && builtin command "$@"; }; export -f command; scripts/setup.sh`)
	require.Equal(t, 1, code)
	require.Regexp(t, `^setup: no apt-get here; install these yourself: .*libopencv-core-dev.*\n$`, stderr)
}

// The database of the user's own is none of the demo's business, nor is what
// the demo before left behind.
func TestDemo_Again_StartsWithAnEmptyDirectory(t *testing.T) {
	t.Parallel()
	c := newCheckout(t, "scripts/demo.sh")
	c.write("bin/sightlog", `#!/bin/bash
[ -z "$SIGHTLOG_DATABASE_URL$SIGHTLOG_CONFIG" ] || { echo "the environment came through" >&2; exit 1; }
[ "$1" != run ] || mkdir out/demo || exit 1
`)
	c.write("bin/sightlogd", `#!/bin/bash
case $1 in
url) [ -e serving ] ;;
serve) trap 'rm serving; exit' TERM; touch serving; for i in {1..600}; do sleep 0.05; done ;;
esac
`)
	c.env = []string{"SIGHTLOG_DATABASE_URL=postgres://example.org/mine", "SIGHTLOG_CONFIG=mine.yaml"}
	for range 2 {
		code, stdout, stderr := c.run("scripts/demo.sh", "clip.avi")
		require.Zero(t, code, stdout+stderr)
		require.Contains(t, stdout, "How many people")
	}
	c.write("serving", "")
	code, _, stderr := c.run("scripts/demo.sh", "clip.avi")
	require.Equal(t, 2, code, "another demo runs")
	require.Len(t, lines(stderr), 1)
}

// A server that neither answers nor ends is waited for with a word, and not for ever.
func TestDemo_ServerThatNeverAnswers_EndsWithALine(t *testing.T) {
	t.Parallel()
	c := newCheckout(t, "scripts/demo.sh")
	c.write("bin/sightlog", "#!/bin/bash\n")
	c.write("bin/sightlogd", `#!/bin/bash
[ "$1" != serve ] || exec /bin/sleep 600
exit 1
`)
	c.standIn("sleep", "exit 0")
	code, _, stderr := c.run("scripts/demo.sh", "clip.avi")
	require.Equal(t, 1, code)
	require.Equal(t, []string{
		"demo: waiting for bin/sightlogd serve, which starts the database",
		"demo: bin/sightlogd serve does not answer; see " + c.dir + "/out/demo/postgres/server.log",
	}, lines(stderr))
}

func TestUninstall_UsersData_Kept(t *testing.T) {
	t.Parallel()
	c := newCheckout(t, "scripts/uninstall.sh")
	for _, name := range []string{"bin/sightlog", "out/demo/x", "samples/vtest.avi", "sightlog-data/log/x"} {
		c.write(name, "")
	}
	c.write("lib/packages", "g++\nlibopencv-core-dev\ng++\n")
	code, stdout, stderr := c.run("scripts/uninstall.sh")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "sudo apt-get autoremove --purge g++ libopencv-core-dev \n")
	require.Contains(t, stdout, "Your data stay: "+c.dir+"/sightlog-data\n")
	for _, name := range []string{"bin", "lib", "out", "samples"} {
		require.NoDirExists(t, c.dir+"/"+name)
	}
	require.FileExists(t, c.dir+"/sightlog-data/log/x")
}

// Installing for real is scripts/try-dist.sh's, on a bare system.
func TestInstall_WhatCannotBe_OneLineAndNothingTouched(t *testing.T) {
	t.Parallel()
	c := newCheckout(t, "deploy/install.sh")
	c.standIn("id", "echo 0")
	c.write("taken/file", "somebody's")
	for _, tc := range []struct {
		says string
		args []string
	}{
		{"unknown argument --prefx", []string{"--prefx", "/opt/x"}},
		{"not the path", []string{"--prefix"}},
		{"not the path", []string{"--prefix", "/"}},
		{"not the path", []string{"--prefix", "opt/sightlog"}},
		{"not sightlog's", []string{"--prefix", c.dir + "/taken"}},
	} {
		code, stdout, stderr := c.run("deploy/install.sh", tc.args...)
		require.Equal(t, 2, code, "%s: %s", tc.args, stdout)
		require.Contains(t, stderr, tc.says)
		require.Len(t, lines(stderr), 1, stderr)
	}
	require.Equal(t, "somebody's", c.read("taken/file"))

	c.standIn("id", "echo 1000")
	code, _, stderr := c.run("deploy/install.sh")
	require.Equal(t, 2, code)
	require.Contains(t, stderr, "as root")
}

// Maven refuses a file that is no XML: two hyphens in a comment are enough.
func TestSetup_FilesForMaven_AreXML(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile(filepath.Join(testenv.Root(), "scripts", "setup.sh"))
	require.NoError(t, err)
	poms := regexp.MustCompile(`local pom=(\S+)`).FindAllSubmatch(script, -1)
	require.NotEmpty(t, poms)
	for _, pom := range poms {
		text, err := os.ReadFile(filepath.Join(testenv.Root(), string(pom[1])))
		require.NoError(t, err)
		project := struct {
			Dependencies []struct {
				Version string `xml:"version"`
			} `xml:"dependencies>dependency"`
		}{}
		require.NoError(t, xml.Unmarshal(text, &project), "%s", pom[1])
		require.NotEmpty(t, project.Dependencies, "%s", pom[1])
		for _, d := range project.Dependencies {
			require.NotEmpty(t, d.Version, "%s: not pinned", pom[1])
		}
	}
}
