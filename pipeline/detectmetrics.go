package pipeline

import (
	"fmt"

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
		{detectDesc("reconnects_total", "Times a live source was lost and opened again."), func(c CameraStatus) int64 { return c.Lost }},
	}
	inferenceDesc = detectDesc("inference_seconds", "Detection on one frame, without the wait for a turn.")
	produceDesc   = detectDesc("produce_seconds", "From handing a sighting to the producer to the log's acknowledgement.")
	newestDesc    = detectDesc("newest_frame_timestamp_seconds", "When the newest frame that was detected on was grabbed, in Unix time; while the source runs.")
	openDesc      = detectDesc("source_open", "1 while the source is open, 0 before and after.")
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
	to <- produceDesc
	to <- newestDesc
	to <- openDesc
}

func (c detectCollector) Collect(to chan<- prometheus.Metric) {
	for _, cam := range c() {
		for _, counter := range detectCounters {
			to <- prometheus.MustNewConstMetric(counter.desc, prometheus.CounterValue, float64(counter.value(cam)), cam.ID)
		}
		to <- cam.Inference.metric(inferenceDesc, cam.ID)
		to <- cam.Produce.metric(produceDesc, cam.ID)
		open := 0.0
		if cam.State == Running {
			open = 1
			if !cam.Newest.IsZero() {
				to <- prometheus.MustNewConstMetric(newestDesc, prometheus.GaugeValue, float64(cam.Newest.UnixMicro())/1e6, cam.ID)
			}
		}
		to <- prometheus.MustNewConstMetric(openDesc, prometheus.GaugeValue, open, cam.ID)
	}
}
