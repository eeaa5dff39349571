package detector_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
)

func TestAnnotatedPictureShowsTheBoxes(t *testing.T) {
	t.Parallel()
	m := gocv.NewMatWithSize(120, 160, gocv.MatTypeCV8UC3)
	defer m.Close()
	id := int64(9)
	objs := []event.Object{
		{Label: "person", Score: .9, Box: event.Box{40, 50, 80, 110}},
		{Label: "person", Score: .4, Box: event.Box{100, 0, 160, 120}, TrackID: &id},
	}
	require.NoError(t, detector.Annotate(&m, objs))
	require.NotEqual(t, gocv.Vecb{0, 0, 0}, m.GetVecbAt(80, 40), "left edge of the first box")
	require.Equal(t, gocv.Vecb{0, 0, 0}, m.GetVecbAt(80, 60), "inside of it")

	path := filepath.Join(t.TempDir(), "out", "demo.jpg")
	require.NoError(t, detector.SaveJPEG(path, &m))
	back := gocv.IMRead(path, gocv.IMReadColor)
	defer back.Close()
	require.Equal(t, 160, back.Cols())
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1)
}

// TestLookAtIt writes a picture for a person to look at, where one is asked
// for: go test ./detector -run LookAtIt -look out/look.jpg
func TestLookAtIt(t *testing.T) {
	if *look == "" {
		t.Skip("no -look FILE given")
	}
	d, err := detector.New(session(t, *lookModel), detector.Options{Classes: []string{"person"}})
	require.NoError(t, err)
	eachFrame(t, "video/vtest.avi", 400, func(f *ingest.Frame) {
		objs, err := d.Detect(f, nil)
		require.NoError(t, err)
		require.NoError(t, detector.Annotate(&f.Image, objs))
		require.NoError(t, detector.SaveJPEG(*look, &f.Image))
	})
}
