package broker

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/sightlog/sightlog/broker/storage"
)

const namespace = "sightlog_broker_"

// metrics are the broker's counters.
type metrics struct {
	connections   prometheus.Gauge
	refused       prometheus.Counter
	requests      *prometheus.CounterVec // by API
	producedBytes prometheus.Counter
	fetchedBytes  prometheus.Counter
	journalWrite  prometheus.Histogram // seconds
	groupCommits  prometheus.Histogram
	journalBytes  prometheus.Counter
}

// newMetrics creates the metrics, and registers them unless reg is nil.
func newMetrics(reg prometheus.Registerer) *metrics {
	const ns = namespace
	f := promauto.With(reg)
	return &metrics{
		connections:   f.NewGauge(prometheus.GaugeOpts{Name: ns + "connections", Help: "Open connections."}),
		refused:       f.NewCounter(prometheus.CounterOpts{Name: ns + "connections_refused_total", Help: "Connections beyond the limit."}),
		requests:      f.NewCounterVec(prometheus.CounterOpts{Name: ns + "requests_total", Help: "Requests by API."}, []string{"api"}),
		producedBytes: f.NewCounter(prometheus.CounterOpts{Name: ns + "produced_bytes_total", Help: "Bytes of record batches that were acknowledged."}),
		fetchedBytes:  f.NewCounter(prometheus.CounterOpts{Name: ns + "fetched_bytes_total", Help: "Bytes of record batches that were returned."}),
		journalWrite:  f.NewHistogram(prometheus.HistogramOpts{Name: ns + "journal_write_seconds", Help: "Time to write one group to the journal and sync it.", Buckets: prometheus.ExponentialBuckets(50e-6, 2, 14)}),
		groupCommits:  f.NewHistogram(prometheus.HistogramOpts{Name: ns + "group_commits", Help: "Commits that shared one sync.", Buckets: prometheus.ExponentialBuckets(1, 2, 10)}),
		journalBytes:  f.NewCounter(prometheus.CounterOpts{Name: ns + "journal_bytes_total", Help: "Bytes written to the journal."}),
	}
}

// observe is called with each commit group.
func (m *metrics) observe(g storage.GroupStats) {
	m.journalWrite.Observe(g.Sync.Seconds())
	m.groupCommits.Observe(float64(g.Commits))
	m.journalBytes.Add(float64(g.Bytes))
}
