package postgres

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sightlog/sightlog/usage"
)

// BinEnv names a directory with initdb and postgres. It takes precedence.
const BinEnv = "SIGHTLOG_PG_BIN"

// binaries are the server programs of one version.
type binaries struct {
	dir   string
	major int
}

func (b binaries) path(name string) string { return filepath.Join(b.dir, name) }

// binDirs are the directories in which distributions install the programs: Debian and Ubuntu, Fedora and RHEL,
// Homebrew. PATH comes last, where Debian has wrappers only.
var binDirs = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
}

// findBinaries returns the newest installed server programs, or those of
// version major when it is not 0, because a cluster is only ever opened by the
// version that made it.
func findBinaries(ctx context.Context, major int) (binaries, error) {
	const install = "install PostgreSQL (Debian: apt-get install postgresql), name its programs in " + BinEnv + ", or give --database-url"
	if dir := os.Getenv(BinEnv); dir != "" {
		b, err := probe(ctx, dir)
		switch {
		case err != nil:
			return binaries{}, usage.Wrap(err, "name a directory that holds initdb and postgres", "%s=%s has no PostgreSQL server programs", BinEnv, dir)
		case b.major < MinVersion:
			return binaries{}, usage.New("use version "+strconv.Itoa(MinVersion)+" or newer", "%s=%s is PostgreSQL %d", BinEnv, dir, b.major)
		case major != 0 && b.major != major:
			return binaries{}, usage.New("name the programs of that version in "+BinEnv, "the private database was made by PostgreSQL %d, %s has %d", major, dir, b.major)
		}
		return b, nil
	}
	var found []binaries
	for _, dir := range candidateDirs() {
		if b, err := probe(ctx, dir); err == nil {
			found = append(found, b)
		}
	}
	found = slices.DeleteFunc(found, func(b binaries) bool {
		return b.major < MinVersion || major != 0 && b.major != major
	})
	if len(found) == 0 {
		if ctx.Err() != nil { // they were not asked
			return binaries{}, ctx.Err()
		}
		if major != 0 {
			return binaries{}, usage.New("install that version, or give --database-url", "the private database was made by PostgreSQL %d, which is not installed", major)
		}
		return binaries{}, usage.New(install, "no PostgreSQL server of version %d or newer is installed", MinVersion)
	}
	return slices.MaxFunc(found, func(a, b binaries) int { return cmp.Compare(a.major, b.major) }), nil
}

func candidateDirs() []string {
	var dirs []string
	for _, pattern := range binDirs {
		m, _ := filepath.Glob(pattern) // the patterns are well formed
		dirs = append(dirs, m...)
	}
	if p, err := exec.LookPath("postgres"); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil {
			dirs = append(dirs, filepath.Dir(p))
		}
	}
	return dirs
}

// probe runs the programs in dir to get their version.
func probe(ctx context.Context, dir string) (binaries, error) {
	b := binaries{dir: dir}
	if _, err := os.Stat(b.path("initdb")); err != nil {
		return b, err
	}
	out, err := exec.CommandContext(ctx, b.path("postgres"), "--version").Output()
	if err != nil {
		return b, err
	}
	for word := range strings.FieldsSeq(string(out)) { // "postgres (PostgreSQL) 15.13 (Debian …)"
		if d := leadingDigits(word); d != "" {
			b.major, err = strconv.Atoi(d)
			return b, err
		}
	}
	return b, errors.New("no version in " + strconv.Quote(string(out)))
}

// Installed returns the directory and the major version of the server programs
// that a new private cluster would use. None is a *usage.Error.
func Installed(ctx context.Context) (dir string, major int, err error) {
	b, err := findBinaries(ctx, 0)
	return b.dir, b.major, err
}

// MinVersion is the oldest major version of PostgreSQL that is used.
const MinVersion = 13

func leadingDigits(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}
