package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/sightlog/sightlog/usage"
)

// Inspect describes the private database of a data directory in one line: its version,
// the directories of the cluster and its socket, whether its server runs. Missing
// programs, a foreign owner or an unreadable cluster are errors; whether another process
// holds it is not checked. It changes nothing. Without a database the line is "".
func Inspect(ctx context.Context, dir string) (string, error) {
	user, err := serverUserOf(dir)
	if err != nil {
		return "", err
	}
	c, err := findClusterDir(dir, user)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", usage.Wrap(err, "put it back, or remove the file: the next start makes a new one, from what the log holds",
			"the private database that postgres.location names is not there: %s", c.dir)
	}
	if err != nil {
		return "", usage.Wrap(err, "ask as its owner, or as root", "the private database in %s cannot be read: %s", c.dir, cause(err))
	}
	defer root.Close()
	if err := c.checkOwnerOf(root, dir); err != nil {
		return "", err
	}
	if fi, err := root.Stat("."); err == nil && owner(fi) != user.uid && owner(fi) != os.Geteuid() {
		return "", usage.New("run sightlog as the user that made it", "%s belongs to user id %d, the database would run as %d", c.dir, owner(fi), user.uid)
	}
	v, err := readFile(root, dataName+"/PG_VERSION", 64)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	major, err := strconv.Atoi(strings.TrimSpace(v))
	if err != nil {
		return "", fmt.Errorf("%s/PG_VERSION holds %q, not a version", c.data(), v)
	}
	if _, err := findBinaries(ctx, major); err != nil {
		return "", err
	}
	return fmt.Sprintf("PostgreSQL %d in %s, %s, %s", major, c.dir, c.describeSocket(root), c.describeServer(root)), nil
}

func (c clusterDir) describeSocket(root *os.Root) string {
	if fits(c.run()) {
		return "socket in it"
	}
	if s, err := readSocketLocation(root); err == nil {
		return "its path is too long or not plain enough for a socket, which is in " + s.At
	}
	return "its path is too long or not plain enough for a socket, which will be elsewhere"
}

func (c clusterDir) describeServer(root *os.Root) string {
	if pid, err := postmaster(c, root); err == nil && pid != 0 {
		return fmt.Sprintf("its server runs as process %d", pid)
	}
	return "no server runs"
}
