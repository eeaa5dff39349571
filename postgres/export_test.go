package postgres

import (
	"strings"
	"time"

	"github.com/sightlog/sightlog/internal/filelock"
)

// Abandon drops the lock and leaves the server running, as the kernel does
// with a process that is killed.
func (p *Private) Abandon() { filelock.Close(p.lock) }

// Exited is closed when the server, a child of this process, is gone.
func (p *Private) Exited() <-chan struct{} { return p.exited }

// Elsewhere puts the clusters of directories that cannot be reached into dir,
// for a test that does not run in parallel, until the returned function is
// called.
func SetFallbackRoot(dir string) (back func()) {
	was := fallbackRoot
	fallbackRoot = dir
	return func() { fallbackRoot = was }
}

// FirstFailure is firstFailure.
func FirstFailure(text string) string { return firstFailure(strings.NewReader(text)) }

// SetStopNotice sets how long a server's end may come before that of ctx.
func SetStopNotice(d time.Duration) (back func()) {
	before := stopNotice
	stopNotice = d
	return func() { stopNotice = before }
}

// PreferPrograms has the server programs in dir used before those of the same version
// that are installed. It is called before any test runs.
func PreferPrograms(dir string) { binDirs = append([]string{dir}, binDirs...) }
