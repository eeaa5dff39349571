package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/internal/testenv"
)

// However a run is asked to end, it ends in order: the summary is printed, the
// child and the private database are gone, and nothing is started again.
func TestRun_AskedToEnd_OrderlyWhateverTheSignal(t *testing.T) {
	t.Parallel()
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // the programs that we start do not inherit nohup's
	dir := dataDir(t)
	for _, c := range []struct {
		name string
		code int
		ask  func(p *process, server int)
	}{
		{"closed terminal", 0, func(p *process, _ int) { p.signal(syscall.SIGHUP) }},
		{"Ctrl-backslash", 0, func(p *process, _ int) { p.signal(syscall.SIGQUIT) }},
		{"several", 0, func(p *process, _ int) {
			for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGTERM, syscall.SIGHUP, os.Interrupt, os.Interrupt, syscall.SIGQUIT} {
				p.signal(s)
			}
		}},
		{"its control group", 0, func(p *process, server int) {
			for _, pid := range append(children(p.cmd.Process.Pid), server, p.cmd.Process.Pid) {
				_ = syscall.Kill(pid, syscall.SIGTERM)
			}
		}},
		{"killed", -1, func(p *process, _ int) { p.signal(syscall.SIGKILL) }}, // out of memory
	} {
		p := start(t, sightlog, "run", "--source", "hall=test://people", "--data", dir, "--listen", "127.0.0.1:0")
		_, database := endpoints(t, dir, p)
		waitRows(t, dir, 1+number(t, []string{"--data", dir}, "select count(*) from sightings"))
		server := postmaster(t, database)
		require.Positive(t, server)
		c.ask(p, server)
		r := p.wait(t)
		require.Equal(t, c.code, r.code, "%s\n%s", c.name, r.stdout)
		require.NotRegexp(t, "starting it again|restarting it", r.stdout, c.name)
		if c.code == 0 {
			require.Contains(t, r.stdout, "sightings committed in", c.name)
			require.Error(t, syscall.Kill(server, 0), "%s: the database is left", c.name)
			continue
		}
		require.Eventually(t, func() bool { return syscall.Kill(server, 0) != nil }, limit, 20*time.Millisecond, "%s: the database is left", c.name)
	}
}

// run 2>&1 | head: who reads the output goes, and the run ends in order. So it does with
// run 2>&1 | tee and Ctrl-C, which ends both, whichever the run notices first.
func TestRun_ReaderOfItsOutputGone_EndsInOrder(t *testing.T) {
	t.Parallel()
	const broken = 128 + int(syscall.SIGPIPE)
	for _, c := range []struct {
		name              string
		stdout, interrupt bool // the reader of stdout goes, too, and Ctrl-C comes
		codes             []int
	}{
		{"stderr's", false, false, []int{broken}},
		{"both and Ctrl-C", true, true, []int{0, broken}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := dataDir(t)
			r, w, err := os.Pipe()
			require.NoError(t, err)
			p := &process{cmd: exec.Command(sightlog, "run", "--source", "hall=test://people", "--data", dir, "--listen", "127.0.0.1:0"), output: new(buffer), done: make(chan struct{})}
			p.cmd.Stdout, p.cmd.Stderr = p.output, w
			if c.stdout {
				p.cmd.Stdout = w
			}
			require.NoError(t, p.cmd.Start())
			w.Close()
			go func() {
				_ = p.cmd.Wait()
				close(p.done)
			}()
			t.Cleanup(p.kill)
			_, database := endpoints(t, dir, p)
			waitRows(t, dir, 1)
			server := postmaster(t, database)
			require.NoError(t, r.Close()) // the next line finds nobody
			if c.interrupt {
				p.signal(os.Interrupt)
			}
			require.Contains(t, c.codes, p.wait(t).code, p.output)
			if !c.stdout {
				require.Contains(t, p.output.String(), "sightings committed in")
			}
			require.Error(t, syscall.Kill(server, 0), "the database is left")
		})
	}
}

// run | head: standard output gets the summary alone, when the source has ended.
func TestRun_ReaderOfItsSummaryGone_EndsInOrder(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, r.Close())
	output := new(buffer)
	cmd := exec.CommandContext(t.Context(), sightlog, "run", "--source", people, "--pace", "fast", "--data", dir)
	cmd.Stdout, cmd.Stderr = w, output
	err = cmd.Run()
	require.Equal(t, 128+int(syscall.SIGPIPE), cmd.ProcessState.ExitCode(), "%v\n%s", err, output)
	require.NoError(t, w.Close())
	require.FileExists(t, dir+"/postgres/data/PG_VERSION")
	require.NoFileExists(t, dir+"/postgres/data/postmaster.pid", "the database is left")
	require.Equal(t, 12, count(t, dir))
}

// An upgrade removes the program while it runs, or puts another file in its place: detect
// is started again from the file that runs. What somebody else told to stop comes back,
// too.
func TestRun_ProgramRemovedWhileItRuns_DetectComesBack(t *testing.T) {
	t.Parallel()
	t.Run("removed", func(t *testing.T) {
		t.Parallel()
		programGoes(t, func(program string) error { return os.Remove(program) }, syscall.SIGKILL, syscall.SIGTERM)
	})
	t.Run("replaced", func(t *testing.T) {
		t.Parallel()
		programGoes(t, func(program string) error {
			if err := os.WriteFile(program+".new", []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
				return err
			}
			return os.Rename(program+".new", program)
		}, syscall.SIGKILL)
	})
}

func programGoes(t *testing.T, goes func(program string) error, ends ...syscall.Signal) {
	t.Helper()
	dir := dataDir(t)
	text, err := os.ReadFile(sightlog)
	require.NoError(t, err)
	program := filepath.Join(t.TempDir(), "sightlog")
	require.NoError(t, os.WriteFile(program, text, 0o755))
	p := start(t, program, "run", "--source", "hall=test://people", "--data", dir, "--listen", "127.0.0.1:0")
	endpoints(t, dir, p)
	waitRows(t, dir, 1)
	require.NoError(t, goes(program))
	for _, s := range ends {
		pids := children(p.cmd.Process.Pid)
		require.Len(t, pids, 1, p.output)
		args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pids[0]))
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(args), program), "ps shows %q", args)
		require.NoError(t, syscall.Kill(pids[0], s))
		for now := pids; len(now) != 1 || now[0] == pids[0]; now = children(p.cmd.Process.Pid) {
			require.False(t, p.ended(), p.output)
			time.Sleep(20 * time.Millisecond)
		}
		waitRows(t, dir, 1+number(t, []string{"--data", dir}, "select count(*) from sightings"))
	}
	require.Zero(t, p.stop(t).code, p.output)
}

// A question that is asked while a service is being restarted owns its data
// directory for a moment: with --wait, as in the units, the service is not over.
func TestRun_DirectoryInUse_WaitsWhereToldTo(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	holder, err := datadir.Open(dir)
	require.NoError(t, err)
	args := []string{"run", "--source", "hall=test://people?frames=5", "--pace", "fast", "--data", dir, "--listen", "127.0.0.1:0"}
	r := start(t, sightlog, args...).wait(t)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stdout, "in use by another sightlog")

	p := start(t, sightlog, append(args, "--wait")...)
	require.Eventually(t, func() bool { return strings.Contains(p.output.String(), "waiting for the data directory") }, limit, 20*time.Millisecond)
	require.NoError(t, holder.Close())
	r = p.wait(t)
	require.Zero(t, r.code, r.stdout)
	require.Contains(t, r.stdout, "5 frames")
}

// As process 1 of a container it waits for the sessions of a database whose
// server was killed, hands signals on, and ends with its child's exit code.
func TestFirstProcess_Orphans_AreWaitedFor(t *testing.T) {
	t.Parallel()
	attr := testenv.Namespaces(t, syscall.CLONE_NEWPID|syscall.CLONE_NEWNS)
	dir := dataDir(t)
	p := &process{output: new(buffer), done: make(chan struct{}),
		cmd: exec.Command("sh", "-c", `mount -t proc proc /proc && exec "$0" serve --data "$1" --listen 127.0.0.1:0`, sightlogd, dir)}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.SysProcAttr = p.output, p.output, attr
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.kill)
	_, database := endpoints(t, dir, p)
	first := p.cmd.Process.Pid
	for range 3 {
		server := awaitServer(t, p, database)
		require.NoError(t, syscall.Kill(server, syscall.SIGKILL))
		for awaitServer(t, p, database) == server {
		}
	}
	// Zombies are children of process 1 that nobody has waited for.
	require.Eventually(t, func() bool { return zombies(first) == 0 }, limit, 20*time.Millisecond, "zombies of %d", first)
	p.signal(syscall.SIGTERM)
	require.Zero(t, p.wait(t).code, p.output)
}

// awaitServer returns the server's process, when it serves.
func awaitServer(t *testing.T, p *process, database string) int {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		require.False(t, p.ended(), p.output)
		text, err := os.ReadFile(filepath.Join(databaseHome(t, database), "data", "postmaster.pid"))
		if err != nil || !strings.Contains(string(text), "ready") {
			continue
		}
		var inside int // its number in the namespace
		if _, err := fmt.Sscan(string(text), &inside); err != nil {
			continue
		}
		if pid := outside(p.cmd.Process.Pid, inside); pid != 0 {
			return pid
		}
	}
	t.Fatalf("no server\n%s", p.output)
	return 0
}

func databaseHome(t *testing.T, database string) string {
	t.Helper()
	_, rest, found := strings.Cut(database, "host=")
	require.True(t, found, database)
	run, _, _ := strings.Cut(rest, "&")
	return filepath.Dir(run)
}

// outside returns the number of a process of first's namespace as we know it, 0
// where it is gone.
func outside(first, inside int) int {
	space, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", first))
	if err != nil {
		return 0
	}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range all {
		if s, err := os.Readlink(proc + "/ns/pid"); err != nil || s != space {
			continue
		}
		status, _ := os.ReadFile(proc + "/status")
		_, rest, _ := strings.Cut(string(status), "NSpid:\t")
		line, _, _ := strings.Cut(rest, "\n")
		var pid, own int
		if n, err := fmt.Sscan(line, &pid, &own); n == 2 && err == nil && own == inside && !strings.Contains(string(status), "State:\tZ") {
			return pid
		}
	}
	return 0
}

// zombies counts the dead children of a process.
func zombies(parent int) (n int) {
	all, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, path := range all {
		status, _ := os.ReadFile(path)
		if strings.Contains(string(status), "State:\tZ") && strings.Contains(string(status), fmt.Sprintf("PPid:\t%d\n", parent)) {
			n++
		}
	}
	return n
}
