package pgtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// Bouncer returns the address of a pgbouncer before the database of url, until
// the test ends. It pools by transaction with two sessions in turn, so that the
// statements of one client do meet another session.
func Bouncer(t testing.TB, url string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if program = "/usr/sbin/pgbouncer"; !exists(program) {
			testenv.Skip(t, "pgbouncer is not installed")
		}
	}
	cfg, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	addr := testenv.FreeAddr(t)
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)

	// It runs as the server does: it does not run as root, and the socket's
	// directory is the server's alone.
	var st syscall.Stat_t
	require.NoError(t, syscall.Stat(cfg.Host, &st))
	dir := Dir(t)
	ini := filepath.Join(dir, "pgbouncer.ini")
	require.NoError(t, os.WriteFile(ini, fmt.Appendf(nil, `[databases]
* = host=%s port=%d user=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
min_pool_size = 2
server_round_robin = 1
`, cfg.Host, cfg.Port, cfg.User, port), 0o644))
	cmd := exec.Command(program, "-q", ini)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: st.Uid, Gid: st.Gid}
	}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed: that is its error
	})
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return false
		}
		return c.Close() == nil
	}, time.Minute, 10*time.Millisecond, "pgbouncer does not listen")
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", cfg.User, addr, cfg.Database)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
