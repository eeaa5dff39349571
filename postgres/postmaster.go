package postgres

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// postmaster returns the process id of the server that runs on the cluster in
// data, or 0. A postmaster.pid that a dead server left behind counts as none,
// also when its number now belongs to another process: a server's working
// directory is its data directory.
func postmaster(data string) (int, error) {
	f, err := os.Open(filepath.Join(data, "postmaster.pid"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	line, err := bufio.NewReaderSize(f, 64).ReadString('\n')
	if err != nil {
		return 0, nil // being written, or torn: no server has run with it
	}
	pid, err := strconv.Atoi(line[:len(line)-1])
	if err != nil || pid <= 1 || !runsOn(pid, data) {
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
