package pipeline

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

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
		{detectDesc("timestamp_jumps_total", "Timestamps of a file that jumped, and were bridged by one frame interval."), func(c CameraStatus) int64 { return c.Jumps }},
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
