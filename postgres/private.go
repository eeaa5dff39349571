package postgres

import (
	"errors"
	"log/slog"
	"os"
	"sync/atomic"
)

// Role and Database are the names in a private cluster. The role owns the
// database and is no superuser.
const (
	Role     = "sightlog"
	Reader   = "sightlog_reader" // may read, and nothing else
	Database = "sightlog"
	super    = "postgres" // owns the cluster
)

// ErrNotRunning means that a data directory's private server does not run.
var ErrNotRunning = errors.New("the private database does not run")

// Private is the running private server of a data directory.
type Private struct {
	clusterDir clusterDir
	root       *os.Root // the cluster directory, opened; the user root does nothing there by path
	user       serverUser
	socket     string
	pid        int
	exited     chan struct{} // closed when our child is gone; nil for a server found running
	lock       *os.File
	log        *slog.Logger

	logFrom int64 // length of the server's log when it was launched

	problem atomic.Pointer[string] // why it does not run; nil while it does
}

// URL returns the address for psql and pgx, usable by the server user and root.
func (p *Private) URL() string { return p.clusterDir.url(p.socket, Role, Database) }

// SuperURL returns the address for the cluster's superuser.
func (p *Private) SuperURL() string { return p.clusterDir.url(p.socket, super, "postgres") }

// PID returns the process id of the server.
func (p *Private) PID() int { return p.pid }

// ErrForeign is the cause of an error if a part of a data directory belongs to another
// one.
var ErrForeign = errors.New("part of another data directory")
