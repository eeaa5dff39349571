package sink_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
)

// rowQueries are every row of the tables by names, in order, without what depends on when and by
// whom they were written.
var rowQueries = []string{
	"SELECT name FROM cameras ORDER BY 1",
	`SELECT c.name, r.run, source_kind, source, fingerprint, model, model_sha256, model_width, model_height, provider,
		started_at, finished_at, outcome, damage, frames, dropped FROM runs r JOIN cameras c ON c.id = r.camera_id ORDER BY 1, 2`,
	`SELECT captured_at, camera, run, seq, people, objects, width, height, pts_us, dropped_before,
		grabbed_at, decoded_at, inferred_at, produced_at, model FROM v_sightings ORDER BY 1, 2, 3, 4`,
	"SELECT * FROM v_detections ORDER BY 1, 2, 3, 4, 5",
	"SELECT * FROM v_crossings ORDER BY 1, 2, 3, 4, 5, 7",
}

// dump returns the rows of rowQueries, and the totals.
func dump(t testing.TB, pool *pgxpool.Pool) []string {
	t.Helper()
	return append(pgtest.Lines(t, pool, rowQueries...), pgtest.Totals(t, pool)...)
}

// exactly asserts that the tables hold sightings 0 to n-1 of each camera's
// run, each once.
func (w *world) exactly(n int, cameras ...string) {
	w.Helper()
	require.Equal(w, n*len(cameras), w.number("SELECT count(*) FROM sightings"))
	require.Equal(w, people(0, n)*len(cameras), w.number("SELECT count(*) FROM detections"))
	for _, c := range cameras {
		require.Equal(w, n, w.number("SELECT count(DISTINCT seq) FROM v_sightings WHERE camera = $1 AND seq < $2", c, n), c)
	}
	pgtest.TotalsAgree(w, w.pool)
}

// letters reads the dead letters of a topic.
func (w *world) letters(topic string) []*kgo.Record {
	w.Helper()
	ends, err := kadm.NewClient(w.cl).ListEndOffsets(w.Context(), kafka.DeadTopic(topic))
	require.NoError(w, err)
	var want int64
	ends.Each(func(o kadm.ListedOffset) { want += max(0, o.Offset) })
	cl := w.client(kgo.ConsumeTopics(kafka.DeadTopic(topic)), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var recs []*kgo.Record
	for int64(len(recs)) < want {
		f := cl.PollFetches(w.Context())
		require.NoError(w, f.Err())
		recs = append(recs, f.Records()...)
	}
	return recs
}

func head(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// gauge reads a metric with the given labels, or 0.
func gauge(t testing.TB, reg *prometheus.Registry, name string, labels ...string) float64 {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	metrics:
		for _, m := range f.GetMetric() {
			for i, l := range m.GetLabel() {
				if l.GetValue() != labels[i] {
					continue metrics
				}
			}
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return 0
}
