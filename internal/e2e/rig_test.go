package e2e_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/sink"
)

// rig is the services as processes of their own, and what can happen to them.
type rig struct {
	*testing.T
	url    string // of the database
	super  string // of its superuser
	disk   string // where the broker's directory is
	full   bool   // disk is a small one of its own, which can be filled
	listen string // the broker's; with brokers of others, theirs, comma-separated
	source []string

	broker, detect *process // broker is nil with brokers of others
	sinks          [3]*process

	copies string          // a copy of the broker's directory, "" without one
	dump   string          // of the database, "" without one
	seen   map[string]bool // sightings that the topic has held
	lost   map[string]bool // those that it may have lost with a log that was replaced
}

// newRig starts the services with a broker of ours.
func newRig(t *testing.T, source ...string) *rig {
	t.Helper()
	r := newTables(t, source...)
	r.disk, r.full = smallDisk(t)
	r.startBroker(r.listen)
	r.startAll()
	return r
}

// newTables starts the database alone.
func newTables(t *testing.T, source ...string) *rig {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	private, err := postgres.StartPrivate(ctx, pgtest.Dir(t), nil)
	require.NoError(t, err)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		_ = private.Supervise(ctx) // starts it again when it was killed
	}()
	t.Cleanup(func() {
		cancel()
		<-kept
		_ = private.Stop(context.Background())
	})
	r := &rig{
		T: t, url: private.URL(), super: private.SuperURL(), listen: testenv.FreeAddr(t), source: source,
		seen: make(map[string]bool), lost: make(map[string]bool),
	}
	return r
}

// startAll starts detect and the sinks.
func (r *rig) startAll() {
	r.Helper()
	r.startDetect("as-recorded")
	for i := range r.sinks {
		r.startSink(i)
	}
}

// smallDisk returns a directory on a file system of 512 MiB, as root; elsewhere
// an ordinary one.
func smallDisk(t *testing.T) (dir string, small bool) {
	t.Helper()
	if os.Geteuid() != 0 {
		testenv.Without(t, "root, who alone mounts a small file system: the disk is not filled")
		return t.TempDir(), false
	}
	return diskOf(t, 512), true
}

func (r *rig) data() string { return filepath.Join(r.disk, "broker") }

func (r *rig) startBroker(listen string) {
	r.Helper()
	r.broker = start(r, sightlogd, "broker", "--listen", listen, "--data", r.data())
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", listen); err == nil {
			_ = conn.Close()
			return
		}
		require.False(r, r.broker.ended(), "the broker does not start\n%s", r.broker.output)
	}
	require.FailNow(r, "the broker does not start", "%s", r.broker.output)
}

func (r *rig) startDetect(pace string) {
	r.Helper()
	args := []string{"detect", "--brokers", r.listen, "--wait", "--pace", pace}
	for _, s := range r.source {
		args = append(args, "--source", s)
	}
	r.detect = start(r, sightlog, args...)
}

func (r *rig) startSink(i int, more ...string) {
	r.Helper()
	r.sinks[i] = start(r, sightlogd, append([]string{"sink", "--brokers", r.listen, "--database-url", r.url, "--wait", "--sinks", "1"}, more...)...)
}

// letPass lets a while pass and starts detect again if it has ended, as a
// service manager would. What else has ended has failed.
func (r *rig) letPass(d time.Duration) {
	r.Helper()
	time.Sleep(d)
	if r.detect.ended() {
		r.Logf("detect ended with %d: %s", r.detect.cmd.ProcessState.ExitCode(), lastLines(r.detect, 2))
		r.startDetect("as-recorded")
	}
	for name, p := range map[string]*process{"broker": r.broker, "sink 0": r.sinks[0], "sink 1": r.sinks[1], "sink 2": r.sinks[2]} {
		if p != nil {
			require.False(r, p.ended(), "%s ended by itself\n%s", name, p.output)
		}
	}
}

func lastLines(p *process, n int) string {
	lines := strings.Split(strings.TrimSpace(p.output.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], " | ")
}

// topic returns the ids of the sightings at an address, in the topic's order.
func (r *rig) topic(listen string) (ids []string) {
	r.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(listen, ",")...), kgo.ConsumeTopics(kafka.Sightings), kgo.KeepControlRecords(),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(r, err)
	defer cl.Close()
	r.each(cl, func(rec *kgo.Record) {
		s, err := event.DecodeSighting(rec.Value)
		require.NoError(r, err)
		ids = append(ids, s.EventID)
	})
	return ids
}

// each calls f with every record of the sightings, up to where they end now.
func (r *rig) each(cl *kgo.Client, f func(*kgo.Record)) {
	r.Helper()
	left := r.ends(cl)
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		require.NoError(r, ctx.Err())
		fetches.EachRecord(func(rec *kgo.Record) {
			if end, reading := left[rec.Partition]; !reading || rec.Offset >= end {
				return
			}
			if !rec.Attrs.IsControl() {
				f(rec)
			}
			if rec.Offset+1 >= left[rec.Partition] {
				delete(left, rec.Partition)
			}
		})
	}
}

// note remembers what the topic holds, and so has acknowledged.
func (r *rig) note() {
	r.Helper()
	for _, id := range r.topic(r.listen) {
		r.seen[id] = true
	}
}

// tables returns how often each sighting is in the tables.
func (r *rig) tables() map[string]int {
	r.Helper()
	n := make(map[string]int)
	r.sql(r.url, func(conn *pgx.Conn) error {
		rows, err := conn.Query(r.Context(), "SELECT camera || '/' || run || '/' || seq FROM v_sightings")
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, id := range ids {
			n[id]++
		}
		return err
	})
	return n
}

// sql runs f on a connection, again until the database is there.
func (r *rig) sql(url string, f func(*pgx.Conn) error) {
	r.Helper()
	var err error
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var conn *pgx.Conn
		if conn, err = pgx.Connect(r.Context(), url); err != nil {
			continue
		}
		err = f(conn)
		_ = conn.Close(r.Context())
		if err == nil {
			return
		}
	}
	require.NoError(r, err)
}

// finish lets the sources end, waits until the tables hold the log, and compares
// the two.
func (r *rig) finish() {
	r.Helper()
	r.detect.kill()
	for r.startDetect("fast"); ; r.startDetect("fast") {
		if r.detect.wait(r).code == 0 {
			break
		}
		r.Logf("detect ended with %d: %s", r.detect.cmd.ProcessState.ExitCode(), lastLines(r.detect, 2))
	}
	r.settle()
}

// settle waits until the tables hold the log, and compares the two.
func (r *rig) settle() {
	r.Helper()
	pool := pgtest.Pool(r, r.url)
	cl, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(r.listen, ",")...))
	require.NoError(r, err)
	defer cl.Close()
	var lag int64
	for deadline := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		if lag, err = sink.CaughtUp(r.Context(), cl, pool, kafka.Topics()...); err == nil && lag == 0 {
			break
		}
		if time.Now().After(deadline) {
			for i, p := range r.sinks {
				r.Logf("sink %d:\n%s", i, lastLines(p, 20))
			}
			require.FailNow(r, "the tables do not catch up", "lag %d, %v", lag, err)
		}
	}
	r.compare(r.topic(r.listen), r.tables())
	pgtest.TotalsAgree(r, pool)
}

func (r *rig) compare(topic []string, tables map[string]int) {
	r.Helper()
	held := make(map[string]int)
	for _, id := range topic {
		held[id]++
		require.Equal(r, 1, held[id], "the topic holds %s twice", id)
		require.Equal(r, 1, tables[id], "the tables hold %s", id)
	}
	for id, n := range tables {
		require.Equal(r, 1, n, "the tables hold %s", id)
		require.True(r, held[id] == 1 || r.lost[id], "the tables hold %s, the topic never did", id)
	}
	for id := range r.seen {
		require.True(r, held[id] == 1 || r.lost[id], "the topic held %s, and no longer does", id)
	}
	r.Logf("%d sightings in the topic, %d in the tables, %d in logs that were replaced", len(held), len(tables), len(r.lost))
	require.NotEmpty(r, held)
}

// program returns the path of one of PostgreSQL's.
func (r *rig) program(name string) string {
	r.Helper()
	dir, _, err := postgres.Installed(r.Context())
	require.NoError(r, err)
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		testenv.Skip(r, name+" is not installed")
	}
	return path
}

func (r *rig) must(name string, args ...string) {
	r.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(r, err, "%s %v: %s", filepath.Base(name), args, out)
}

// restart ends a process with SIGKILL and starts it with f.
func restart(p *process, f func()) {
	p.kill()
	f()
}

func (r *rig) freeze(p *process, d time.Duration) {
	p.signal(syscall.SIGSTOP)
	r.letPass(d)
	p.signal(syscall.SIGCONT)
}
