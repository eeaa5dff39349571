package broker

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/sightlog/sightlog/broker/internal/wire"
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

// registerGauges registers the metrics that are computed from the open broker.
func (b *Broker) registerGauges(reg prometheus.Registerer) {
	f := promauto.With(reg)
	gauge := func(name, help string, value func() float64) {
		f.NewGaugeFunc(prometheus.GaugeOpts{Name: namespace + name, Help: help}, value)
	}
	gauge("log_bytes", "Bytes of all logs.", b.logBytes)
	gauge("storage_failed", "1 after the disk failed: writes are refused.", func() float64 { return oneIf(b.store.Failed() != nil) })
	gauge("storage_refusing", "1 while writes are refused: the disk is full, or it failed.", func() float64 { return oneIf(b.store.Refusing() != nil) })
	gauge("request_memory_bytes", "Memory held by requests that are read and served.", func() float64 { return usedBytes(b.requests) })
	gauge("answer_memory_bytes", "Memory held by answers with records.", func() float64 { return usedBytes(b.responses) })
}

func oneIf(condition bool) float64 {
	if condition {
		return 1
	}
	return 0
}

func usedBytes(b *wire.Budget) float64 {
	bytes, _ := b.Usage()
	return float64(bytes)
}

func (b *Broker) logBytes() (n float64) {
	for _, t := range b.topics.all() {
		for _, p := range t.partitions() {
			n += float64(p.log.Size())
		}
	}
	return n
}
