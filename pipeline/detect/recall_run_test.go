package detect_test

import (
	"context"
	"image"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/internal/rtsptest"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/pipeline/detect"
)

// still is a picture of people, as raw pixels.
func still(t *testing.T, size image.Point) []byte {
	t.Helper()
	src, err := ingest.Open(t.Context(), ingest.Spec{ID: "t", URI: "test://people?size=640x480&frames=40&fps=10&people=3"}, ingest.Options{Pace: ingest.Fast})
	require.NoError(t, err)
	defer src.Close()
	var f ingest.Frame
	for range 30 {
		require.NoError(t, src.Next(t.Context(), &f))
	}
	require.Equal(t, size, f.Size())
	return f.Image.ToBytes()
}

// A live camera that shows the same picture all the time, of which the detect is started again: what was a
// thing is one in the first sighting.
func TestRun_LiveCameraStartedAgain_ThingsFromTheFirstSighting(t *testing.T) {
	t.Parallel()
	rtsptest.NeedFFmpeg(t)
	server, size := rtsptest.Start(t, ""), image.Pt(640, 480)
	picture := still(t, size)
	rtsptest.Publish(t, server, size, 10, func(ctx context.Context) []byte {
		if ctx.Err() != nil {
			return nil
		}
		return picture
	})
	job := pipeline.Job{
		Detect: config.Detect{
			Source: []string{"porch=" + server.URL()}, Model: "person-nano", Classes: []string{"person"}, Track: "on",
			StartTimeout: time.Minute, Threads: 1,
		},
		Cameras: map[string]config.CameraSettings{"porch": {ThingAfter: time.Second}},
		Kafka:   config.Kafka{Cluster: config.Cluster{Brokers: []string{brokertest.Start(t).Addr()}}, Compression: "none", Partitions: 4},
	}
	cfg, err := pipeline.KafkaConfig(job.Kafka, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	things := func(s event.Sighting) (n int) {
		for _, o := range s.Objects {
			if o.State == event.StateThing {
				n++
			}
		}
		return n
	}
	// run detects until enough says so of the sightings of the run, and returns them.
	run := func(enough func([]event.Sighting) bool) (seen []event.Sighting) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		w := &watched{changed: make(chan struct{})}
		done := make(chan error, 1)
		go func() { done <- detect.Run(ctx, job, w.report, slog.New(slog.DiscardHandler)) }()
		for acked := int64(1); ; acked += 5 {
			id := w.wait(t, func(c pipeline.CameraStatus) bool { return c.Acked >= acked }).Cameras[0].Run
			sightings, _ := logOf(t, cfg)
			seen = seen[:0]
			for _, s := range sightings["porch"] {
				if s.Run == id {
					seen = append(seen, s)
				}
			}
			if enough(seen) {
				stop()
				require.NoError(t, <-done)
				return seen
			}
		}
	}
	first := run(func(all []event.Sighting) bool { return things(all[len(all)-1]) > 1 })
	require.Zero(t, things(first[0]), "nothing is known at the first start")
	again := run(func(all []event.Sighting) bool { return len(all) > 0 })
	require.Equal(t, things(first[len(first)-1]), things(again[0]))
}
