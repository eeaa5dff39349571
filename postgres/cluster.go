package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/sightlog/sightlog/usage"
)

// cluster returns the programs for the cluster, which it makes where there is
// none. initdb works in data.new; the rename is what makes it the cluster.
func (p *Private) cluster(ctx context.Context) (binaries, error) {
	v, err := os.ReadFile(p.home.version())
	if err == nil {
		major, err := strconv.Atoi(strings.TrimSpace(string(v)))
		if err != nil {
			return binaries{}, fmt.Errorf("%s holds %q, not a version", p.home.version(), v)
		}
		return findBinaries(ctx, major)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return binaries{}, err
	}
	if _, err := os.Stat(p.home.data()); err == nil {
		return binaries{}, usage.New("move it away to start with an empty database", "%s is not a PostgreSQL cluster: it has no PG_VERSION", p.home.data())
	}
	bin, err := findBinaries(ctx, 0)
	if err != nil {
		return binaries{}, err
	}
	p.log.Info("making the private database", "in", p.home.dir, "postgresql", bin.major)
	if err := os.RemoveAll(p.home.making()); err != nil {
		return binaries{}, err
	}
	// No locale: byte order is the same everywhere and the fastest.
	cmd := exec.CommandContext(ctx, bin.path("initdb"), "-D", p.home.making(), "-U", super, "-E", "UTF8", "--locale=C", "-A", "trust")
	cmd.Dir = "/"
	cmd.Env = cleanEnv()
	cmd.SysProcAttr = p.as.attr()
	if out, err := cmd.CombinedOutput(); err != nil {
		return binaries{}, fmt.Errorf("initdb: %w: %s", err, lastLine(string(out)))
	}
	if err := os.Rename(p.home.making(), p.home.data()); err != nil {
		return binaries{}, err
	}
	return bin, syncDir(p.home.dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// cleanEnv is our environment without what would bend PostgreSQL.
func cleanEnv() []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "PG") || strings.HasPrefix(kv, "LC_") || strings.HasPrefix(kv, "LANG")
	})
	return append(env, "LC_ALL=C")
}

// lockFile opens path and locks it to this process; EWOULDBLOCK when another
// holds it. The kernel drops the lock with the process.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// unlock gives the lock up at once. Closing alone would leave it to a child
// that another goroutine is just starting, until that has dropped its copy.
func unlock(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) // closing is what is left where this fails
	f.Close()
}

const maxLog = 8 << 20

// openLog opens the server's log for appending; a log above maxLog becomes
// server.log.1.
func openLog(path string) (*os.File, error) {
	if fi, err := os.Lstat(path); err == nil && fi.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
}

// lastWords is the end of the server's log: its last FATAL or ERROR, else its
// last line.
func lastWords(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if fi, err := f.Stat(); err == nil && fi.Size() > 8<<10 {
		_, _ = f.Seek(-8<<10, io.SeekEnd) // then it is the beginning that is shown
	}
	b, err := io.ReadAll(io.LimitReader(f, 8<<10))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(string(b), "\n")
	for _, l := range slices.Backward(lines) {
		if strings.Contains(l, "FATAL:") || strings.Contains(l, "PANIC:") {
			return l
		}
	}
	return lastLine(string(b))
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}
