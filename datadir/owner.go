package datadir

import (
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/sightlog/sightlog/usage"
)

// The owner of a data directory must be able to use it after root did. So root works on
// it as the owner.

// becomeOwner changes the process's user, if it is root, to the owner of sightlog.json,
// with the groups of that user. It returns the user's name, "" if nothing changed.
func becomeOwner(path string) (name string, err error) {
	uid, gid, ok := ownerOf(filepath.Join(path, "sightlog.json"))
	if os.Geteuid() != 0 || !ok || uid == 0 {
		return "", nil
	}
	groups := []int{gid}
	name = "user id " + strconv.Itoa(uid)
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		name = u.Username
		if gid, err = strconv.Atoi(u.Gid); err != nil {
			return "", err
		}
		groups = memberships(u, gid)
		os.Setenv("HOME", u.HomeDir)
	}
	for _, step := range []func() error{
		func() error { return syscall.Setgroups(groups) },
		func() error { return syscall.Setgid(gid) },
		func() error { return syscall.Setuid(uid) },
	} {
		if err := step(); err != nil {
			return "", usage.Wrap(err, "run it as that user", "--data %s: belongs to %s, whom root cannot become here: %v", path, name, err)
		}
	}
	return name, nil
}

// LogOwner logs that root became the directory's owner.
func (d *Dir) LogOwner(log *slog.Logger) {
	if d.user != "" {
		log.Warn("working as the owner of the data directory, with that user's rights", "user", d.user, "data", d.path)
	}
}

func memberships(u *user.User, gid int) []int {
	groups := []int{gid}
	ids, _ := u.GroupIds() // without, the first group does
	for _, id := range ids {
		if n, err := strconv.Atoi(id); err == nil && n != gid {
			groups = append(groups, n)
		}
	}
	return groups
}

// ownerOf returns the owner of a file; links are not followed.
func ownerOf(path string) (uid, gid int, ok bool) {
	fi, err := os.Lstat(path)
	if err != nil {
		return 0, 0, false
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(st.Uid), int(st.Gid), true
}

// ownerName names the owner of a data directory in a message.
func ownerName(path string) string {
	uid, _, ok := ownerOf(filepath.Join(path, "sightlog.json"))
	if !ok {
		return "another user"
	}
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return "user " + u.Username
	}
	return fmt.Sprintf("user id %d", uid)
}
