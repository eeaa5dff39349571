// Package e2e runs the built programs as a person would: on real video, with
// a real PostgreSQL, over real TCP.
package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// sightlog and sightlogd are the programs under test, built by TestMain.
var sightlog, sightlogd string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sightlog-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // the database's user passes through
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	sightlog, sightlogd = filepath.Join(dir, "sightlog"), filepath.Join(dir, "sightlogd")
	for path, cgo := range map[string]string{sightlog: "CGO_ENABLED=1", sightlogd: "CGO_ENABLED=0"} {
		build := exec.Command("go", "build", "-trimpath", "-o", path, "./cmd/"+filepath.Base(path))
		build.Dir, build.Env = testenv.Root(), append(os.Environ(), cgo)
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", path, err, out)
			return 1
		}
	}
	if os.Getenv("SIGHTLOG_MODELS") == "" {
		os.Setenv("SIGHTLOG_MODELS", filepath.Join(testenv.DataDir(), "models"))
	}
	// Which model is faster depends on the machine, and figures here on the model.
	os.Setenv("SIGHTLOG_MODEL", "person-nano")
	return m.Run()
}

// limit ends a program that hangs, so that a broken build fails and does not
// stand still.
const limit = 3 * time.Minute

// result is how a program ended.
type result struct {
	code           int
	stdout, stderr string
}

// do runs a program to its end.
func do(t testing.TB, program string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	require.NoError(t, ctx.Err(), "%s %v hangs\n%s%s", filepath.Base(program), args, &stdout, &stderr)
	if _, exited := errors.AsType[*exec.ExitError](err); !exited {
		require.NoError(t, err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// ok runs a program that must succeed and returns its output.
func ok(t testing.TB, program string, args ...string) string {
	t.Helper()
	r := do(t, program, args...)
	require.Zero(t, r.code, "%s %v\n%s%s", filepath.Base(program), args, r.stdout, r.stderr)
	return r.stdout
}

// buffer collects what a running program prints.
type buffer struct {
	mu sync.Mutex // guards the following
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// process is a program that runs beside the test.
type process struct {
	cmd    *exec.Cmd
	output *buffer
	done   chan struct{} // closed when it has ended
}

func start(t testing.TB, program string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(program, args...), output: new(buffer), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.WaitDelay = 5 * time.Second // a child that outlives it holds the output
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() { p.kill() })
	return p
}

func (p *process) signal(s os.Signal) { _ = p.cmd.Process.Signal(s) }

// kill ends the program at once, as a power cut would.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// stop asks the program to end and returns how it did.
func (p *process) stop(t testing.TB) result {
	t.Helper()
	p.signal(os.Interrupt)
	return p.wait(t)
}

func (p *process) wait(t testing.TB) result {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		p.kill()
		t.Fatalf("%s does not end\n%s", p.cmd.Path, p.output)
	}
	return result{code: p.cmd.ProcessState.ExitCode(), stdout: p.output.String()}
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// endpoints waits until the data directory is served and returns where.
func endpoints(t testing.TB, dir string, p *process) (broker, database string) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for time.Now().Before(deadline) {
		r := do(t, sightlogd, "url", "--data", dir)
		if r.code == 0 {
			for line := range strings.SplitSeq(r.stdout, "\n") {
				if v, found := strings.CutPrefix(line, "broker="); found {
					broker = v
				}
				if v, found := strings.CutPrefix(line, "database="); found {
					database = v
				}
			}
			return broker, database
		}
		if p.ended() {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("nothing serves %s\n%s", dir, p.output)
	return "", ""
}

// databaseURL returns the address of a database of the test's own.
func databaseURL(t testing.TB) string {
	t.Helper()
	return pgtest.URL(t)
}

// dataDir returns the path of a data directory that does not exist yet and
// that the database's user can reach.
func dataDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(filepath.Dir(sightlog), "data-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	return filepath.Join(dir, "d")
}

// rows asks the tables of a data directory or a database.
func rows(t testing.TB, from []string, sql string) []map[string]any {
	t.Helper()
	args := append([]string{"query", "sql", "--format", "json"}, from...)
	var out []map[string]any
	require.NoError(t, json.Unmarshal([]byte(ok(t, sightlogd, append(args, sql)...)), &out))
	return out
}

// number asks for one number.
func number(t testing.TB, from []string, sql string) int {
	t.Helper()
	r := rows(t, from, sql)
	require.Len(t, r, 1)
	for _, v := range r[0] {
		n, err := strconv.ParseFloat(fmt.Sprint(v), 64)
		require.NoError(t, err)
		return int(n)
	}
	t.Fatal("no column")
	return 0
}
