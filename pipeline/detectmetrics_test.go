package pipeline

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

func TestDetectMetrics_ChildRestarted_CountsGoOn(t *testing.T) {
	t.Parallel()
	m := newProgressTotals()
	reg := prometheus.NewPedanticRegistry()
	unregister, err := RegisterDetect(reg, m.allCameras)
	require.NoError(t, err)

	at := time.Now()
	status := func(frames int) Status {
		c := CameraStatus{ID: "porch", State: Running, Frames: int64(frames), Skipped: 2, Dropped: 3, Failed: 1, Jumps: 2, Lost: 1, Newest: at}
		for i := range frames {
			c.Inference.Observe(time.Duration(i+1) * 20 * time.Millisecond)
			c.Produce.Observe(time.Millisecond)
		}
		return Status{Cameras: []CameraStatus{c}}
	}
	m.child(1, status(1))
	m.child(1, status(2))
	m.child(2, status(1))
	index := map[string]int{}
	gathered, err := reg.Gather()
	require.NoError(t, err)
	for i, f := range gathered {
		require.Len(t, f.GetMetric(), 1, "%s: one camera", f.GetName())
		index[f.GetName()] = i
	}
	require.Len(t, index, 10)
	for name, want := range map[string]float64{"frames": 3, "skipped_frames": 4, "dropped_frames": 6, "failed_frames": 2, "timestamp_jumps": 4, "reconnects": 2} {
		require.Equal(t, want, gathered[index["sightlog_detect_"+name+"_total"]].GetMetric()[0].GetCounter().GetValue(), name)
	}
	inference := gathered[index["sightlog_detect_inference_seconds"]].GetMetric()[0].GetHistogram()
	require.EqualValues(t, 3, inference.GetSampleCount())
	require.InDelta(t, 0.08, inference.GetSampleSum(), 1e-9)
	var below []uint64
	for _, b := range inference.GetBucket() {
		below = append(below, b.GetCumulativeCount())
	}
	require.Equal(t, []uint64{0, 0, 0, 2, 3, 3, 3, 3, 3, 3}, below)
	require.EqualValues(t, 3, gathered[index["sightlog_detect_produce_seconds"]].GetMetric()[0].GetHistogram().GetSampleCount())
	newest := gathered[index["sightlog_detect_newest_frame_timestamp_seconds"]].GetMetric()[0]
	require.InDelta(t, float64(at.UnixMicro())/1e6, newest.GetGauge().GetValue(), 1e-5)
	require.Equal(t, "porch", newest.GetLabel()[0].GetValue())
	require.Equal(t, 1.0, gathered[index["sightlog_detect_source_open"]].GetMetric()[0].GetGauge().GetValue())

	unregister()
	require.NoError(t, func() error { _, err := RegisterDetect(reg, m.allCameras); return err }(), "another run in this process")
}

func TestHistogram_AboveTheLastBound_InTheCountAlone(t *testing.T) {
	t.Parallel()
	var h Histogram
	h.Observe(time.Minute)
	require.EqualValues(t, 1, h.Count)
	require.Zero(t, h.Buckets)
}
