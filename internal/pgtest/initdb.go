package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/postgres"
)

// programsEnv names the directory of QuickInitdb to test binaries that tests start.
const programsEnv = "SIGHTLOG_TEST_PG_PROGRAMS"

// QuickInitdb makes a directory of PostgreSQL's programs in which initdb copies a cluster
// instead of making one (internal/pgtest/initdb), for the TestMain of a package that makes
// many. A test binary that a test starts uses that of its parent. Without PostgreSQL dir
// is "".
func QuickInitdb() (dir string, remove func(), err error) {
	if dir := os.Getenv(programsEnv); dir != "" {
		return dir, func() {}, nil
	}
	programs, _, err := postgres.Installed(context.Background())
	if err != nil {
		return "", func() {}, nil // the tests skip, each in plain sight
	}
	if dir, err = makeDir(); err != nil {
		return "", nil, err
	}
	if err := quickPrograms(dir, programs); err != nil {
		os.RemoveAll(dir)
		return "", nil, err
	}
	return dir, func() { os.RemoveAll(dir) }, os.Setenv(programsEnv, dir)
}

// quickPrograms fills the directory.
func quickPrograms(dir, programs string) error {
	all, err := filepath.Glob(filepath.Join(programs, "*"))
	if err != nil {
		return err
	}
	for _, path := range all {
		name := filepath.Base(path)
		if name == "initdb" {
			name = "real-initdb"
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	templates := filepath.Join(dir, "templates")
	if err := os.Mkdir(templates, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(templates, 0o777|os.ModeSticky); err != nil { // of each user that makes clusters
		return err
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "initdb"), "./internal/pgtest/initdb")
	build.Dir, build.Env = testenv.Root(), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build initdb: %w: %s", err, out)
	}
	return nil
}
