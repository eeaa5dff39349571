package postgres

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/sightlog/sightlog/usage"
)

// account is the user the server runs as.
type account struct {
	name     string
	uid, gid int
	other    bool // not the user we are: root lends its rights
}

// serverAccount is the user we are, or for root, whom PostgreSQL refuses,
// "postgres" or "nobody".
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil && uid != 0 {
			return account{name, uid, gid, true}, nil
		}
	}
	return account{}, usage.New("add a user postgres, or give --database-url", "PostgreSQL refuses to run as root, and there is no user postgres or nobody")
}

// accountOf is the serverAccount of a data directory. Root lends its rights to
// the user whose directory it is, if that user's server has run there before.
func accountOf(dir string) (account, error) {
	a, err := serverAccount()
	if err != nil || !a.other {
		return a, err
	}
	abs, err := resolve(dir)
	if err != nil {
		return a, nil // it is not there yet
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
	a = account{"user id " + strconv.Itoa(int(st.Uid)), int(st.Uid), int(st.Gid), true}
	if u, err := user.LookupId(strconv.Itoa(a.uid)); err == nil {
		a.name = u.Username
	}
	return a, nil
}

// attr starts a process as the account, in a session of its own: Ctrl-C in the
// terminal must not stop the server before the sinks are done.
func (a account) attr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if a.other {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

// reaches reports whether the account may pass through dir and every directory
// above it, by owner, group and other bits.
func (a account) reaches(dir string) bool {
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
