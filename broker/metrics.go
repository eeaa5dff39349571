package broker

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sightlog/sightlog/broker/storage"
)

// metrics are what the broker counts.
type metrics struct {
	connections prometheus.Gauge
	refused     prometheus.Counter
	requests    *prometheus.CounterVec // by api
	produced    prometheus.Counter     // bytes
	fetched     prometheus.Counter     // bytes
	sync        prometheus.Histogram
	commits     prometheus.Histogram // in a group
	journal     prometheus.Counter   // bytes
}

const namespace = "sightlog_broker_"

func newMetrics() *metrics {
	const ns = namespace
	m := &metrics{
		connections: prometheus.NewGauge(prometheus.GaugeOpts{Name: ns + "connections", Help: "Open connections."}),
		refused:     prometheus.NewCounter(prometheus.CounterOpts{Name: ns + "connections_refused_total", Help: "Connections beyond the limit."}),
		requests:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: ns + "requests_total", Help: "Requests by API."}, []string{"api"}),
		produced:    prometheus.NewCounter(prometheus.CounterOpts{Name: ns + "produced_bytes_total", Help: "Bytes of record batches that were acknowledged."}),
		fetched:     prometheus.NewCounter(prometheus.CounterOpts{Name: ns + "fetched_bytes_total", Help: "Bytes of record batches that were returned."}),
		sync: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: ns + "journal_write_seconds", Help: "Time to write one group to the journal and sync it.",
			Buckets: prometheus.ExponentialBuckets(50e-6, 2, 14),
		}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: ns + "group_commits", Help: "Commits that shared one sync.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		journal: prometheus.NewCounter(prometheus.CounterOpts{Name: ns + "journal_bytes_total", Help: "Bytes written to the journal."}),
	}
	return m
}

// register puts the metrics, and gauges that ask b, into reg.
func (m *metrics) register(b *Broker, reg prometheus.Registerer) error {
	all := []prometheus.Collector{
		m.connections, m.refused, m.requests, m.produced, m.fetched, m.sync, m.commits, m.journal,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: namespace + "log_bytes", Help: "Bytes of all logs."}, b.logBytes),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: namespace + "storage_failed", Help: "1 after the disk failed: writes are refused."}, func() float64 {
			if b.store.Failed() != nil {
				return 1
			}
			return 0
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: namespace + "storage_refusing", Help: "1 while writes are refused: the disk is full, or it failed."}, func() float64 {
			if b.store.Refusing() != nil {
				return 1
			}
			return 0
		}),
	}
	for _, c := range all {
		if err := reg.Register(c); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	return nil
}

func (b *Broker) logBytes() (n float64) {
	for _, t := range b.topics.all() {
		for _, p := range t.partitions() {
			n += float64(p.log.Size())
		}
	}
	return n
}

// observe is told of each group commit.
func (m *metrics) observe(g storage.GroupStats) {
	m.sync.Observe(g.Sync.Seconds())
	m.commits.Observe(float64(g.Commits))
	m.journal.Add(float64(g.Bytes))
}
