package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/sightlog/sightlog/internal/backoff"
	"github.com/sightlog/sightlog/internal/filelock"
	"github.com/sightlog/sightlog/usage"
)

// StartPrivate starts the private server of data directory dir, or finds the one that
// outlived an earlier sightlog. If there is no cluster it creates one, which takes about
// a second. It returns when the server accepts connections. The cluster is locked to
// this process until Stop.
func StartPrivate(ctx context.Context, dir string, log *slog.Logger) (_ *Private, err error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	user, err := serverUserOf(dir)
	if err != nil {
		return nil, err
	}
	c, root, moved, err := makeClusterDir(dir, user)
	if err != nil {
		return nil, err
	}
	if moved {
		log.Info("the private database is outside of the data directory, which its user cannot reach", "user", user.name, "data", dir, "database", c.dir)
	}
	p := &Private{clusterDir: c, root: root, user: user, log: log}
	defer func() {
		if err != nil {
			root.Close()
		}
	}()
	if p.lock, err = lockFile(root, user); err != nil {
		if errors.Is(err, filelock.ErrHeld) {
			return nil, usage.Wrap(err, "stop that one, or choose another directory", "--data %s is in use by another sightlog", dir)
		}
		return nil, fmt.Errorf("lock private database: %w", err)
	}
	defer func() {
		if err != nil {
			filelock.Close(p.lock)
		}
	}()
	if err := p.start(ctx); err != nil {
		if leavesRoot(err) {
			return nil, usage.Wrap(err, "remove it; what may lie elsewhere is the whole directory", "a link in %s leads out of it: %v", c.dir, err)
		}
		return nil, fmt.Errorf("start private database in %s: %w", c.dir, err)
	}
	return p, nil
}

// Attach returns the URL of the private server that runs on data directory dir. It
// starts nothing: if none runs, the error is ErrNotRunning. A server of another data
// directory is an error.
func Attach(ctx context.Context, dir string) (string, error) {
	user, err := serverUserOf(dir)
	if err != nil {
		return "", err
	}
	c, err := findClusterDir(dir, user)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: %w", dir, ErrNotRunning)
	}
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(c.dir)
	var pid int
	if err == nil {
		defer root.Close()
		if err := c.checkOwnerOf(root, dir); err != nil {
			return "", err
		}
		pid, err = postmaster(c, root)
	}
	if errors.Is(err, fs.ErrPermission) {
		return "", usage.Wrap(err, "ask as that user, or as root", "the private database of %s belongs to another user", dir)
	}
	if err != nil {
		return "", err
	}
	if pid == 0 {
		return "", fmt.Errorf("%s: %w", dir, ErrNotRunning)
	}
	socket, err := c.socketDir(root)
	if err != nil {
		return "", err
	}
	if err := c.checkServer(ctx, root, socket); errors.Is(err, ErrForeign) {
		return "", fmt.Errorf("%s: %w", dir, err)
	} else if err != nil {
		return "", fmt.Errorf("%s: %w: %s", dir, ErrNotRunning, cause(err))
	}
	return c.url(socket, Role, Database), nil
}

// HasPrivate reports whether data directory dir has a private database.
func HasPrivate(dir string) (bool, error) {
	user, err := serverUserOf(dir)
	if err != nil {
		return false, err
	}
	c, err := findClusterDir(dir, user)
	if err == nil {
		_, err = os.Stat(filepath.Join(c.data(), "PG_VERSION"))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// start finds the running server or starts one. It returns when the server accepts
// connections.
func (p *Private) start(ctx context.Context) error {
	pid, err := postmaster(p.clusterDir, p.root)
	if err != nil {
		return err
	}
	if pid != 0 {
		if p.socket, err = p.clusterDir.socketDir(p.root); err == nil {
			p.pid = pid
			if err = p.awaitReady(ctx); err == nil {
				p.log.Info("found the private database running", "pid", pid)
				return nil
			}
		}
		// It was stopping, or does not answer.
		p.log.Warn("the private database found running does not answer, restarting it", "pid", pid, "err", cause(err))
		if runsOn(pid, p.clusterDir.data()) {
			_ = syscall.Kill(pid, syscall.SIGQUIT) // it fails only if the process has ended
		}
		if err := awaitExit(ctx, pid, p.clusterDir.data()); err != nil {
			return err
		}
	}
	bin, err := p.cluster(ctx)
	if err != nil {
		return err
	}
	if p.socket, err = p.clusterDir.makeSocketDir(p.root, p.user); err != nil {
		return err
	}
	if err := p.user.replace(p.root, dataName+"/postgresql.conf", settings(p.socket), 0o600); err != nil {
		return err
	}
	if err := p.user.replace(p.root, dataName+"/pg_hba.conf", hba, 0o600); err != nil {
		return err
	}
	// After a kill -9 of the server alone, its sessions hold the shared memory for a
	// moment, until they notice. A launch fails as long.
	for failures := 1; ; failures++ {
		if err = p.launch(bin); err != nil {
			return err
		}
		if err = p.awaitReady(ctx); err == nil || failures == launches || !p.gone() || launchPauses.Wait(ctx, failures) != nil {
			break
		}
	}
	if err != nil {
		_ = p.end(context.WithoutCancel(ctx), syscall.SIGQUIT) // the first error is the cause
		return err
	}
	return nil
}

// launches is how often a server is launched that ends at once, in 6.4 s.
const launches = 8

var launchPauses = backoff.Policy{First: 50 * time.Millisecond, Limit: 3200 * time.Millisecond}

func (p *Private) gone() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// launch starts the server as a child in a session of its own.
func (p *Private) launch(bin binaries) error {
	log, err := openLog(p.root, p.user)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	if fi, err := log.Stat(); err == nil {
		p.logFrom = fi.Size()
	}
	cmd := exec.Command(bin.path("postgres"), "-D", p.clusterDir.data())
	cmd.Dir = "/"
	stale, err := environmentOfStalePID(p.root)
	if err != nil {
		return err
	}
	cmd.Env = append(cleanEnv(), stale...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = p.user.attr()
	cmd.SysProcAttr.Pdeathsig = syscall.SIGINT // the server ends with this process, however that ends
	started, exited := make(chan error, 1), make(chan struct{})
	go func() { // ends with the server; Stop waits for it
		// Pdeathsig is sent when the thread ends that started the server.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // ready and Stop look at the server, not at its status
		close(exited)
	}()
	if err := <-started; err != nil {
		return err
	}
	p.pid, p.exited = cmd.Process.Pid, exited
	return nil
}
