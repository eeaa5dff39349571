package detect

import (
	"bytes"
	"context"
	"errors"
	"image"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/usage"
)

// reviewed shows n frames of 192x144 to a model check, a square in each further to
// the right if it moves, and returns the lines it logged.
func reviewed(t *testing.T, n int, moves bool, objects func(i int) []event.Object) []string {
	t.Helper()
	var text bytes.Buffer
	r := newModelCheck(detector.Spec{Name: "m", Decoder: "yolox"}, nil, slog.New(slog.NewTextHandler(&text, nil)))
	for i := range n {
		f := &ingest.Frame{Seq: int64(i), PTS: time.Duration(i) * 100 * time.Millisecond}
		f.Image = gocv.NewMatWithSize(144, 192, gocv.MatTypeCV8UC3)
		f.Image.SetTo(gocv.NewScalar(0, 0, 0, 0))
		x := 0
		if moves {
			x = i * 7 % 160
		}
		square := f.Image.Region(image.Rect(x, 40, x+30, 70))
		square.SetTo(gocv.NewScalar(200, 200, 200, 0))
		var found []event.Object
		if objects != nil {
			found = objects(i)
		}
		r.observeScores([]event.Object{{Score: 0.125}})
		r.add(f, image.Rect(0, 0, 192, 144), found)
		require.NoError(t, square.Close())
		require.NoError(t, f.Image.Close())
	}
	return strings.Split(strings.TrimSpace(text.String()), "\n")
}

func boxes(all ...event.Box) (objects []event.Object) {
	for _, b := range all {
		objects = append(objects, event.Object{Label: event.Person, Score: 0.9, Box: b})
	}
	return objects
}

func TestReview_NothingFoundWhileSomethingMoves_IsToldOnce(t *testing.T) {
	t.Parallel()
	lines := reviewed(t, 500, true, nil)
	require.Len(t, lines, 1)
	require.Contains(t, lines[0], "nothing was detected so far, while something moved")
	require.Contains(t, lines[0], "unless none of the classes was in view")
	require.Contains(t, lines[0], "highest_score=0.125")
	require.Contains(t, lines[0], "decoder=yolox")

	require.Equal(t, []string{""}, reviewed(t, 190, true, nil), "too few frames to say anything")
	require.Equal(t, []string{""}, reviewed(t, 500, false, nil), "nothing moved")
	require.Equal(t, []string{""}, reviewed(t, 500, true, func(i int) []event.Object {
		if i == 150 {
			return boxes(event.Box{10, 20, 30, 90})
		}
		return nil
	}), "somebody was found")
}

func TestReview_WholeFrameBoxesAlone_AreToldOnce(t *testing.T) {
	t.Parallel()
	whole := event.Box{0, 1, 192, 144}
	lines := reviewed(t, 100, false, func(int) []event.Object { return boxes(whole, whole) })
	require.Len(t, lines, 1)
	require.Contains(t, lines[0], "every detection so far is as large as the frame")
	require.Contains(t, lines[0], "detections=50")

	require.Equal(t, []string{""}, reviewed(t, 100, false, func(i int) []event.Object {
		if i == 20 {
			return boxes(whole, event.Box{10, 20, 30, 90})
		}
		return boxes(whole)
	}), "others were found, too")
}

// A fault of the model concerns every frame: it is reported at once, not 25 times.
func TestOnDetectError_FaultOfTheModel_EndsTheCamera(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	c := &cameraLoop{log: slog.New(slog.NewTextHandler(&text, nil))}
	failed := 0
	err := c.onDetectError(context.Background(), &ingest.Frame{}, usage.New("name its decoder", "model m: no"), &failed)
	require.True(t, usage.Is(err))
	require.EqualError(t, err, "model m: no; name its decoder")
	require.Empty(t, text.String())
	require.NoError(t, c.onDetectError(context.Background(), &ingest.Frame{}, errors.New("this frame alone"), &failed))
}
