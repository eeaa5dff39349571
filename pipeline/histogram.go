package pipeline

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
)

// histogramBounds are the upper bounds of Histogram's buckets, in seconds.
var histogramBounds = [...]float64{.0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}

// Histogram counts durations. The zero value is ready.
type Histogram struct {
	Count   uint64                       `json:"count"`
	Sum     float64                      `json:"sum"` // seconds
	Buckets [len(histogramBounds)]uint64 `json:"buckets"`

	Exemplar *Exemplar `json:"exemplar,omitempty"` // the newest
}

// Exemplar is a duration whose frame was traced.
type Exemplar struct {
	Seconds float64   `json:"seconds"`
	Trace   string    `json:"trace"` // its id
	At      time.Time `json:"at"`
}

// Mark makes a duration that was observed the exemplar, if it was traced.
func (h *Histogram) Mark(d time.Duration, of trace.SpanContext) {
	if of.IsSampled() {
		h.Exemplar = &Exemplar{Seconds: d.Seconds(), Trace: of.TraceID().String(), At: time.Now()}
	}
}

// Observe counts one duration.
func (h *Histogram) Observe(d time.Duration) {
	h.Count++
	h.Sum += d.Seconds()
	for i, bound := range histogramBounds {
		if d.Seconds() <= bound {
			h.Buckets[i]++
			return
		}
	}
}

func (h *Histogram) add(o Histogram) {
	h.Count += o.Count
	h.Sum += o.Sum
	for i, n := range o.Buckets {
		h.Buckets[i] += n
	}
	h.Exemplar = cmp.Or(h.Exemplar, o.Exemplar)
}

// metric returns the histogram as Prometheus counts: each bucket with all below.
func (h *Histogram) metric(desc *prometheus.Desc, labels ...string) prometheus.Metric {
	buckets, sum := make(map[float64]uint64, len(h.Buckets)), uint64(0)
	for i, n := range h.Buckets {
		sum += n
		buckets[histogramBounds[i]] = sum
	}
	m := prometheus.MustNewConstHistogram(desc, h.Count, h.Sum, buckets, labels...)
	if e := h.Exemplar; e != nil {
		return prometheus.MustNewMetricWithExemplars(m, prometheus.Exemplar{Value: e.Seconds, Labels: prometheus.Labels{"trace_id": e.Trace}, Timestamp: e.At})
	}
	return m
}
