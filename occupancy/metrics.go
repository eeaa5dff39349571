package occupancy

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	frames       *prometheus.CounterVec // by outcome
	skipped      *prometheus.CounterVec // by reason
	records      prometheus.Counter
	transactions *prometheus.CounterVec // by outcome
	lag          *prometheus.GaugeVec   // by partition
	waiting      prometheus.Gauge
}

// newMetrics registers the metrics with reg, which may be nil.
func newMetrics(reg prometheus.Registerer) *metrics {
	auto := promauto.With(reg)
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "sightlog", Subsystem: "occupancy", Name: name, Help: help}
	}
	gauge := func(name, help string) prometheus.GaugeOpts {
		return prometheus.GaugeOpts{Namespace: "sightlog", Subsystem: "occupancy", Name: name, Help: help}
	}
	return &metrics{
		frames:       auto.NewCounterVec(counter("frames_total", "Sightings by outcome: counted, late (their windows were emitted), repeated (counted before)."), []string{"outcome"}),
		skipped:      auto.NewCounterVec(counter("skipped_total", "Records that are no sightings, by reason: invalid, key (it is not the camera), unreadable (a batch)."), []string{"reason"}),
		records:      auto.NewCounter(counter("records_total", "Records produced in committed transactions.")),
		transactions: auto.NewCounterVec(counter("transactions_total", "Transactions by outcome: committed, aborted (and computed again)."), []string{"outcome"}),
		lag:          auto.NewGaugeVec(gauge("lag_records", "End of the partition when it was last fetched, less the offset of the last transaction."), []string{"partition"}),
		waiting:      auto.NewGauge(gauge("waiting", "1 while the log cannot be used.")),
	}
}

// tally is what a transaction adds to the metrics when it has been committed.
type tally struct {
	frames  map[outcome]int
	skipped map[string]int
}

func (m *metrics) committed(records int, t tally) {
	m.transactions.WithLabelValues("committed").Inc()
	m.records.Add(float64(records))
	for o, n := range t.frames {
		m.frames.WithLabelValues(string(o)).Add(float64(n))
	}
	for reason, n := range t.skipped {
		m.skipped.WithLabelValues(reason).Add(float64(n))
	}
}
