package pipeline

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// inferenceBounds are the upper bounds of Histogram's buckets, in seconds.
var inferenceBounds = [...]float64{.0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}

// Histogram counts durations. The zero value is ready.
type Histogram struct {
	Count   uint64                       `json:"count"`
	Sum     float64                      `json:"sum"` // seconds
	Buckets [len(inferenceBounds)]uint64 `json:"buckets"`
}

// Observe counts one duration.
func (h *Histogram) Observe(d time.Duration) {
	h.Count++
	h.Sum += d.Seconds()
	for i, bound := range inferenceBounds {
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
		buckets[inferenceBounds[i]] = sum
	}
	return prometheus.MustNewConstHistogram(desc, h.Count, h.Sum, buckets, labels...)
}

// detectCounter is one counter of a camera.
type detectCounter struct {
	desc  *prometheus.Desc
	value func(CameraStatus) int64
}

func detectDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("sightlog_detect_"+name, help, []string{"camera"}, nil)
}

var (
	detectCounters = []detectCounter{
		{detectDesc("frames_total", "Frames on which the detector ran."), func(c CameraStatus) int64 { return c.Frames }},
		{detectDesc("skipped_frames_total", "Frames passed over by the camera's own settings (fps, motion)."), func(c CameraStatus) int64 { return c.Skipped }},
		{detectDesc("dropped_frames_total", "Frames of a live source for which detection was too slow."), func(c CameraStatus) int64 { return c.Dropped }},
		{detectDesc("failed_frames_total", "Frames on which the detector failed."), func(c CameraStatus) int64 { return c.Failed }},
	}
	inferenceDesc = detectDesc("inference_seconds", "Detection on one frame, without the wait for a turn.")
	frameAgeDesc  = detectDesc("frame_age_seconds", "Time since the newest frame that was detected on was grabbed; while the source runs.")
)

// RegisterDetect shows what detect reports of its cameras, until unregister. cameras is
// called at each scrape.
func RegisterDetect(metrics prometheus.Registerer, cameras func() []CameraStatus) (unregister func(), err error) {
	c := detectCollector(cameras)
	if err := metrics.Register(c); err != nil {
		return nil, fmt.Errorf("register the metrics of detect: %w", err)
	}
	return func() { metrics.Unregister(c) }, nil
}

// detectCollector gives the counts of cameras to Prometheus.
type detectCollector func() []CameraStatus

func (c detectCollector) Describe(to chan<- *prometheus.Desc) {
	for _, counter := range detectCounters {
		to <- counter.desc
	}
	to <- inferenceDesc
	to <- frameAgeDesc
}

func (c detectCollector) Collect(to chan<- prometheus.Metric) {
	for _, cam := range c() {
		for _, counter := range detectCounters {
			to <- prometheus.MustNewConstMetric(counter.desc, prometheus.CounterValue, float64(counter.value(cam)), cam.ID)
		}
		to <- cam.Inference.metric(inferenceDesc, cam.ID)
		if cam.State == Running && !cam.Newest.IsZero() {
			to <- prometheus.MustNewConstMetric(frameAgeDesc, prometheus.GaugeValue, time.Since(cam.Newest).Seconds(), cam.ID)
		}
	}
}
