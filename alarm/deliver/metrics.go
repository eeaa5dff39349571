package deliver

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	tries *prometheus.CounterVec // by receiver and outcome
	delay prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	auto := promauto.With(reg)
	return &metrics{
		tries: auto.NewCounterVec(prometheus.CounterOpts{
			Namespace: "sightlog", Subsystem: "alarms", Name: "deliveries_total",
			Help: "Tries to send a message, by receiver and outcome: sent, failed (it is tried again), dead (given up).",
		}, []string{"receiver", "outcome"}),
		delay: auto.NewHistogram(prometheus.HistogramOpts{
			Namespace: "sightlog", Subsystem: "alarms", Name: "delivery_seconds",
			Help: "From the transaction of an alarm to its receiver's acknowledgement.", Buckets: prometheus.ExponentialBuckets(0.01, 4, 12),
		}),
	}
}
