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
	as, err := serverUserOf(dir)
	if err != nil {
		return "", err
	}
	h, err := findClusterDir(dir, as)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(h.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", usage.Wrap(err, "put it back, or remove the file: the next start makes a new one, from what the log holds",
			"the private database that postgres.location names is not there: %s", h.dir)
	}
	if err != nil {
		return "", usage.Wrap(err, "ask as its owner, or as root", "the private database in %s cannot be read: %s", h.dir, cause(err))
	}
	defer root.Close()
	if err := h.checkOwnerOf(root, dir); err != nil {
		return "", err
	}
	if fi, err := root.Stat("."); err == nil && owner(fi) != as.uid && owner(fi) != os.Geteuid() {
		return "", usage.New("run sightlog as the user that made it", "%s belongs to user id %d, the database would run as %d", h.dir, owner(fi), as.uid)
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
		return "", fmt.Errorf("%s/PG_VERSION holds %q, not a version", h.data(), v)
	}
	if _, err := findBinaries(ctx, major); err != nil {
		return "", err
	}
	return fmt.Sprintf("PostgreSQL %d in %s, %s, %s", major, h.dir, h.describeSocket(root), h.describeServer(root)), nil
}

func (h clusterDir) describeSocket(root *os.Root) string {
	if fits(h.run()) {
		return "socket in it"
	}
	if s, err := readSocketLocation(root); err == nil {
		return "its path is too long or not plain enough for a socket, which is in " + s.At
	}
	return "its path is too long or not plain enough for a socket, which will be elsewhere"
}

func (h clusterDir) describeServer(root *os.Root) string {
	if pid, err := postmaster(h, root); err == nil && pid != 0 {
		return fmt.Sprintf("its server runs as process %d", pid)
	}
	return "no server runs"
}
