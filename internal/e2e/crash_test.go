package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/testenv"
)

// A run is killed five times at random moments, each time something else, and
// started again on the same data directory. In the end the topic and the
// tables hold each frame once, in one run, and all that other processes saw
// acknowledged on the way is there.
func TestRun_Killed_EachFrameOnce(t *testing.T) {
	t.Parallel()
	clip := testenv.Data(t, "video/vtest.avi")
	dir := dataDir(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	listen := testenv.FreeAddr(t)
	args := []string{"run", "--source", "street=" + clip, "--data", dir, "--pace", "fast", "--listen", listen}

	log := watchLog(t, listen)
	var url atomic.Pointer[string]
	tables := watchTables(t, &url)
	victims := []string{"parent", "child", "both", "postgres", "parent"}
	random.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
	for round, victim := range victims {
		p := start(t, sightlog, args...)
		_, database := endpoints(t, dir, p)
		url.Store(&database)
		tables.await(t, p, 60+130*round+random.IntN(60))
		letPass(p, time.Duration(random.IntN(100))*time.Millisecond)
		t.Logf("kill %s", victim)
		pids := []int{p.cmd.Process.Pid}
		switch victim {
		case "child":
			pids = children(pids[0])
		case "both":
			pids = append(pids, children(pids[0])...)
		case "postgres":
			pids = []int{postmaster(t, database)}
		}
		for _, pid := range pids {
			if pid > 1 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		if victim == "child" || victim == "postgres" {
			letPass(p, time.Duration(random.IntN(500))*time.Millisecond) // it goes on by itself
		}
		p.kill()
	}

	out := ok(t, sightlog, args...)
	t.Log(strings.TrimSpace(out))
	serve := start(t, sightlogd, "serve", "--data", dir, "--listen", listen)
	broker, _ := endpoints(t, dir, serve)

	var want []string
	topic := kcat(t, broker)
	for i := range vtestFrames {
		want = append(want, event.MakeEventID("street", topic[0].Run, int64(i)))
	}
	var inTopic []string
	for _, s := range topic {
		inTopic = append(inTopic, s.EventID)
	}
	require.Equal(t, want, inTopic, "the topic holds each frame once, in order, of one run")

	var inTables []string
	for _, r := range rows(t, []string{"--data", dir}, "select camera || '/' || run || '/' || seq as id from v_sightings order by seq") {
		inTables = append(inTables, r["id"].(string))
	}
	require.Equal(t, want, inTables)

	seen := log.stop()
	require.NotEmpty(t, seen, "the watcher of the log saw nothing")
	require.Subset(t, want, seen)
	seen = tables.stop()
	require.NotEmpty(t, seen, "the watcher of the tables saw nothing")
	require.Subset(t, want, seen)
	require.Zero(t, serve.stop(t).code, serve.output)
}

// letPass waits for a while, or until the process ends.
func letPass(p *process, d time.Duration) {
	select {
	case <-p.done:
	case <-time.After(d):
	}
}

// children returns the direct children of a process.
func children(pid int) (pids []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range tasks {
		b, _ := os.ReadFile(path)
		for f := range strings.FieldsSeq(string(b)) {
			child, err := strconv.Atoi(f)
			name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", child))
			if err == nil && strings.HasPrefix(string(name), "sightlog") {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// postmaster returns the process that owns the server's backends.
func postmaster(t testing.TB, database string) int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		return 0 // it is just coming back
	}
	defer conn.Close(t.Context())
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", conn.PgConn().PID()))
	require.NoError(t, err)
	for line := range strings.SplitSeq(string(b), "\n") {
		if v, found := strings.CutPrefix(line, "PPid:"); found {
			pid, err := strconv.Atoi(strings.TrimSpace(v))
			require.NoError(t, err)
			return pid
		}
	}
	t.Fatal("a process without a parent")
	return 0
}

// watcher records, beside the test, the ids that look finds.
type watcher struct {
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu   sync.Mutex // guards the following
	seen map[string]bool
}

func watch(t testing.TB, look func(context.Context) []string) *watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watcher{cancel: cancel, seen: make(map[string]bool)}
	w.done.Go(func() {
		for ctx.Err() == nil {
			ids := look(ctx)
			w.mu.Lock()
			for _, id := range ids {
				w.seen[id] = true
			}
			w.mu.Unlock()
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() { w.stop() })
	return w
}

// await waits until n ids were seen.
func (w *watcher) await(t testing.TB, p *process, n int) {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); letPass(p, 10*time.Millisecond) {
		w.mu.Lock()
		seen := len(w.seen)
		w.mu.Unlock()
		if seen >= n {
			return
		}
		if p.ended() {
			t.Fatalf("ended before %d sightings were seen\n%s", n, p.output)
		}
	}
	t.Fatalf("%d sightings were never seen\n%s", n, p.output)
}

func (w *watcher) stop() (ids []string) {
	w.cancel()
	w.done.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.seen))
}

// watchLog records what kcat, a process of its own, reads as committed.
func watchLog(t testing.TB, broker string) *watcher {
	t.Helper()
	program, err := exec.LookPath("kcat")
	if err != nil {
		testenv.Skip(t, "kcat is not installed")
	}
	return watch(t, func(ctx context.Context) (ids []string) {
		// What it printed before the broker was killed counts, too.
		out, _ := exec.CommandContext(ctx, program, "-b", broker, "-t", "sightings", "-C", "-e", "-q").Output()
		lines := strings.Split(string(out), "\n")
		for _, line := range lines[:len(lines)-1] { // the last may be cut
			if s, err := event.DecodeSighting([]byte(line)); err == nil {
				ids = append(ids, s.EventID)
			} else {
				t.Errorf("a sighting in the log: %v", err)
			}
		}
		return ids
	})
}

// watchTables records what another session sees in the tables.
func watchTables(t testing.TB, url *atomic.Pointer[string]) *watcher {
	t.Helper()
	return watch(t, func(ctx context.Context) []string {
		if url.Load() == nil {
			return nil
		}
		conn, err := pgx.Connect(ctx, *url.Load())
		if err != nil {
			return nil // killed; the next look finds it again
		}
		defer conn.Close(context.WithoutCancel(ctx))
		r, err := conn.Query(ctx, "select camera || '/' || run || '/' || seq from v_sightings")
		if err != nil {
			return nil
		}
		ids, err := pgx.CollectRows(r, pgx.RowTo[string])
		if err != nil {
			return nil
		}
		return ids
	})
}
