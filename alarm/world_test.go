package alarm_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/alarm"
	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

// world is a log and a database, with sinks that have rules.
type world struct {
	testing.TB
	stream kafka.Config
	pool   *pgxpool.Pool
	cl     *kgo.Client
	seq    int64
	state  string // of the people that see produces
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, pool: pgtest.Open(t), stream: kafka.Config{Brokers: []string{brokertest.Start(t).Addr()}}}
	var err error
	w.cl, err = w.stream.Client(kgo.ProducerLinger(0))
	require.NoError(t, err)
	t.Cleanup(w.cl.Close)
	require.NoError(t, kafka.EnsureTopics(t.Context(), w.cl, 4))
	return w
}

// hook receives the alarms of the tests' rules.
var hook = rule.Receiver{Name: "hook", Kind: rule.Webhook, Ends: true, GiveUp: time.Hour}

func (w *world) rules(texts map[string]string, change ...func(*rule.Rule)) *alarm.Rules {
	w.Helper()
	return w.registered(nil, texts, change...)
}

func (w *world) registered(metrics prometheus.Registerer, texts map[string]string, change ...func(*rule.Rule)) *alarm.Rules {
	w.Helper()
	return w.made(alarm.Config{
		Receivers: []rule.Receiver{hook}, Metrics: metrics, Places: map[string][]string{"hall": {"door/step", "gate/bar"}},
	}, texts, change...)
}

func (w *world) made(cfg alarm.Config, texts map[string]string, change ...func(*rule.Rule)) *alarm.Rules {
	w.Helper()
	for name, text := range texts {
		r, err := rule.Parse(text)
		require.NoError(w, err)
		require.NoError(w, r.Resolve(rule.Known{Places: []string{"hall"}}))
		r.Name = name
		for _, f := range change {
			f(&r)
		}
		cfg.Rules = append(cfg.Rules, r)
	}
	return alarm.New(cfg)
}

// start runs a sink until stop is called.
func (w *world) start(rules *alarm.Rules, change ...func(*sink.Config)) (stop func()) {
	w.Helper()
	cfg := sink.Config{Kafka: w.stream, Pool: w.pool, Log: slog.New(slog.NewTextHandler(w.Output(), nil))}
	if rules != nil {
		cfg.Watcher = rules
	}
	for _, f := range change {
		f(&cfg)
	}
	s, err := sink.New(cfg)
	require.NoError(w, err)
	return testenv.Run(w, s.Run)
}

func (w *world) await(what string, ok func() bool) {
	w.Helper()
	testenv.Await(w, what, ok)
}

func (w *world) drain() {
	w.Helper()
	w.await("the sink to catch up", func() bool {
		lag, err := sink.CaughtUp(w.Context(), w.cl, w.pool, kafka.Topics()...)
		return err == nil && lag == 0
	})
}

var origin = time.Now().UTC().Truncate(time.Second)

// see produces sightings of a camera, one for each count of people in zone mat, 500 ms apart.
func (w *world) see(camera string, from time.Duration, people ...int) {
	w.Helper()
	var recs []*kgo.Record
	for i, n := range people {
		at := event.At(origin.Add(from + time.Duration(i)*500*time.Millisecond))
		w.seq++
		s := &event.Sighting{
			Camera: camera, Run: "run-of-" + camera, Seq: w.seq, SourceKind: event.SourceStream, CapturedAt: at, GrabbedAt: at,
			Frame: event.Size{Width: 768, Height: 576}, Model: event.Model{Name: "m", SHA256: "abc", Input: [2]int{416, 320}, Provider: "cpu"},
		}
		for k := range n {
			id := int64(k + 1)
			s.Objects = append(s.Objects, event.Object{
				Index: k, Label: "person", Score: 0.9, Box: event.Box{10, 20, 15, 60}, TrackID: &id, Zones: []string{"mat"}, State: w.state,
			})
		}
		recs = append(recs, w.record(s))
	}
	w.produce(recs...)
}

func (w *world) record(s *event.Sighting) *kgo.Record {
	w.Helper()
	b, err := s.Encode()
	require.NoError(w, err)
	return &kgo.Record{
		Topic: kafka.Sightings, Key: []byte(s.Camera), Value: b,
		Headers: []kgo.RecordHeader{{Key: event.HeaderSchema, Value: []byte(event.SchemaSighting)}},
	}
}

// cross produces crossings of a line, a second apart.
func (w *world) cross(camera, line string, from time.Duration, directions ...string) {
	w.Helper()
	var recs []*kgo.Record
	for i, d := range directions {
		w.seq++
		s := event.Sighting{Camera: camera, Run: "run-of-" + camera, Seq: w.seq, SourceKind: event.SourceStream, CapturedAt: event.At(origin.Add(from + time.Duration(i)*time.Second))}
		x := s.Crossing()
		x.Line, x.Direction, x.TrackID, x.Label = line, d, w.seq, "person"
		b, err := x.Encode()
		require.NoError(w, err)
		recs = append(recs, &kgo.Record{
			Topic: kafka.Crossings, Key: []byte(camera), Value: b,
			Headers: []kgo.RecordHeader{{Key: event.HeaderSchema, Value: []byte(event.SchemaCrossing)}},
		})
	}
	w.produce(recs...)
}

func (w *world) produce(recs ...*kgo.Record) {
	w.Helper()
	require.NoError(w, w.cl.ProduceSync(w.Context(), recs...).FirstErr())
}

// alarms returns a line for each: rule, beginning, firing, end (in seconds from origin), value.
func (w *world) alarms() []string {
	w.Helper()
	return pgtest.Lines(w, w.pool, strings.ReplaceAll(`SELECT concat_ws(' ', rule, extract(epoch FROM began_at - origin)::numeric(9,1),
		extract(epoch FROM fired_at - origin)::numeric(9,1), coalesce(extract(epoch FROM ended_at - origin)::numeric(9,1)::text, '-'), value, unsent)
		FROM alarms ORDER BY began_at, rule`, "origin", "'"+origin.Format(time.RFC3339)+"'::timestamptz"))
}

func (w *world) deliveries() []string {
	w.Helper()
	return pgtest.Lines(w, w.pool, `SELECT concat_ws(' ', receiver, event, payload->>'rule', message_id = alarm_id || '.' || event, payload->>'id' = alarm_id)
		FROM alarm_deliveries ORDER BY id`)
}
