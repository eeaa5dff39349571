package mirror

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	records      *prometheus.CounterVec // by topic
	bytes        prometheus.Counter
	dropped      *prometheus.CounterVec // by topic
	transactions *prometheus.CounterVec // by outcome
	lag          *prometheus.GaugeVec   // by topic, partition
	waiting      *prometheus.GaugeVec   // by cluster
}

// newMetrics registers the metrics with reg, which may be nil.
func newMetrics(reg prometheus.Registerer) *metrics {
	auto := promauto.With(reg)
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "sightlog", Subsystem: "mirror", Name: name, Help: help}
	}
	gauge := func(name, help string) prometheus.GaugeOpts {
		return prometheus.GaugeOpts{Namespace: "sightlog", Subsystem: "mirror", Name: name, Help: help}
	}
	return &metrics{
		records:      auto.NewCounterVec(counter("records_total", "Records mirrored in committed transactions."), []string{"topic"}),
		bytes:        auto.NewCounter(counter("bytes_total", "Bytes of the keys and values of these records.")),
		dropped:      auto.NewCounterVec(counter("dropped_records_total", "Offsets that the source's retention removed before they were mirrored."), []string{"topic"}),
		transactions: auto.NewCounterVec(counter("transactions_total", "Transactions by outcome: committed, failed (and tried again)."), []string{"outcome"}),
		lag:          auto.NewGaugeVec(gauge("lag_records", "End of the source's partition when it was last seen, less what was mirrored."), []string{"topic", "partition"}),
		waiting:      auto.NewGaugeVec(gauge("waiting", "1 while the cluster cannot be used: source or target."), []string{"cluster"}),
	}
}

func (m *metrics) setLag(tp topicPartition, records int64) {
	m.lag.WithLabelValues(tp.topic, strconv.Itoa(int(tp.partition))).Set(float64(max(0, records)))
}
