package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// postmaster returns the process id of the server that runs on the cluster of
// a home, or 0. A postmaster.pid that a dead server left behind counts as none,
// also when its number now belongs to another process or to a thread: a server
// is a process called postgres, its working directory is its data directory, and
// its user the home's.
func postmaster(h home, root *os.Root) (int, error) {
	pid, err := noted(root)
	if err != nil || pid <= 1 || !runsOn(pid, h.data()) {
		return 0, err
	}
	own, err := root.Stat(".")
	if err != nil {
		return 0, err
	}
	// The file is the account's to write, and root would signal what it names.
	if fi, err := os.Stat("/proc/" + strconv.Itoa(pid)); err == nil && owner(fi) != owner(own) {
		return 0, nil
	}
	return pid, nil
}

// noted returns the number in the cluster's postmaster.pid, or 0 without one.
func noted(root *os.Root) (int, error) {
	text, err := readFile(root, dataName+"/postmaster.pid", 4<<10)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	line, _, whole := strings.Cut(text, "\n")
	pid, err := strconv.Atoi(line)
	if !whole || err != nil {
		return 0, nil // being written, or torn: no server has run with it
	}
	return pid, nil
}

// notRunning is what a server's environment needs when postmaster found none:
// PostgreSQL takes whatever lives under the number in postmaster.pid for a
// server, also a process or a thread that got it after a power cut or in a
// container that was killed, and would never start again. A number that is its
// grandparent's it passes over. That the file stays keeps its other check, for
// sessions that hold the shared memory.
func notRunning(root *os.Root) ([]string, error) {
	pid, err := noted(root)
	if err != nil || pid == 0 {
		return nil, err
	}
	return []string{"PG_GRANDPARENT_PID=" + strconv.Itoa(pid)}, nil
}

// runsOn reports whether process pid is a server that works in directory data.
func runsOn(pid int, data string) bool {
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return false
	}
	proc := "/proc/" + strconv.Itoa(pid)
	cwd, err := os.Stat(proc + "/cwd")
	if errors.Is(err, os.ErrNotExist) {
		_, procErr := os.Stat("/proc/self")
		return procErr != nil // no /proc on this system: the signal's answer counts
	}
	if err != nil {
		return errors.Is(err, os.ErrPermission)
	}
	there, err := os.Lstat(data)
	return err == nil && os.SameFile(cwd, there) && isServer(proc)
}

// isServer reports whether the process is one of PostgreSQL's, not a thread of
// another, by its status.
func isServer(proc string) bool {
	status, err := os.ReadFile(proc + "/status")
	if err != nil {
		return false
	}
	field := func(name string) string {
		_, rest, _ := strings.Cut(string(status), name+":\t")
		value, _, _ := strings.Cut(rest, "\n")
		return value
	}
	return strings.HasPrefix(field("Name"), "post") && field("Tgid") == field("Pid")
}

// awaitExit returns when process pid is gone from data, or ctx ends.
func awaitExit(ctx context.Context, pid int, data string) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for runsOn(pid, data) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for postgres, process %d: %w", pid, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}
