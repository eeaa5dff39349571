package postgres_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/postgres"
)

// After a power cut the numbers that a server left in its files belong to
// others: to a process of its user, to a thread, to one that works where it did.
func TestStartPrivate_StaleNumbersOfOthers_Starts(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]func(t *testing.T, cluster string) int{
		"process of its user":                 func(t *testing.T, _ string) int { t.Helper(); return bystander(t, "/") },
		"process of its user, in its cluster": bystander,
		"thread":                              func(t *testing.T, _ string) int { t.Helper(); return thread(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := pgtest.Dir(t)
			p := start(t, dir)
			runSQL(t, p.URL(), "CREATE TABLE kept AS SELECT 'yes' AS answer")
			left := map[string][]byte{dir + "/postgres/data/postmaster.pid": nil, dir + "/postgres/run/.s.PGSQL.5432.lock": nil}
			for file := range left {
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				left[file] = text
			}
			require.NoError(t, p.Stop(t.Context()))
			pid := other(t, dir+"/postgres/data")
			for file, text := range left {
				_, rest, _ := strings.Cut(string(text), "\n")
				require.NoError(t, os.WriteFile(file, []byte(strconv.Itoa(pid)+"\n"+rest), 0o600))
				if os.Geteuid() == 0 {
					uid, gid := serverUser(t)
					require.NoError(t, os.Chown(file, uid, gid))
				}
			}
			_, err := postgres.Attach(t.Context(), dir)
			require.ErrorIs(t, err, postgres.ErrNotRunning)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // a start that takes the other for a server waits for it
			defer cancel()
			p, err = postgres.StartPrivate(ctx, dir, nil)
			require.NoError(t, err)
			require.Equal(t, "yes", ask(t, p.URL(), "SELECT answer FROM kept"))
			require.NoError(t, p.Stop(t.Context()))
			require.NoError(t, syscall.Kill(pid, 0), "it was left alone")
		})
	}
}

// bystander is a process of the server's user in directory dir.
func bystander(t *testing.T, dir string) int {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	cmd.Dir = dir
	if os.Geteuid() == 0 {
		uid, gid := serverUser(t)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	return cmd.Process.Pid
}

// thread is a thread of ours that lasts as long as the test.
func thread(t *testing.T) int {
	t.Helper()
	id, end := make(chan int), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		id <- syscall.Gettid()
		<-end
	}()
	t.Cleanup(func() { close(end) })
	return <-id
}

// lives is how often the container is killed.
const lives = 50

// lifeEnv makes the test binary process 1 of a container: it starts the private
// server of a directory, writes a row, says so, and waits to be killed.
const lifeEnv = "SIGHTLOG_TEST_LIFE"

// A container's process 1 is killed with all others at any time, and process
// numbers begin anew in the next: those in the server's files belong to threads
// and processes of the same user.
func TestStartPrivate_KilledContainer_StartsAgain(t *testing.T) {
	if dir := os.Getenv(lifeEnv); dir != "" {
		live(t, dir)
		return
	}
	uid, gid := serverUser(t)
	for _, program := range []string{"unshare", "setpriv"} {
		if _, err := exec.LookPath(program); err != nil {
			testenv.Skip(t, err.Error())
		}
	}
	if out, err := exec.Command("unshare", "--pid", "--fork", "--mount-proc", "true").CombinedOutput(); err != nil {
		testenv.Skip(t, fmt.Sprintf("no namespaces: %v: %s", err, out))
	}
	t.Parallel()
	dir := pgtest.Dir(t)
	binary := filepath.Join(dir, "life")
	self, err := os.ReadFile("/proc/self/exe")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(binary, self, 0o755))
	data := filepath.Join(dir, "data")
	require.NoError(t, os.Mkdir(data, 0o755))
	require.NoError(t, os.Chown(data, uid, gid))
	rows := 0
	for i := range lives {
		cmd := exec.Command("unshare", "--pid", "--fork", "--mount-proc", "setpriv", "--reuid", strconv.Itoa(uid), "--regid", strconv.Itoa(gid), "--clear-groups",
			binary, "-test.run=^TestStartPrivate_KilledContainer_StartsAgain$", "-test.timeout=60s")
		cmd.Env = append(os.Environ(), lifeEnv+"="+data)
		cmd.Dir = "/"
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		var said strings.Builder
		started := false
		for lines := bufio.NewScanner(io.TeeReader(stdout, &said)); !started && lines.Scan(); {
			n, err := fmt.Sscanf(lines.Text(), "life %d", &rows)
			started = n == 1 && err == nil
		}
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", cmd.Process.Pid))
		require.NoError(t, err)
		if first, err := strconv.Atoi(strings.TrimSpace(string(children))); err == nil {
			require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
		}
		_ = cmd.Wait() // for unshare, which waits for the whole container
		require.True(t, started, "life %d\n%s", i, &said)
		if i == 0 { // processes are killed, not the machine
			require.NoError(t, os.WriteFile(data+"/postgres/data/local.conf", []byte("fsync = off\n"), 0o644))
		}
	}
	require.Equal(t, lives, rows, "each life found what the one before wrote")
}

func live(t *testing.T, dir string) {
	t.Helper()
	end := make(chan struct{})
	for range os.Getpid() + int(time.Now().UnixNano()%16) {
		go func() { // a thread each, so that the numbers are used
			runtime.LockOSThread()
			<-end
		}()
	}
	p, err := postgres.StartPrivate(t.Context(), dir, nil)
	require.NoError(t, err)
	runSQL(t, p.URL(), "CREATE TABLE IF NOT EXISTS lives (); INSERT INTO lives DEFAULT VALUES")
	fmt.Println("life", ask(t, p.URL(), "SELECT count(*)::text FROM lives"))
	<-end
}
