package occupancy_test

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/occupancy"
	"github.com/sightlog/sightlog/sink"
	"github.com/sightlog/sightlog/usage"
)

// minuteRow is a row of v_minutes or v_zone_minutes.
type minuteRow struct {
	Minute                          time.Time
	Camera, Run, Zone               string
	Frames, PeopleFrames, MaxPeople int64
	AvgPeople                       string
	Seconds, Dropped                int64
}

func sortRows(rows []minuteRow) {
	slices.SortFunc(rows, func(a, b minuteRow) int {
		return cmp.Or(a.Minute.Compare(b.Minute), cmp.Compare(a.Camera, b.Camera), cmp.Compare(a.Run, b.Run), cmp.Compare(a.Zone, b.Zone))
	})
}

// The sink and the processor read one log, with what both pass over, out-of-order frames
// and a second copy of some; each record of a minute is a row of a view.
func TestProcessor_MinutesOfALog_EqualTheViews(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pool := pgtest.Open(t)
	var recs []*kgo.Record
	for camera, run := range map[string]string{"porch": "r1", "yard": "r1", "gate": "r2"} {
		for from := 0; from < 400; from += 4 {
			group := make([]*kgo.Record, 4)
			for i := range group {
				s := frame(camera, run, from+i)
				s.CapturedAt = event.At(s.CapturedAt.Add(rand.N(300 * time.Millisecond)))
				if from+i == 100 { // people of another spelling, and a zone twice
					s.Objects = []event.Object{{Label: " Person", Box: event.Box{1, 2, 3, 4}, Zones: []string{"yard", "yard"}}}
				}
				group[i] = w.record(s)
			}
			rand.Shuffle(len(group), func(i, j int) { group[i], group[j] = group[j], group[i] })
			recs = append(recs, append(group, &kgo.Record{Topic: kafka.Sightings, Key: group[0].Key, Value: group[0].Value})...)
		}
	}
	recs = append(recs,
		&kgo.Record{Topic: kafka.Sightings, Key: []byte("porch"), Value: []byte("{")},
		&kgo.Record{Topic: kafka.Sightings, Key: []byte("yard"), Value: w.record(frame("porch", "r1", 9000)).Value})
	require.NoError(t, w.cl.ProduceSync(t.Context(), recs...).FirstErr())

	s, err := sink.New(sink.Config{Kafka: w.log, Pool: pool})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	w.await("the sink", func() bool {
		lag, err := sink.CaughtUp(t.Context(), w.cl, pool, kafka.Topics()...)
		return err == nil && lag == 0
	})
	cancel()
	require.NoError(t, <-done)
	rows, err := pool.Query(t.Context(), `
SELECT minute, camera, run, '' AS zone, frames::bigint, people_frames::bigint, max_people::bigint, avg_people::text, seconds::bigint, dropped FROM v_minutes
UNION ALL
SELECT z.minute, z.camera, z.run, z.zone, z.frames, z.people_frames, z.max_people, z.avg_people::text, z.seconds, m.dropped
FROM v_zone_minutes z JOIN v_minutes m USING (minute, camera, run)`)
	require.NoError(t, err)
	want, err := pgx.CollectRows(rows, pgx.RowToStructByPos[minuteRow])
	require.NoError(t, err)
	for i := range want {
		want[i].Minute = want[i].Minute.UTC()
	}

	reg := prometheus.NewRegistry()
	w.start(idle(200*time.Millisecond), func(c *occupancy.Config) { c.MaxRecords, c.Metrics = 1000, reg })
	var got []minuteRow
	w.await("the records", func() bool { return len(w.output()) >= len(want) })
	for _, o := range w.output() {
		require.Equal(t, time.Minute, o.WindowEnd.Sub(o.WindowStart.Time))
		require.Zero(t, o.Late)
		var avg string
		require.NoError(t, pool.QueryRow(t.Context(), "SELECT round($1::numeric, 2)::text", o.AvgPeople).Scan(&avg))
		got = append(got, minuteRow{o.WindowStart.Time, o.Camera, o.Run, o.Zone, o.Frames, o.PeopleFrames, o.MaxPeople, avg, o.Seconds, o.Dropped})
	}
	sortRows(want)
	sortRows(got)
	require.NotEmpty(t, want)
	require.Equal(t, want, got)
	for reason, n := range map[string]float64{"invalid": 1, "key": 1} {
		require.Equal(t, n, metric(t, reg, "sightlog_occupancy_skipped_total", reason), reason)
	}
	require.Equal(t, 300., metric(t, reg, "sightlog_occupancy_frames_total", "repeated"))
}

func TestProcessor_TopicHasOtherWindows_OneLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.start()
	w.produce(frames(0, 10, "porch")...)
	w.await("the state", func() bool { return w.processed() >= 10 })
	stop()
	cfg := impatient(w.log)
	cfg.Window = time.Hour
	p, err := occupancy.New(cfg)
	require.NoError(t, err)
	err = p.Run(t.Context())
	require.True(t, usage.Is(err), err)
	require.ErrorContains(t, err, "topic occupancy has windows of 1m0s every 1m0s")

	// Another topic has a computation of its own.
	cfg.Topic, cfg.Idle = "occupancy.hourly", 100*time.Millisecond
	w.start(func(c *occupancy.Config) { *c = cfg })
	w.await("its record", func() bool {
		n := 0
		_ = kafka.ReadPartitions(t.Context(), w.log, cfg.Topic, []int32{0, 1, 2, 3}, func(*kgo.Record) error { n++; return nil }) // it may not be there yet
		return n >= 3
	})
}

// On Apache Kafka, with instances that come, go and are killed.
func TestKafka_InstancesComeAndAreKilled_EachWindowOnce(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t, 1, "group.min.session.timeout.ms=100", "transaction.abort.timed.out.transaction.cleanup.interval.ms=500")
	w := newWorldOn(t, nil, strings.Split(c.Addrs(), ",")...)
	var all []*event.Sighting
	for life := range 2 {
		child, stop := w.process(time.Hour), w.start()
		part := frames(life*60, (life+1)*60, "porch", "yard", "gate", "hall")
		all = append(all, part...)
		w.produce(part[:120]...)
		w.await("some transactions", func() bool { return w.processed() >= int64(len(all)-len(part)+rand.IntN(100)) })
		kill(child)
		w.produce(part[120:]...)
		w.await("the others", func() bool { return w.processed() >= int64(len(all)) })
		stop()
	}
	w.start(idle(200 * time.Millisecond))
	w.exactly(reference(time.Minute, time.Minute, all...))
}
