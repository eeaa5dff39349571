package postgres

import (
	"net/url"
	"path/filepath"
	"strings"
)

// clusterDir is the directory of one private cluster; doc.go has its layout.
type clusterDir struct{ dir string }

func (c clusterDir) data() string { return filepath.Join(c.dir, dataName) }

func (c clusterDir) log() string { return filepath.Join(c.dir, logName) }

// Names in a cluster directory.
const (
	dataName    = "data"
	stagingName = "data.new"
	logName     = "server.log"
	lockName    = "lock"
)

// url returns the address of database name on the socket, as role. A path with
// characters that a URL would have to escape has its socket in another directory (fits);
// the rest is escaped as libpq and pgx read it, where a plus is not a space.
func (c clusterDir) url(socketDir, role, name string) string {
	host := strings.NewReplacer("%2F", "/", "+", "%20").Replace(url.QueryEscape(socketDir))
	return "postgres://" + role + "@/" + name + "?host=" + host + "&port=5432"
}

func resolve(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}
