// Package setuptest runs the Makefile and the scripts of the set-up as a
// machine that is not the author's would: in a copy of its own, with other
// programs in front on the PATH.
package setuptest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// checkout is a directory with copies of some of our files, and programs that
// stand for those of the machine.
type checkout struct {
	testing.TB
	dir  string
	env  []string // NAME=value, on top of the test's own
	path string   // PATH behind the stand-ins
}

// newCheckout copies files of ours into a checkout, whose path has a space.
func newCheckout(t testing.TB, files ...string) *checkout {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	c := &checkout{TB: t, dir: filepath.Join(dir, "a src"), path: os.Getenv("PATH")}
	for _, name := range files {
		b, err := os.ReadFile(filepath.Join(testenv.Root(), name))
		require.NoError(t, err)
		c.write(name, string(b))
	}
	return c
}

// write writes an executable file of the checkout.
func (c *checkout) write(name, text string) {
	c.Helper()
	path := filepath.Join(c.dir, name)
	require.NoError(c, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(c, os.WriteFile(path, []byte(text), 0o755))
}

// standIn puts a shell script in front of the machine's program of that name.
func (c *checkout) standIn(name, script string) {
	c.Helper()
	c.write("stand-ins/"+name, "#!/bin/bash\n"+script)
}

func (c *checkout) read(name string) string {
	c.Helper()
	b, err := os.ReadFile(filepath.Join(c.dir, name))
	require.NoError(c, err)
	return string(b)
}

// run runs a command in the checkout and returns its exit code and what it
// printed.
func (c *checkout) run(name string, args ...string) (code int, stdout, stderr string) {
	c.Helper()
	cmd := exec.CommandContext(c.Context(), name, args...)
	cmd.Dir = c.dir
	for _, v := range os.Environ() { // what make test sets for its own
		switch name, _, _ := strings.Cut(v, "="); name {
		case "GOFLAGS", "CGO_ENABLED", "GOWORK", "GOTOOLCHAIN", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "SIGHTLOG_TESTDATA":
		default:
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(append(cmd.Env, "PATH="+filepath.Join(c.dir, "stand-ins")+":"+c.path), c.env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); !exited {
		require.NoError(c, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func lines(s string) []string { return strings.Split(strings.TrimSpace(s), "\n") }
