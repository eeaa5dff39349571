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

// postmaster returns the process id of the server that runs on a cluster, or 0. A
// postmaster.pid that a dead server left is ignored, even if its number belongs to
// another process or thread by now: a server is a process called postgres whose working
// directory is its data directory and whose user owns the cluster directory.
func postmaster(c clusterDir, root *os.Root) (int, error) {
	pid, err := notedPID(root)
	if err != nil || pid <= 1 || !runsOn(pid, c.data()) {
		return 0, err
	}
	own, err := root.Stat(".")
	if err != nil {
		return 0, err
	}
	// The server user can write the file, and root would signal the process it names.
	if fi, err := os.Stat("/proc/" + strconv.Itoa(pid)); err == nil && owner(fi) != owner(own) {
		return 0, nil
	}
	return pid, nil
}

// notedPID returns the process id in the cluster's postmaster.pid, or 0 without one.
func notedPID(root *os.Root) (int, error) {
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

// environmentOfStalePID returns the variables that a server needs to start if postmaster
// found none running. PostgreSQL takes any process with the number in postmaster.pid for
// a server, even one that got the number after a power cut or in a container that was
// killed, and would never start again. It ignores the number if it is its grandparent's.
// The file is not removed, because PostgreSQL also reads from it which shared memory
// sessions of the dead server may still hold.
func environmentOfStalePID(root *os.Root) ([]string, error) {
	pid, err := notedPID(root)
	if err != nil || pid == 0 {
		return nil, err
	}
	return []string{"PG_GRANDPARENT_PID=" + strconv.Itoa(pid)}, nil
}

// runsOn reports whether process pid is a server whose data directory is data.
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

// isServer reports, by its status, whether a process is PostgreSQL's and not a thread of
// another process.
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

// awaitExit waits until process pid no longer runs on data, or ctx ends.
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
