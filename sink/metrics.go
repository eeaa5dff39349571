package sink

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	records  *prometheus.CounterVec // by topic
	rows     *prometheus.CounterVec // by table
	dead     *prometheus.CounterVec // by topic
	rejected *prometheus.CounterVec // by topic and reason
	fenced   prometheus.Counter
	waits    prometheus.Counter
	lag      *prometheus.GaugeVec // records by topic and partition
	batch    prometheus.Histogram
	commit   prometheus.Histogram
	endToEnd prometheus.Histogram
	waiting  prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "sightlog", Subsystem: "sink", Name: name, Help: help}
	}
	counter := func(name, help string) prometheus.CounterOpts { return prometheus.CounterOpts(opts(name, help)) }
	gauge := func(name, help string) prometheus.GaugeOpts { return prometheus.GaugeOpts(opts(name, help)) }
	latency := prometheus.ExponentialBuckets(0.0005, 2, 16) // 0.5 ms … 16 s
	m := &metrics{
		records:  prometheus.NewCounterVec(counter("records_total", "Records of the log that are through, control records and dead letters too."), []string{"topic"}),
		rows:     prometheus.NewCounterVec(counter("rows_total", "Rows sent to the database in committed transactions."), []string{"table"}),
		dead:     prometheus.NewCounterVec(counter("dead_letters_total", "Dead letters acknowledged."), []string{"topic"}),
		rejected: prometheus.NewCounterVec(counter("rejected_total", "Dead letters by reason: invalid, key, other content, database, unreadable."), []string{"topic", "reason"}),
		fenced:   prometheus.NewCounter(counter("fenced_total", "Transactions rolled back because another sink had moved an offset.")),
		waits:    prometheus.NewCounter(counter("waits_total", "Attempts that failed by the database's or the network's fault.")),
		lag:      prometheus.NewGaugeVec(gauge("lag_records", "End of the partition when it was last fetched, less the offset the tables are at."), []string{"topic", "partition"}),
		batch:    prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "sightlog", Subsystem: "sink", Name: "batch_records", Help: "Records of a transaction.", Buckets: prometheus.ExponentialBuckets(1, 2, 12)}),
		commit:   prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "sightlog", Subsystem: "sink", Name: "commit_seconds", Help: "From sending a transaction to its acknowledgement.", Buckets: latency}),
		endToEnd: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "sightlog", Subsystem: "sink", Name: "end_to_end_seconds", Help: "From grabbing a frame to the commit of its sighting.", Buckets: latency}),
		waiting:  prometheus.NewGauge(gauge("waiting", "Consumers that wait for the database or the broker.")),
	}
	if reg != nil {
		reg.MustRegister(m.records, m.rows, m.dead, m.rejected, m.fenced, m.waits, m.lag, m.batch, m.commit, m.endToEnd, m.waiting)
	}
	return m
}

// labels of a partition.
func (p topicPartition) labels() []string { return []string{p.topic, strconv.Itoa(int(p.partition))} }

// forget removes the series of a partition that is no longer assigned.
func (m *metrics) forget(p topicPartition) {
	m.lag.DeleteLabelValues(p.labels()...)
}

// observe counts a committed transaction.
func (m *metrics) observe(items []item, r *rows, endToEnd []time.Duration, commit time.Duration) {
	for _, it := range items {
		m.records.WithLabelValues(it.topic).Inc()
	}
	m.batch.Observe(float64(len(items)))
	m.rows.WithLabelValues("sightings").Add(float64(len(r.sightings)))
	m.rows.WithLabelValues("detections").Add(float64(len(r.detections)))
	m.rows.WithLabelValues("crossings").Add(float64(len(r.crossings)))
	m.rows.WithLabelValues("runs").Add(float64(len(r.runs)))
	m.commit.Observe(commit.Seconds())
	for _, d := range endToEnd {
		m.endToEnd.Observe(d.Seconds())
	}
}
