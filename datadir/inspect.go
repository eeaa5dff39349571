package datadir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

// Finding is the state of one part of a data directory: a line, or the error that would
// prevent its use.
type Finding struct {
	Part string
	Says string
	Err  error
}

// leastSpace is the free space that a directory should have: the log and the database
// stop writing when the disk is full.
const leastSpace = 256 << 20

// Inspect checks a data directory and changes nothing. For one that does not exist it
// checks whether it can be created.
func Inspect(ctx context.Context, path string) (all []Finding) {
	add := func(part, says string, err error) { all = append(all, Finding{part, says, err}) }
	abs, err := filepath.Abs(path)
	if err != nil {
		add("data", "", err)
		return all
	}
	free, err := freeSpace(abs)
	if !isDir(abs) {
		return append(all, inspectNew(abs, free, err))
	}
	says, idErr := inspectIdentity(abs)
	add("data", says, idErr)
	add("space", fmt.Sprintf("%d MiB are free", free>>20), err)
	says, err = inspectOwners(abs)
	add("owner", says, err)
	if says, err = postgres.Inspect(ctx, abs); says == "" && err == nil {
		says = "no private database yet"
	}
	add("database", says, err)
	return all
}

func inspectNew(path string, free uint64, err error) Finding {
	parent := existing(path)
	if writable := unix.Access(parent, unix.W_OK); writable != nil {
		err = usage.Wrap(writable, "give a directory you may write to", "--data %s: not writable", path)
	}
	return Finding{"data", fmt.Sprintf("%s can be created, %d MiB are free", path, free>>20), err}
}

// existing returns the path, or the nearest directory above it that exists.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

func freeSpace(path string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(existing(path), &st); err != nil {
		return 0, fmt.Errorf("ask for the free space of %s: %w", path, err)
	}
	free := st.Bavail * uint64(st.Bsize)
	if free < leastSpace {
		return free, usage.New("make room", "--data %s: %d MiB are free on its disk; the log stops when it is full", path, free>>20)
	}
	return free, nil
}

func inspectIdentity(path string) (string, error) {
	id, err := readIdentity(path)
	if err != nil {
		return "", err
	}
	here, err := postgres.LocationOf(path)
	if err != nil {
		return "", err
	}
	if id.Place != nil && !here.Continues(*id.Place) {
		return "", isCopy(path, *id.Place)
	}
	says := fmt.Sprintf("%s, id %s", path, id.ID)
	if id.ID == "" {
		says = path + ", of an older sightlog: the next start gives it an id"
	}
	e, err := ReadEndpoints(path)
	if errors.Is(err, ErrNotRunning) {
		return says + ", nothing runs on it", nil
	}
	return fmt.Sprintf("%s, process %d runs on it", says, e.PID), err
}

// inspectOwners checks that all of the directory belongs to its owner.
func inspectOwners(path string) (string, error) {
	uid, _, _ := ownerOf(filepath.Join(path, "sightlog.json"))
	parts := []string{"lock", "log"}
	files, _ := os.ReadDir(filepath.Join(path, "log")) // without, there is none
	for _, f := range files {
		parts = append(parts, filepath.Join("log", f.Name()))
	}
	for _, name := range parts {
		if of, _, there := ownerOf(filepath.Join(path, name)); there && of != uid {
			return "", usage.New(fmt.Sprintf("sudo chown -R %d %s/log %[2]s/lock", uid, path),
				"--data %s: belongs to %s, but %s to user id %d", path, ownerName(path), name, of)
		}
	}
	if me := os.Geteuid(); me != uid && me != 0 {
		return "", usage.New("work as that user", "--data %s: belongs to %s", path, ownerName(path))
	}
	if os.Geteuid() == 0 && uid != 0 {
		return "all is " + ownerName(path) + "'s; root works on it as that user", nil
	}
	return "all is " + ownerName(path) + "'s", nil
}
