package detect_test

import (
	"context"
	"image"
	"log/slog"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/internal/rtsptest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/pipeline/detect"
)

// watched is a detect whose newest status can be waited for.
type watched struct {
	mu      sync.Mutex
	status  pipeline.Status
	changed chan struct{} // closed at each report
}

func (w *watched) report(s pipeline.Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status = s
	close(w.changed)
	w.changed = make(chan struct{})
}

// wait waits until the cameras are as ready says.
func (w *watched) wait(t *testing.T, ready func(pipeline.CameraStatus) bool) pipeline.Status {
	t.Helper()
	limit := time.After(3 * time.Minute)
	for {
		w.mu.Lock()
		now, changed := w.status, w.changed
		w.mu.Unlock()
		all := len(now.Cameras) > 0
		for _, c := range now.Cameras {
			all = all && ready(c)
		}
		if all {
			return now
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("still %+v", now)
		}
	}
}

// logOf returns the sightings of each camera in the order of the log, and the runs by their
// id as they were written last.
func logOf(t *testing.T, cfg kafka.Config) (map[string][]event.Sighting, map[string]event.Run) {
	t.Helper()
	all, runs := map[string][]event.Sighting{}, map[string]event.Run{}
	require.NoError(t, kafka.ReadPartitions(t.Context(), cfg, kafka.Sightings, []int32{0, 1, 2, 3}, func(r *kgo.Record) error {
		s, err := event.DecodeSighting(r.Value)
		require.NoError(t, err)
		all[s.Camera] = append(all[s.Camera], *s)
		return nil
	}))
	require.NoError(t, kafka.ReadPartitions(t.Context(), cfg, kafka.Runs, []int32{0, 1, 2, 3}, func(r *kgo.Record) error {
		run, err := event.DecodeRun(r.Value)
		require.NoError(t, err)
		runs[run.ID] = *run
		return nil
	}))
	return all, runs
}

// Settings that change while sources are read: no frame is missing, none is there twice,
// and each is counted with the settings before or the ones after.
func TestRun_SettingsChanged_UsedFromTheNextFrameOn(t *testing.T) {
	t.Parallel()
	rtsptest.NeedFFmpeg(t)
	server := rtsptest.Start(t, "")
	picture := make([]byte, 320*240*3)
	rtsptest.Publish(t, server, image.Pt(320, 240), 10, func(ctx context.Context) []byte {
		if ctx.Err() != nil {
			return nil
		}
		return picture
	})
	file, err := filepath.Abs("../../samples/vtest.avi")
	require.NoError(t, err)
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	ffmpeg := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-y", "-re", "-i", file, "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-f", "mpegts", pipe)
	require.NoError(t, ffmpeg.Start())
	t.Cleanup(func() { ffmpeg.Process.Kill(); ffmpeg.Wait() }) //nolint:errcheck // it is killed
	brokers := brokertest.Start(t).Addr()
	changed := make(chan pipeline.Job)
	job := pipeline.Job{
		Detect: config.Detect{
			Source: []string{"file=" + file, "pattern=test://people?size=320x240&people=2", "camera=" + server.URL(), "pipe=" + pipe},
			Model:  "person-nano", Classes: []string{"person"}, Track: "on", StartTimeout: time.Minute, Threads: 2,
		},
		Kafka:   config.Kafka{Cluster: config.Cluster{Brokers: []string{brokers}}, Compression: "none", Partitions: 4},
		Changed: changed,
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	w := &watched{changed: make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- detect.Run(ctx, job, w.report, slog.New(slog.DiscardHandler)) }()
	w.wait(t, func(c pipeline.CameraStatus) bool { return c.Acked >= 10 })

	everywhere := []config.Point{{0, 0}, {1, 0}, {1, 1}, {0, 1}}
	next := pipeline.Job{Settings: 1, Cameras: map[string]config.CameraSettings{}}
	for _, c := range []string{"file", "pattern", "camera", "pipe"} {
		next.Cameras[c] = config.CameraSettings{Zones: map[string][]config.Point{"all": everywhere}}
	}
	changed <- next
	at := w.wait(t, func(c pipeline.CameraStatus) bool { return c.Settings == 1 })
	w.wait(t, func(c pipeline.CameraStatus) bool {
		for _, before := range at.Cameras {
			if before.ID == c.ID && c.Acked < before.Acked+10 {
				return false
			}
		}
		return true
	})
	next.Cameras["nobody"] = config.CameraSettings{} // cannot be used, and ends nothing
	next.Settings = 2
	changed <- next
	stop()
	require.NoError(t, <-done)

	cfg, err := pipeline.KafkaConfig(job.Kafka, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	sightings, runs := logOf(t, cfg)
	for _, c := range w.wait(t, func(pipeline.CameraStatus) bool { return true }).Cameras {
		all := sightings[c.ID]
		require.Len(t, all, int(c.Acked), c.ID)
		require.Equal(t, c.Sent, c.Acked, c.ID)
		ids := map[string]bool{}
		zoned := 0
		for i, s := range all {
			ids[s.Run] = true
			with := len(runs[s.Run].Shapes) > 0
			if c.ID != "camera" { // they drop nothing
				require.EqualValues(t, i, s.Seq, c.ID)
			}
			if i > 0 {
				require.Greater(t, s.Seq, all[i-1].Seq, c.ID)
				require.True(t, s.CapturedAt.After(all[i-1].CapturedAt.Time), "%s: frame %d is not after the one before", c.ID, s.Seq)
			}
			for _, o := range s.Objects {
				if len(o.Zones) > 0 {
					require.True(t, with, "%s: a zone that the run does not know", c.ID)
					zoned++
				} else {
					require.Zero(t, zoned, "%s: frame %d is counted as before", c.ID, s.Seq)
				}
			}
		}
		if c.ID == "file" || c.ID == "pattern" {
			require.Len(t, ids, 1, "%s: the run is resumed", c.ID)
		} else {
			require.Len(t, ids, 2, c.ID)
			require.False(t, runs[all[0].Run].FinishedAt.IsZero(), "%s: the run before has an end", c.ID)
			require.Empty(t, runs[all[0].Run].Shapes)
		}
		require.Len(t, runs[c.Run].Shapes, 1)
		if c.ID != "camera" {
			require.Positive(t, zoned, c.ID)
		}
	}
}
