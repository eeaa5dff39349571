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
	throttled     prometheus.Counter
	producedBytes prometheus.Counter
	fetchedBytes  prometheus.Counter
	journalWrite  prometheus.Histogram // seconds
	groupCommits  prometheus.Histogram
	journalBytes  prometheus.Counter
}

// newMetrics creates the metrics, and registers them unless reg is nil.
func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Name: namespace + name, Help: help})
	}
	histogram := func(name, help string, first float64, buckets int) prometheus.Histogram {
		return f.NewHistogram(prometheus.HistogramOpts{
			Name: namespace + name, Help: help, Buckets: prometheus.ExponentialBuckets(first, 2, buckets),
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100,
		})
	}
	return &metrics{
		connections:   f.NewGauge(prometheus.GaugeOpts{Name: namespace + "connections", Help: "Open connections."}),
		refused:       counter("connections_refused_total", "Connections beyond the limit."),
		requests:      f.NewCounterVec(prometheus.CounterOpts{Name: namespace + "requests_total", Help: "Requests by API."}, []string{"api"}),
		throttled:     counter("throttled_total", "Responses to clients that are above a quota and have to wait."),
		producedBytes: counter("produced_bytes_total", "Bytes of record batches that were acknowledged."),
		fetchedBytes:  counter("fetched_bytes_total", "Bytes of record batches that were returned."),
		journalWrite:  histogram("journal_write_seconds", "Time to write one group to the journal and sync it.", 50e-6, 14),
		groupCommits:  histogram("group_commits", "Commits that shared one sync.", 1, 10),
		journalBytes:  counter("journal_bytes_total", "Bytes written to the journal."),
	}
}

// observe is called with each commit group.
func (m *metrics) observe(g storage.GroupStats) {
	m.journalWrite.Observe(g.Sync.Seconds())
	m.groupCommits.Observe(float64(g.Commits))
	m.journalBytes.Add(float64(g.Bytes))
}
