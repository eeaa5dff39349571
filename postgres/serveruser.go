package postgres

import (
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/sightlog/sightlog/usage"
)

// serverUser is the user that the server runs as.
type serverUser struct {
	name     string
	uid, gid int
	other    bool // not the user of this process, which is root then
}

// defaultServerUser returns the user of this process or, for root, which PostgreSQL
// refuses, "postgres" or "nobody".
func defaultServerUser() (serverUser, error) {
	if os.Geteuid() != 0 {
		return serverUser{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil && uid != 0 {
			return serverUser{name, uid, gid, true}, nil
		}
	}
	return serverUser{}, usage.New("add a user postgres, or give --database-url", "PostgreSQL refuses to run as root, and there is no user postgres or nobody")
}

// serverUserOf returns the server user of a data directory. For root it is the owner of
// the directory, if that user's server has run there before.
func serverUserOf(dir string) (serverUser, error) {
	a, err := defaultServerUser()
	if err != nil || !a.other {
		return a, err
	}
	abs, err := resolve(dir)
	if err != nil {
		return a, nil // it does not exist yet
	}
	data, err := os.Lstat(abs)
	if err != nil {
		return a, nil
	}
	own, err := os.Lstat(filepath.Join(abs, "postgres"))
	if err != nil || !own.IsDir() || owner(own) != owner(data) || owner(own) == os.Geteuid() || owner(own) == a.uid {
		return a, nil
	}
	st, ok := own.Sys().(*syscall.Stat_t)
	if !ok {
		return a, nil
	}
	a = serverUser{"user id " + strconv.Itoa(int(st.Uid)), int(st.Uid), int(st.Gid), true}
	if u, err := user.LookupId(strconv.Itoa(a.uid)); err == nil {
		a.name = u.Username
	}
	return a, nil
}

// attr starts a process as the user, in a session of its own: Ctrl-C in the terminal
// must not stop the server before the sinks have finished.
func (a serverUser) attr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if a.other {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

// reaches reports whether the user may pass through dir and every directory
// above it, by owner, group and other bits.
func (a serverUser) reaches(dir string) bool {
	if !a.other {
		return true
	}
	for {
		fi, err := os.Stat(dir)
		if err != nil {
			return false
		}
		st, ok := fi.Sys().(*syscall.Stat_t)
		if !ok {
			return false
		}
		bit := os.FileMode(0o001)
		switch {
		case int(st.Uid) == a.uid:
			bit = 0o100
		case int(st.Gid) == a.gid:
			bit = 0o010
		}
		if fi.Mode().Perm()&bit == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
		dir = filepath.Dir(dir)
	}
}

// Root works in directories that the server user can write, and that user must not be
// able to redirect root by a link. So everything below a cluster directory is done
// through an os.Root, which follows no link out of it; the owner of a directory is
// changed through its open file, and only if root has just created it; a file is never
// written in place but replaced (which is why internal/atomicfile, which works by path,
// is not used).

// owner returns the user id of a file's owner.
func owner(fi fs.FileInfo) int {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid)
	}
	return -1
}
