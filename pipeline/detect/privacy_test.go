package detect

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/detector/zone"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
)

func TestResolve_Privacy_CamerasOwnWinsAndPeopleMustBeDetected(t *testing.T) {
	t.Parallel()
	job := pipeline.Job{
		Detect: config.Detect{
			Source: []string{"door=test://people", "yard=test://people"}, Model: "person-nano", Classes: []string{"person"},
			Privacy: config.Privacy{Privacy: "faces"}, Track: "off",
		},
		Cameras: map[string]config.CameraSettings{"yard": {Privacy: "off"}},
	}
	s, err := resolve(job)
	require.NoError(t, err)
	require.Equal(t, "faces", s.cameras[0].Privacy)
	require.Equal(t, "off", s.cameras[1].Privacy)
	require.Equal(t, Thresholds{Report: 0.4, Detect: 0.1}, s.thresholds(0.4), "people of low scores are hidden, too")

	job.Detect.Classes = []string{"dog"}
	_, err = resolve(job)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "camera door: privacy is faces, but people are not detected")
	job.Cameras["door"] = config.CameraSettings{Privacy: "off"}
	s, err = resolve(job)
	require.NoError(t, err)
	require.Equal(t, Thresholds{Report: 0.4, Detect: 0.4}, s.thresholds(0.4))
}

// Detections whose only use is to be hidden are not reported.
func TestTrack_LowScoresWithoutTracking_AreNotReported(t *testing.T) {
	t.Parallel()
	s := newScene(cameraSettings{spec: ingest.Spec{ID: "porch"}, shapes: zone.Options{}}, false, 0.3)
	require.NoError(t, s.open(0))
	objects := []event.Object{{Score: .9}, {Index: 1, Score: .3}, {Index: 2, Score: .29}, {Index: 3, Score: .1}}
	require.Len(t, s.track(objects, event.Size{Width: 100, Height: 100}, time.Second), 2)
}
