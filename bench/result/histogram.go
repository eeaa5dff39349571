package result

import (
	"encoding/json"
	"fmt"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Histogram counts durations: to the microsecond up to 2 ms, and to a part in a thousand
// above, up to an hour. Make one with NewHistogram. It is not safe for concurrent use.
type Histogram struct{ h *hdr.Histogram }

// Bounds of what a histogram holds, in microseconds.
const (
	lowest  = 1
	highest = int64(time.Hour / time.Microsecond)
	digits  = 3
)

// NewHistogram returns an empty histogram.
func NewHistogram() *Histogram { return &Histogram{hdr.New(lowest, highest, digits)} }

// Add counts a duration. One below zero counts as zero, one above an hour as an hour.
func (h *Histogram) Add(d time.Duration) {
	// RecordValue fails only outside of the bounds.
	_ = h.h.RecordValue(min(max(d.Microseconds(), 0), highest))
}

// Merge adds the counts of another.
func (h *Histogram) Merge(o *Histogram) { h.h.Merge(o.h) }

// N is the number of durations.
func (h *Histogram) N() int64 { return h.h.TotalCount() }

// Quantile returns the smallest duration that at least the share q (0 to 1) of all does
// not exceed, in milliseconds; 0 without any.
func (h *Histogram) Quantile(q float64) float64 {
	return float64(h.h.ValueAtQuantile(100*q)) / 1000
}

// Mean is the mean; like Min and Max it is in milliseconds.
func (h *Histogram) Mean() float64 { return h.h.Mean() / 1000 }

// Min is the smallest.
func (h *Histogram) Min() float64 { return float64(h.h.Min()) / 1000 }

// Max is the largest.
func (h *Histogram) Max() float64 { return float64(h.h.Max()) / 1000 }

// Bar is the durations in one bucket of a histogram.
type Bar struct {
	From, To float64 // milliseconds, inclusive
	N        int64
}

// Bars returns the buckets that are not empty, in order: for a plot.
func (h *Histogram) Bars() (all []Bar) {
	for _, b := range h.h.Distribution() {
		if b.Count > 0 {
			all = append(all, Bar{float64(b.From) / 1000, float64(b.To) / 1000, b.Count})
		}
	}
	return all
}

// histogramJSON is a histogram as JSON: figures to read, and all counts to compute with.
type histogramJSON struct {
	N    int64   `json:"n"`       // durations counted
	Min  float64 `json:"min_ms"`  // the shortest
	Mean float64 `json:"mean_ms"` // their mean
	P50  float64 `json:"p50_ms"`  // percentiles: the shortest that at least so many do not exceed
	P90  float64 `json:"p90_ms"`  // the same
	P95  float64 `json:"p95_ms"`  // the same
	P99  float64 `json:"p99_ms"`  // the same
	P999 float64 `json:"p999_ms"` // the same, of 99.9 %
	Max  float64 `json:"max_ms"`  // the longest
	HDR  string  `json:"hdr"`     // HdrHistogram V2, deflated, in base64; its unit is the microsecond
}

// MarshalJSON implements json.Marshaler.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	all, err := h.h.Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		return nil, fmt.Errorf("encode histogram: %w", err)
	}
	return json.Marshal(histogramJSON{
		N: h.N(), Min: h.Min(), Mean: h.Mean(), P50: h.Quantile(.5), P90: h.Quantile(.9), P95: h.Quantile(.95),
		P99: h.Quantile(.99), P999: h.Quantile(.999), Max: h.Max(), HDR: string(all),
	})
}

// UnmarshalJSON implements json.Unmarshaler. Only hdr is read: the rest follows from it.
func (h *Histogram) UnmarshalJSON(b []byte) error {
	var j histogramJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("decode histogram: %w", err)
	}
	all, err := hdr.Decode([]byte(j.HDR))
	if err != nil {
		return fmt.Errorf("decode histogram: %w", err)
	}
	// The encoding carries the bounds; those of another program are merged into ours.
	*h = *NewHistogram()
	h.h.Merge(all)
	return nil
}
