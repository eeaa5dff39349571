package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sightlog/sightlog/internal/filelock"
	"github.com/sightlog/sightlog/usage"
)

// cluster returns the programs for the cluster, which it creates if there is none.
// initdb writes into data.new; the cluster exists from the rename on.
func (p *Private) cluster(ctx context.Context) (binaries, error) {
	v, err := readFile(p.root, dataName+"/PG_VERSION", 64)
	if err == nil {
		major, err := strconv.Atoi(strings.TrimSpace(v))
		if err != nil {
			return binaries{}, fmt.Errorf("%s/PG_VERSION holds %q, not a version", p.clusterDir.data(), v)
		}
		return findBinaries(ctx, major)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return binaries{}, err
	}
	if _, err := p.root.Lstat(dataName); err == nil {
		return binaries{}, usage.New("move it away to start with an empty database", "%s is not a PostgreSQL cluster: it has no PG_VERSION", p.clusterDir.data())
	}
	bin, err := findBinaries(ctx, 0)
	if err != nil {
		return binaries{}, err
	}
	p.log.Info("creating the private database", "in", p.clusterDir.dir, "postgresql", bin.major)
	if err := p.root.RemoveAll(stagingName); err != nil {
		return binaries{}, err
	}
	// No locale: byte order is the same everywhere and the fastest.
	cmd := exec.CommandContext(ctx, bin.path("initdb"), "-D", filepath.Join(p.clusterDir.dir, stagingName), "-U", super, "-E", "UTF8", "--locale=C", "-A", "trust")
	cmd.Dir = "/"
	cmd.Env = cleanEnv()
	cmd.SysProcAttr = p.user.attr()
	slow := time.AfterFunc(slowInitdb, func() { p.log.Warn("still creating the private database", "in", p.clusterDir.dir) })
	out, err := cmd.CombinedOutput()
	slow.Stop()
	if err != nil {
		if strings.Contains(string(out), "could not look up effective user ID") { // in a container that was given any number
			return binaries{}, usage.Wrap(err, "give --database-url, or add a line for it to /etc/passwd",
				"PostgreSQL makes no database for user id %d, which has no name on this machine", p.user.uid)
		}
		return binaries{}, fmt.Errorf("initdb: %w: %s", err, firstFailure(bytes.NewReader(out)))
	}
	if err := p.root.Rename(stagingName, dataName); err != nil {
		return binaries{}, err
	}
	d, err := p.root.Open(".")
	if err != nil {
		return binaries{}, err
	}
	defer d.Close()
	return bin, d.Sync()
}

// slowInitdb is the time after which a running initdb is logged. It takes one to three
// seconds as a rule.
const slowInitdb = 10 * time.Second

// cleanEnv returns the environment without the variables that change how PostgreSQL
// behaves.
func cleanEnv() []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "PG") || strings.HasPrefix(kv, "LC_") || strings.HasPrefix(kv, "LANG")
	})
	return append(env, "LC_ALL=C")
}

// lockFile locks the cluster directory to this process. filelock.ErrHeld means that
// another process has it.
func lockFile(root *os.Root, a serverUser) (*os.File, error) {
	f, err := a.openFile(root, lockName, os.O_RDWR)
	if err != nil {
		return nil, err
	}
	if err := filelock.Flock(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// openLog opens the server's log for appending; a log above maxLog becomes
// server.log.1.
func openLog(root *os.Root, a serverUser) (*os.File, error) {
	if fi, err := root.Lstat(logName); err == nil && fi.Size() > maxLog {
		if err := root.Rename(logName, logName+".1"); err != nil {
			return nil, err
		}
	}
	return a.openFile(root, logName, os.O_WRONLY|os.O_APPEND)
}
