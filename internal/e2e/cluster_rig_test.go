package e2e_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
)

// clusterRig is detect and three sinks on three nodes of Apache Kafka, and what can happen to those.
type clusterRig struct {
	*rig
	*kafkatest.Cluster
	cameras []string
	watched *pauses
}

func newClusterRig(t *testing.T, c *kafkatest.Cluster, source ...string) *clusterRig {
	t.Helper()
	r := &clusterRig{rig: newTables(t, source...), Cluster: c}
	r.listen = c.Addrs()
	for _, s := range source {
		name, _, _ := strings.Cut(s, "=")
		r.cameras = append(r.cameras, name)
	}
	r.startAll()
	r.watched = watchPauses(t, r.url)
	r.progress()
	return r
}

// step does something to the cluster, waits until rows of every camera come again, and logs for
// how long none came.
func (r *clusterRig) step(what string, do func()) {
	r.Helper()
	r.watched.reset()
	do()
	r.progress()
	r.Logf("%s; the longest time without a row: %s", what, r.watched)
	require.False(r, r.detect.ended(), r.detect.output)
}

// progress waits until ten more rows of every camera have come.
func (r *clusterRig) progress() {
	r.Helper()
	before := r.watched.counts()
	for deadline := time.Now().Add(limit); ; r.letPass(20 * time.Millisecond) {
		now, ahead := r.watched.counts(), 0
		for _, camera := range r.cameras {
			if now[camera] >= before[camera]+10 {
				ahead++
			}
		}
		if ahead == len(r.cameras) {
			return
		}
		require.True(r, time.Now().Before(deadline), "no rows come of some of %v: %v, then %v\n%s", r.cameras, before, now, r.detect.output)
	}
}

// inSync waits until every replica of what the pipeline needs has caught up.
func (r *clusterRig) inSync() {
	r.Helper()
	r.AwaitInSync(kafka.Sightings, kafka.Runs, "__consumer_offsets", "__transaction_state")
}

// kill kills the node that leads a camera's partition of the sightings, and starts it again when rows
// have come without it.
func (r *clusterRig) killLeader(camera string) {
	r.Helper()
	node := r.leader(camera)
	r.step(fmt.Sprintf("node %d, the leader of %s, is killed", node+1, camera), func() { r.Kill(node) })
	r.step(fmt.Sprintf("node %d is started again", node+1), func() {
		r.StartNode(node)
		r.inSync()
	})
}

func (r *clusterRig) leader(camera string) int {
	r.Helper()
	return r.Leader(kafka.Sightings, kafka.Partition([]byte(camera), 8))
}

// finish stops detect, and compares the log with the tables: each frame once, in order, none missing.
func (r *clusterRig) finish() {
	r.Helper()
	require.Zero(r, r.detect.stop(r).code, r.detect.output)
	r.settle()
	next := map[string]int64{} // the sequence number that follows, by run
	frames := map[string]int{}
	for _, s := range r.sightings() {
		run := s.Camera + "/" + s.Run
		require.Equal(r, next[run], s.Seq-s.DroppedBefore, "%s: frames come in order, and all that are missing are counted as dropped", run)
		next[run] = s.Seq + 1
		frames[s.Camera]++
	}
	require.Len(r, next, len(r.cameras), "a camera's run went on through all of it: %v", next)
	r.Logf("rows: %v", frames)
}

// sightings returns those of the log, each camera's in its order.
func (r *clusterRig) sightings() (all []*event.Sighting) {
	r.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(r.listen, ",")...), kgo.ConsumeTopics(kafka.Sightings), kgo.KeepControlRecords(),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(r, err)
	defer cl.Close()
	r.each(cl, func(rec *kgo.Record) {
		s, err := event.DecodeSighting(rec.Value)
		require.NoError(r, err)
		all = append(all, s)
	})
	return all
}

// pauses watches how long no row of a camera comes.
type pauses struct {
	mu      sync.Mutex // guards the following
	rows    map[string]int
	last    map[string]time.Time
	longest map[string]time.Duration
}

func watchPauses(t testing.TB, url string) *pauses {
	t.Helper()
	p := &pauses{rows: map[string]int{}}
	p.reset()
	pool := pgtest.Pool(t, url)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if p.look(ctx, pool) != nil { // the sinks have not made the tables yet
				select {
				case <-ctx.Done():
				case <-time.After(20 * time.Millisecond):
				}
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return p
}

func (p *pauses) look(ctx context.Context, pool *pgxpool.Pool) error {
	rows, err := pool.Query(ctx, "SELECT c.name, count(*) FROM sightings s JOIN cameras c ON c.id = s.camera_id GROUP BY 1")
	if err != nil {
		return err
	}
	defer rows.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for rows.Next() {
		var camera string
		var n int
		if err := rows.Scan(&camera, &n); err != nil {
			return err
		}
		if p.rows[camera] != n {
			now := time.Now()
			p.longest[camera] = max(p.longest[camera], now.Sub(cmp.Or(p.last[camera], now)))
			p.rows[camera], p.last[camera] = n, now
		}
	}
	return rows.Err()
}

func (p *pauses) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.longest = map[string]time.Time{}, map[string]time.Duration{}
	for camera := range p.rows {
		p.last[camera] = time.Now()
	}
}

func (p *pauses) counts() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.rows)
}

func (p *pauses) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, camera := range slices.Sorted(maps.Keys(p.longest)) {
		all = append(all, fmt.Sprintf("%s %.1f s", camera, p.longest[camera].Seconds()))
	}
	return strings.Join(all, ", ")
}
