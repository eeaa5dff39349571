package sink

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	records     *prometheus.CounterVec // by topic
	rows        *prometheus.CounterVec // by table
	dead        *prometheus.CounterVec // by topic
	rejected    *prometheus.CounterVec // by topic and reason
	fenced      prometheus.Counter
	waits       prometheus.Counter
	lag         *prometheus.GaugeVec // records by topic and partition
	batch       prometheus.Histogram
	commit      prometheus.Histogram
	endToEnd    prometheus.Histogram
	waiting     prometheus.Gauge
	deleted     *prometheus.CounterVec // rows by table
	droppedDays prometheus.Counter
	blocked     map[State]*prometheus.GaugeVec // 1 by topic and partition
}

// newMetrics registers the metrics with reg, which may be nil.
func newMetrics(reg prometheus.Registerer) *metrics {
	auto := promauto.With(reg)
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "sightlog", Subsystem: "sink", Name: name, Help: help}
	}
	gauge := func(name, help string) prometheus.GaugeOpts {
		return prometheus.GaugeOpts{Namespace: "sightlog", Subsystem: "sink", Name: name, Help: help}
	}
	histogram := func(name, help string, buckets []float64) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Namespace: "sightlog", Subsystem: "sink", Name: name, Help: help, Buckets: buckets, NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100}
	}
	latency := prometheus.ExponentialBuckets(0.0005, 2, 16) // 0.5 ms … 16 s
	partition := []string{"topic", "partition"}
	return &metrics{
		records:     auto.NewCounterVec(counter("records_total", "Records of the log that the stored offset has passed, control records and dead letters included."), []string{"topic"}),
		rows:        auto.NewCounterVec(counter("rows_total", "Rows sent to the database in committed transactions."), []string{"table"}),
		dead:        auto.NewCounterVec(counter("dead_letters_total", "Dead letters acknowledged."), []string{"topic"}),
		rejected:    auto.NewCounterVec(counter("rejected_total", "Dead letters by reason: invalid, key, other content, database, unreadable."), []string{"topic", "reason"}),
		fenced:      auto.NewCounter(counter("fenced_total", "Transactions rolled back because another sink had moved an offset.")),
		waits:       auto.NewCounter(counter("waits_total", "Attempts that failed because the database or the network was unavailable.")),
		lag:         auto.NewGaugeVec(gauge("lag_records", "End of the partition when it was last fetched, less the stored offset."), partition),
		batch:       auto.NewHistogram(histogram("batch_records", "Records of a transaction.", prometheus.ExponentialBuckets(1, 2, 12))),
		commit:      auto.NewHistogram(histogram("commit_seconds", "From sending a transaction to its acknowledgement.", latency)),
		endToEnd:    auto.NewHistogram(histogram("end_to_end_seconds", "From grabbing a frame to the commit of its sighting.", latency)),
		waiting:     auto.NewGauge(gauge("waiting", "Consumers that wait for the database or the broker.")),
		deleted:     auto.NewCounterVec(counter("deleted_rows_total", "Rows deleted because they were older than --keep, without those of dropped days."), []string{"table"}),
		droppedDays: auto.NewCounter(counter("dropped_day_partitions_total", "Days of sightings dropped because they were older than --keep.")),
		blocked: map[State]*prometheus.GaugeVec{
			Waiting: auto.NewGaugeVec(gauge("partition_waiting", "1 while a partition waits for a fault to pass: a dead letter that cannot be written, an unavailable database."), partition),
			Stopped: auto.NewGaugeVec(gauge("partition_stopped", "1 while a partition is stopped by an error that only a user can fix."), partition),
		},
	}
}

// forget removes the series of a partition that is no longer assigned.
func (m *metrics) forget(p topicPartition) {
	m.lag.DeleteLabelValues(p.labels()...)
}

// observe counts a committed transaction. traces are the ids of the traced sightings, by the
// index in endToEnd.
func (m *metrics) observe(items []entry, r *rows, endToEnd []time.Duration, traces map[int]string, commit time.Duration) {
	for _, it := range items {
		m.records.WithLabelValues(it.topic).Inc()
	}
	m.batch.Observe(float64(len(items)))
	m.rows.WithLabelValues("sightings").Add(float64(len(r.stored)))
	m.rows.WithLabelValues("detections").Add(float64(r.len() - len(r.stored)))
	m.rows.WithLabelValues("crossings").Add(float64(len(r.crossings)))
	m.rows.WithLabelValues("snapshots").Add(float64(len(r.snapshots)))
	m.rows.WithLabelValues("runs").Add(float64(len(r.runs)))
	last := ""
	for i, d := range endToEnd {
		observeTraced(m.endToEnd, d, traces[i])
		last = cmp.Or(traces[i], last)
	}
	observeTraced(m.commit, commit, last)
}

// observeTraced counts a latency, with the trace as its exemplar unless id is empty.
func observeTraced(h prometheus.Histogram, d time.Duration, id string) {
	if exemplars, ok := h.(prometheus.ExemplarObserver); ok && id != "" {
		exemplars.ObserveWithExemplar(d.Seconds(), prometheus.Labels{"trace_id": id})
		return
	}
	h.Observe(d.Seconds())
}
