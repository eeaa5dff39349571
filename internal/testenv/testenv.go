// Package testenv answers what tests ask of their surroundings: where the
// third-party clips and models are, and whether a part that may be absent
// may be skipped.
package testenv

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

// Root returns the repository's root directory.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// Skip skips the test in plain sight because a part that set-up can install is
// absent, or fails it when SIGHTLOG_REQUIRE is "all" or "installable".
func Skip(t testing.TB, reason string) {
	t.Helper()
	skip(t, reason, "all", "installable")
}

func skip(t testing.TB, reason string, requiredBy ...string) {
	t.Helper()
	if require := os.Getenv("SIGHTLOG_REQUIRE"); slices.Contains(requiredBy, require) {
		t.Fatalf("required by SIGHTLOG_REQUIRE=%s, but absent: %s", require, reason)
	}
	t.Skip(reason)
}

// Without reports in plain sight that a part of a test is left out because something
// that set-up can provide is absent, or fails the test as Skip does.
func Without(t testing.TB, reason string) {
	t.Helper()
	if require := os.Getenv("SIGHTLOG_REQUIRE"); require == "all" || require == "installable" {
		t.Fatalf("required by SIGHTLOG_REQUIRE=%s, but absent: %s", require, reason)
	}
	t.Log("SKIPPED: " + reason)
}

// DataDir is where the third-party test files are, if they are here.
func DataDir() string {
	if dir := os.Getenv("SIGHTLOG_TESTDATA"); dir != "" {
		return dir
	}
	return filepath.Join(Root(), "..", "shared")
}

// Data returns the path of a third-party test file, such as
// "video/vtest.avi", below $SIGHTLOG_TESTDATA (default ../shared), and skips
// the test where it is absent, or fails it when SIGHTLOG_REQUIRE is "all". The
// clip that make setup fetched serves too.
func Data(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(DataDir(), filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		sample := filepath.Join(Root(), "samples", filepath.Base(path))
		if _, err := os.Stat(sample); err == nil {
			return sample
		}
		skip(t, "test file "+name+" is not below SIGHTLOG_TESTDATA", "all")
	}
	return path
}
