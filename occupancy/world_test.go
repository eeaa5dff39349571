package occupancy_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/occupancy"
)

// TestMain is also the process that tests kill and stop (world.process).
func TestMain(m *testing.M) {
	if brokers := os.Getenv("SIGHTLOG_TEST_OCCUPANCY_BROKERS"); brokers != "" {
		cfg := impatient(kafka.Config{Brokers: []string{brokers}})
		cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
		cfg.Idle, _ = time.ParseDuration(os.Getenv("SIGHTLOG_TEST_OCCUPANCY_IDLE"))
		p, err := occupancy.New(cfg)
		if err == nil {
			err = p.Run(context.Background())
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m,
		// The tests' PostgreSQL outlives them.
		goleak.IgnoreAnyFunction("github.com/sightlog/sightlog/postgres.(*Private).launch.func1"),
		// A client's Close leaves its group anew though it was left before,
		// and does not wait for that.
		goleak.IgnoreAnyFunction("github.com/twmb/franz-go/pkg/kgo.(*Client).LeaveGroupContext.func1"))
}

// impatient is a configuration whose waits are short and whose transactions are small.
func impatient(log kafka.Config) occupancy.Config {
	return occupancy.Config{
		Kafka: log, Grace: 2 * time.Second, Idle: time.Hour, Interval: time.Millisecond, MaxRecords: 20,
		SessionTimeout: 500 * time.Millisecond, TransactionTimeout: 2 * time.Second,
	}
}

// world is a log with a client to use it with.
type world struct {
	testing.TB
	broker *brokertest.Broker
	log    kafka.Config
	cl     *kgo.Client
}

func newWorld(t testing.TB) *world {
	t.Helper()
	b := brokertest.Start(t, func(c *broker.Config) { c.GroupMinSession = 100 * time.Millisecond })
	return newWorldOn(t, b, b.Addr())
}

func newWorldOn(t testing.TB, b *brokertest.Broker, addrs ...string) *world {
	t.Helper()
	w := &world{TB: t, broker: b, log: kafka.Config{Brokers: addrs}}
	var err error
	w.cl, err = w.log.Client(kgo.ProducerLinger(0), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	require.NoError(t, err)
	t.Cleanup(w.cl.Close)
	setUp, err := w.log.Client()
	require.NoError(t, err)
	defer setUp.Close()
	require.NoError(t, kafka.EnsureTopics(t.Context(), setUp, 4))
	return w
}

// start runs a processor until the returned function is called, or the test ends.
func (w *world) start(change ...func(*occupancy.Config)) (stop func()) {
	w.Helper()
	_, stop = w.processor(change...)
	return stop
}

func (w *world) processor(change ...func(*occupancy.Config)) (p *occupancy.Processor, stop func()) {
	w.Helper()
	cfg := impatient(w.log)
	cfg.Log = slog.New(slog.NewTextHandler(w.Output(), nil))
	for _, f := range change {
		f(&cfg)
	}
	p, err := occupancy.New(cfg)
	require.NoError(w, err)
	return p, testenv.Run(w, p.Run)
}

func idle(d time.Duration) func(*occupancy.Config) {
	return func(c *occupancy.Config) { c.Idle = d }
}

func sized(window, every time.Duration) func(*occupancy.Config) {
	return func(c *occupancy.Config) { c.Window, c.Every = window, every }
}

// origin is the time of the tests' first frames: a minute begins.
var origin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// frame is the n-th of a run: 350 ms after the one before, with n % 4 people, of whom
// the first is in the zone door and all are in the zone yard.
func frame(camera, run string, n int) *event.Sighting {
	s := &event.Sighting{
		Camera: camera, Run: run, Seq: int64(n), SourceKind: event.SourceFile, PTS: int64(n) * 350_000,
		CapturedAt: event.At(origin.Add(time.Duration(n) * 350 * time.Millisecond)), Frame: event.Size{Width: 768, Height: 576},
		DroppedBefore: int64(n % 3), Model: event.Model{Name: "m"},
	}
	for i := range n % 4 {
		o := event.Object{Index: i, Label: event.Person, Score: .5, Box: event.Box{1, 2, 3, 4}, Zones: []string{"yard"}}
		if i == 0 {
			o.Zones = append(o.Zones, "door")
		}
		s.Objects = append(s.Objects, o)
	}
	s.Objects = append(s.Objects, event.Object{Index: len(s.Objects), Label: "dog", Score: .4, Box: event.Box{1, 2, 3, 4}, Zones: []string{"yard"}})
	return s
}

// frames are those from to to-1 of a run of each camera.
func frames(from, to int, cameras ...string) (all []*event.Sighting) {
	for n := from; n < to; n++ {
		for _, camera := range cameras {
			all = append(all, frame(camera, "run-of-"+camera, n))
		}
	}
	return all
}

func (w *world) record(s *event.Sighting) *kgo.Record {
	w.Helper()
	b, err := s.Encode()
	require.NoError(w, err)
	return &kgo.Record{Topic: kafka.Sightings, Key: []byte(s.Camera), Value: b}
}

func (w *world) produce(all ...*event.Sighting) {
	w.Helper()
	recs := make([]*kgo.Record, len(all))
	for i, s := range all {
		recs[i] = w.record(s)
	}
	require.NoError(w, w.cl.ProduceSync(w.Context(), recs...).FirstErr())
}

// output returns the committed records of the topic, sorted by event id.
func (w *world) output() (all []event.Occupancy) {
	w.Helper()
	partitions := []int32{0, 1, 2, 3, 4, 5, 6, 7}
	_ = kafka.ReadPartitions(w.Context(), w.log, occupancy.Topic, partitions, func(r *kgo.Record) error { // the topic may not be there yet
		o, err := event.DecodeOccupancy(r.Value)
		require.NoError(w, err)
		require.Equal(w, o.Camera, string(r.Key))
		require.Equal(w, event.HeaderSchema, r.Headers[0].Key)
		require.Equal(w, event.SchemaOccupancy, string(r.Headers[0].Value))
		all = append(all, *o)
		return nil
	})
	slices.SortFunc(all, func(a, b event.Occupancy) int { return cmp.Compare(a.EventID, b.EventID) })
	return all
}

const limit = 2 * time.Minute

// await waits until ok. The limit is only there to name what a hang waited for.
func (w *world) await(what string, ok func() bool) {
	w.Helper()
	stop := time.After(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-stop:
			require.FailNow(w, "waited in vain for "+what)
		}
	}
}

// exactly waits until the topic has as many records as wanted and compares them.
func (w *world) exactly(want []event.Occupancy) {
	w.Helper()
	var got []event.Occupancy
	w.await(fmt.Sprint(len(want), " records"), func() bool { got = w.output(); return len(got) >= len(want) })
	require.Equal(w, want, got)
}

// reference computes the records of frames, none of which is late, in the simplest way:
// each frame is added to each of its windows.
func reference(window, every time.Duration, all ...*event.Sighting) []event.Occupancy {
	type key struct {
		camera, run, zone string
		start             time.Time
	}
	records := make(map[key]*event.Occupancy)
	seconds := make(map[key]map[int64]bool)
	inWindow := make(map[key][]*event.Sighting)
	for _, s := range all {
		first := time.Unix(0, 0).UTC()
		first = first.Add(s.CapturedAt.Sub(first) / every * every)
		for start := first; start.Add(window).After(s.CapturedAt.Time); start = start.Add(-every) {
			zones := map[string]int64{"": int64(event.People(s.Objects))}
			for _, o := range s.Objects {
				for _, zone := range o.Zones {
					if o.Label == event.Person {
						zones[zone]++
					}
				}
			}
			picture := key{s.Camera, s.Run, "", start}
			inWindow[picture] = append(inWindow[picture], s)
			if seconds[picture] == nil {
				seconds[picture] = make(map[int64]bool)
			}
			seconds[picture][s.CapturedAt.Unix()] = true
			for zone, people := range zones {
				k := key{s.Camera, s.Run, zone, start}
				if records[k] == nil {
					records[k] = &event.Occupancy{Camera: k.camera, Run: k.run, Zone: zone, WindowStart: event.At(start), WindowEnd: event.At(start.Add(window))}
				}
				r := records[k]
				r.People += people
				r.MaxPeople = max(r.MaxPeople, people)
				if people > 0 {
					r.PeopleFrames++
				}
			}
		}
	}
	var list []event.Occupancy
	for _, k := range slices.Collect(maps.Keys(records)) {
		r, picture := records[k], key{k.camera, k.run, "", k.start}
		r.Frames, r.Seconds = int64(len(inWindow[picture])), int64(len(seconds[picture]))
		for _, s := range inWindow[picture] {
			r.Dropped += s.DroppedBefore
		}
		if _, err := r.Encode(); err != nil { // fills in the id and the average
			panic(err)
		}
		list = append(list, *r)
	}
	slices.SortFunc(list, func(a, b event.Occupancy) int { return cmp.Compare(a.EventID, b.EventID) })
	return list
}
