package auth

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/internal/atomicfile"
	"github.com/sightlog/sightlog/internal/filelock"
	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/web/route"
)

// The file has a line for each user and token; # begins a comment:
//
//	user kim admin $argon2id$v=19$m=19456,t=2,p=1$SALT$KEY
//	token grafana reader sha256:HEX
const (
	kindUser  = "user"
	kindToken = "token"
)

// maxFile bounds the file.
const maxFile = 1 << 20

// name is what users and tokens are called.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

var tokenHash = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Entry is a user or a token.
type Entry struct {
	Kind, Name string
	Role       route.Role
	secret     string // as the file has it
	hash       hash   // of a user
}

// entries are those of a file.
type entries struct {
	users  map[string]Entry
	tokens map[string]Entry // by digest
	dummy  hash             // as slow as those of the users
}

func parseEntry(line string) (e Entry, err error) {
	words := strings.Fields(line)
	if len(words) != 4 {
		return e, errors.New("write: user NAME ROLE HASH, or token NAME ROLE HASH")
	}
	e = Entry{Kind: words[0], Name: words[1], secret: words[3]}
	switch words[2] {
	case route.Admin.String():
		e.Role = route.Admin
	case route.Reader.String():
		e.Role = route.Reader
	default:
		return e, fmt.Errorf("role %q: it is admin or reader", words[2])
	}
	if !name.MatchString(e.Name) {
		return e, errName(e.Name)
	}
	switch e.Kind {
	case kindUser:
		e.hash, err = parseHash(e.secret)
	case kindToken:
		if !tokenHash.MatchString(e.secret) {
			err = errors.New("the hash of a token is sha256: and 64 hexadecimal digits")
		}
	default:
		err = fmt.Errorf("%q: a line begins with user or token", e.Kind)
	}
	return e, err
}

func errName(name string) error {
	return usage.New("use letters, digits, and . _ @ - between them, at most 64", "name %q", name)
}

// parse reads the content of a file. Its errors hold no hash.
func parse(content []byte) (entries, error) {
	all := entries{users: map[string]Entry{}, tokens: map[string]Entry{}, dummy: hash{cost: defaultCost}}
	all.dummy.salt, all.dummy.key = make([]byte, saltBytes), make([]byte, keyBytes)
	for i, line := range strings.Split(string(content), "\n") {
		if isComment(line) {
			continue
		}
		e, err := parseEntry(line)
		if err != nil {
			return all, fmt.Errorf("line %d: %w", i+1, err)
		}
		if e.Kind == kindToken {
			all.tokens[strings.TrimPrefix(e.secret, "sha256:")] = e
			continue
		}
		if _, twice := all.users[e.Name]; twice {
			return all, fmt.Errorf("line %d: user %s is there twice", i+1, e.Name)
		}
		if len(all.users) == 0 {
			all.dummy = e.hash
		}
		all.users[e.Name] = e
	}
	all.dummy = all.dummy.dummy()
	return all, nil
}

func isComment(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || strings.HasPrefix(line, "#")
}

// read reads a file of users. Every error is a *usage.Error.
func read(path string) ([]byte, fs.FileInfo, error) {
	st, err := os.Stat(path)
	var b []byte
	if err == nil && st.Size() <= maxFile {
		b, err = os.ReadFile(path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, usage.Wrap(err, "sightlogd web user add NAME --web-users "+path+" creates it", "--web-users %s: no such file", path)
	case err != nil:
		return nil, nil, usage.Wrap(err, "check the path", "--web-users %s: %v", path, usage.Cause(err))
	case st.Size() > maxFile:
		return nil, nil, usage.New("give a file of users", "--web-users %s: larger than %d bytes", path, maxFile)
	case st.Mode().Perm()&0o022 != 0:
		return nil, nil, usage.New("chmod 600 "+path, "--web-users %s: other users of this machine could change it", path)
	}
	return b, st, nil
}

// File is a file of users and tokens, to change it. It is created by the first Add.
type File string

// Entries returns the users and tokens, in the order of the file.
func (f File) Entries() (all []Entry, err error) {
	b, _, err := read(string(f))
	if err != nil {
		return nil, err
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		if isComment(line) {
			continue
		}
		e, err := parseEntry(line)
		if err != nil {
			return nil, f.broken(err)
		}
		all = append(all, e)
	}
	return all, nil
}

// AddUser adds a user with a password.
func (f File) AddUser(name string, role route.Role, password string) error {
	return f.add(kindUser, name, role, func() string { return newHash(password).String() })
}

// AddToken adds a token and returns it. The file has only its hash.
func (f File) AddToken(name string, role route.Role) (token string, err error) {
	token = tokenPrefix + newSecret()
	return token, f.add(kindToken, name, role, func() string { return "sha256:" + digest(token) })
}

func (f File) add(kind, who string, role route.Role, secret func() string) error {
	if !name.MatchString(who) {
		return errName(who)
	}
	return f.change(func(lines []string) ([]string, error) {
		if f.find(lines, kind, who) >= 0 {
			return nil, usage.New("give another name, or remove it first", "%s %s exists", kind, who)
		}
		return append(lines, fmt.Sprintf("%s %s %s %s", kind, who, role, secret())), nil
	})
}

// SetPassword gives a user another password, which ends the user's sessions.
func (f File) SetPassword(name, password string) error {
	return f.change(func(lines []string) ([]string, error) {
		i := f.find(lines, kindUser, name)
		if i < 0 {
			return nil, f.none(kindUser, name)
		}
		e, err := parseEntry(lines[i])
		if err != nil {
			return nil, f.broken(err)
		}
		lines[i] = fmt.Sprintf("%s %s %s %s", kindUser, name, e.Role, newHash(password))
		return lines, nil
	})
}

// RemoveUser removes a user, which ends the user's sessions.
func (f File) RemoveUser(name string) error { return f.remove(kindUser, name) }

// RemoveToken removes a token.
func (f File) RemoveToken(name string) error { return f.remove(kindToken, name) }

func (f File) remove(kind, name string) error {
	return f.change(func(lines []string) ([]string, error) {
		i := f.find(lines, kind, name)
		if i < 0 {
			return nil, f.none(kind, name)
		}
		return slices.Delete(lines, i, i+1), nil
	})
}

// find returns the line of an entry, or -1.
func (File) find(lines []string, kind, name string) int {
	return slices.IndexFunc(lines, func(line string) bool {
		words := strings.Fields(line)
		return len(words) > 1 && words[0] == kind && words[1] == name
	})
}

func (f File) none(kind, name string) error {
	return usage.New("sightlogd web user list shows them", "--web-users %s: it has no %s %q", f, kind, name)
}

func (f File) broken(err error) error {
	return usage.Wrap(err, "fix the line", "--web-users %s: %v", f, err)
}

// change replaces the file's lines; comments stay. It refuses where another process changes
// them.
func (f File) change(edit func(lines []string) ([]string, error)) (err error) {
	lock, err := os.OpenFile(string(f)+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return usage.Wrap(err, "give a file that can be written", "--web-users %s: %v", f, usage.Cause(err))
	}
	defer func() { err = errors.Join(err, filelock.Close(lock)) }()
	if err := filelock.Flock(lock); err != nil {
		return usage.Wrap(err, "try again", "--web-users %s: another process changes it", f)
	}
	b, _, err := read(string(f))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := parse(b); err != nil {
		return f.broken(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	if len(b) == 0 {
		lines = []string{"# Users and tokens of the page, and the hashes of their passwords."}
	}
	if lines, err = edit(lines); err != nil {
		return err
	}
	uid, gid := f.owner()
	if err := atomicfile.WriteDurably(string(f), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return usage.Wrap(err, "give a file that can be written", "--web-users %s: %v", f, usage.Cause(err))
	}
	if os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(string(f), uid, gid)
}

// owner returns who owns the file, or will: the owner of its directory. So root can change
// the file of a server that is not root.
func (f File) owner() (uid, gid int) {
	var st unix.Stat_t
	if unix.Stat(string(f), &st) != nil && unix.Stat(filepath.Dir(string(f)), &st) != nil {
		return -1, -1 // unchanged
	}
	return int(st.Uid), int(st.Gid)
}
