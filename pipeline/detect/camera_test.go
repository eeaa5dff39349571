package detect

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
)

// ending is a writer that keeps the end of its run.
type ending struct {
	kafka.Writer
	run event.Run
}

func (e *ending) Finish(_ context.Context, end event.Run, _ ...event.Derived) error {
	e.run = end
	return nil
}

// A frame that the detector could not process is lost like one that could not
// be decoded; of a live source, dropped frames are nothing unusual.
func TestEnd_FramesNotDetectedOn_IsDamageOfAFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind    event.SourceKind
		failed  int64
		outcome event.Outcome
	}{
		{event.SourceFile, 0, event.OutcomeFinished},
		{event.SourceFile, 2, event.OutcomeDamaged},
		{event.SourceImages, 1, event.OutcomeDamaged},
		{event.SourceStream, 2, event.OutcomeFinished},
	} {
		cam := cameraLoop{
			spec: ingest.Spec{ID: "porch"}, opts: ingest.Options{Backoff: &ingest.Backoff{}}, scene: porchScene(t, config.CameraSettings{}),
			state: pipeline.CameraStatus{Frames: 5, Failed: c.failed, Dropped: 7},
		}
		var w ending
		err := cam.end(context.Background(), ingest.Info{Kind: c.kind, Source: "a.mp4"}, &w, io.EOF)
		require.Equal(t, c.outcome, w.run.Outcome)
		if c.outcome == event.OutcomeFinished {
			require.NoError(t, err)
			continue
		}
		var damage *pipeline.DamageError
		require.ErrorAs(t, err, &damage)
		require.Contains(t, w.run.Damage, "the detector failed on")
		require.Contains(t, w.run.Damage, "its 5 good frames were read")
	}
}
