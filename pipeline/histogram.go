package pipeline

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// histogramBounds are the upper bounds of Histogram's buckets, in seconds.
var histogramBounds = [...]float64{.0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}

// Histogram counts durations. The zero value is ready.
type Histogram struct {
	Count   uint64                       `json:"count"`
	Sum     float64                      `json:"sum"` // seconds
	Buckets [len(histogramBounds)]uint64 `json:"buckets"`
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
}

// metric returns the histogram as Prometheus counts: each bucket with all below.
func (h *Histogram) metric(desc *prometheus.Desc, labels ...string) prometheus.Metric {
	buckets, sum := make(map[float64]uint64, len(h.Buckets)), uint64(0)
	for i, n := range h.Buckets {
		sum += n
		buckets[histogramBounds[i]] = sum
	}
	return prometheus.MustNewConstHistogram(desc, h.Count, h.Sum, buckets, labels...)
}
