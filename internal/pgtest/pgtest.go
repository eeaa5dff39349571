// Package pgtest gives tests a real PostgreSQL: one private cluster a test
// binary, started on first use, and a database a test.
//
// A small shell holds the reading end of a pipe and ends the cluster when the
// test binary is gone, also when that panicked or was killed.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/migrations"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

var (
	shared = sync.OnceValues(func() (*cluster, error) { return start(true) })
	count  atomic.Int64
)

type cluster struct{ private *postgres.Private }

const template = "sightlog_template"

// URL returns the address of a new, migrated, empty database of its own, which
// is dropped when the test ends. The cluster does not sync to disk: for
// figures use Durable.
func URL(t testing.TB) string {
	t.Helper()
	c, err := shared()
	if usage.Is(err) {
		testenv.Skip(t, err.Error())
	}
	require.NoError(t, err)
	return c.database(t, "TEMPLATE "+template)
}

// Empty returns the address of a database as URL does, without tables, made
// with options of CREATE DATABASE.
func Empty(t testing.TB, options string) string {
	t.Helper()
	c, err := shared()
	if usage.Is(err) {
		testenv.Skip(t, err.Error())
	}
	require.NoError(t, err)
	return c.database(t, "TEMPLATE template0 "+options)
}

// As returns the address of a database of URL or Empty for another role, which
// is made with these options of CREATE ROLE and dropped when the test ends.
// statements are run before, as the superuser in that database; in them ROLE is
// the role and OWNER the owner's.
func As(t testing.TB, url, options string, statements ...string) string {
	t.Helper()
	c, err := shared()
	require.NoError(t, err) // url is of it
	cfg, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	role := fmt.Sprintf("role_%d", count.Add(1))
	super := c.superURL(cfg.Database)
	admin := func(sql string) {
		conn, err := pgx.Connect(context.Background(), super)
		require.NoError(t, err)
		defer conn.Close(context.Background())
		_, err = conn.Exec(context.Background(), strings.NewReplacer("ROLE", role, "OWNER", postgres.Role).Replace(sql))
		require.NoError(t, err)
	}
	conn, err := pgx.Connect(context.Background(), super)
	require.NoError(t, err)
	_, err = conn.Exec(context.Background(), "CREATE ROLE "+role+" LOGIN "+options)
	require.NoError(t, conn.Close(context.Background()))
	require.NoError(t, err)
	t.Cleanup(func() { admin("DROP OWNED BY ROLE CASCADE; "); admin("DROP USER ROLE") })
	for _, sql := range statements {
		admin(sql)
	}
	return strings.Replace(url, "//"+postgres.Role+"@", "//"+role+"@", 1)
}

// Open returns a pool on a database as URL gives it.
func Open(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return Pool(t, URL(t))
}

// Pool opens url until the test ends.
func Pool(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), url, postgres.Options{MaxConns: 16})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

var durable = sync.OnceValues(func() (*cluster, error) { return start(false) })

// Durable is Open on a cluster that syncs to disk, as a user's does.
func Durable(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return Pool(t, DurableURL(t))
}

// DurableURL is the address of such a database.
func DurableURL(t testing.TB) string {
	t.Helper()
	c, err := durable()
	if usage.Is(err) {
		testenv.Skip(t, err.Error())
	}
	require.NoError(t, err)
	return c.database(t, "TEMPLATE "+template)
}

// Dir returns an empty directory that the server's user can reach; what runs
// in it is the caller's to stop.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := makeDir()
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func makeDir() (string, error) {
	dir, err := os.MkdirTemp("", "sl")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

func (c *cluster) database(t testing.TB, options string) string {
	t.Helper()
	ctx := context.Background()
	name := fmt.Sprintf("test_%d", count.Add(1))
	admin := func(sql string) {
		conn, err := pgx.Connect(ctx, c.private.SuperURL())
		require.NoError(t, err)
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, sql)
		require.NoError(t, err)
	}
	admin("CREATE DATABASE " + name + " OWNER " + postgres.Role + " " + options)
	t.Cleanup(func() { admin("DROP DATABASE " + name + " WITH (FORCE)") })
	require.NoError(t, extend(ctx, c.superURL(name)))
	return strings.Replace(c.private.URL(), "/"+postgres.Database+"?", "/"+name+"?", 1)
}

// superURL returns the address of a database for the superuser.
func (c *cluster) superURL(database string) string {
	return strings.Replace(c.private.SuperURL(), "/postgres?", "/"+database+"?", 1)
}

// start makes a cluster with the template of every test's database.
func start(relaxed bool) (*cluster, error) {
	ctx := context.Background()
	dir, err := makeDir()
	if err != nil {
		return nil, err
	}
	p, err := postgres.StartPrivate(ctx, dir, nil)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	if extension != "" {
		if p, err = preload(ctx, p, dir); err != nil {
			return nil, err
		}
	}
	if err := reap(dir, p.PID()); err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, p.SuperURL())
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	if relaxed {
		for _, s := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
			if _, err := conn.Exec(ctx, "ALTER SYSTEM SET "+s+" = off"); err != nil {
				return nil, err
			}
		}
		if _, err := conn.Exec(ctx, "SELECT pg_reload_conf()"); err != nil {
			return nil, err
		}
	}
	c := &cluster{p}
	if err := extend(ctx, c.superURL(postgres.Database)); err != nil {
		return nil, err
	}
	pool, err := postgres.Open(ctx, p.URL(), postgres.Options{})
	if err != nil {
		return nil, err
	}
	err = migrations.Up(ctx, pool, nil)
	pool.Close()
	if err != nil {
		return nil, err
	}
	// An extension's worker may be connected, and a template that somebody is connected to cannot be copied.
	if _, err = conn.Exec(ctx, "ALTER DATABASE "+postgres.Database+" ALLOW_CONNECTIONS false"); err != nil {
		return nil, err
	}
	if _, err = conn.Exec(ctx, "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1", postgres.Database); err != nil {
		return nil, err
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+postgres.Database+" RENAME TO "+template)
	return c, err
}

// pipes keeps the writing ends open until the process ends.
var pipes []*os.File

// reap starts the shell that ends server pid and removes dir when we are gone.
func reap(dir string, pid int) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.Command("/bin/sh", "-c", `read -r _; kill -QUIT "$1"; while kill -0 "$1"; do sleep 0.05; done; rm -rf "$2"`, "sh", fmt.Sprint(pid), dir)
	cmd.Stdin = r
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	pipes = append(pipes, w)
	return cmd.Process.Release()
}
