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
// also when its number now belongs to another process: a server's working
// directory is its data directory, and its user the home's.
func postmaster(h home, root *os.Root) (int, error) {
	text, err := readFile(root, dataName+"/postmaster.pid", 4<<10)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	line, _, whole := strings.Cut(text, "\n")
	if !whole {
		return 0, nil // being written, or torn: no server has run with it
	}
	pid, err := strconv.Atoi(line)
	if err != nil || pid <= 1 || !runsOn(pid, h.data()) {
		return 0, nil
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

// runsOn reports whether process pid lives and works in directory data.
func runsOn(pid int, data string) bool {
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return false
	}
	cwd, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/cwd")
	if errors.Is(err, os.ErrNotExist) {
		_, procErr := os.Stat("/proc/self")
		return procErr != nil // no /proc on this system: the signal's answer counts
	}
	if err != nil {
		return errors.Is(err, os.ErrPermission)
	}
	return cwd == data
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
