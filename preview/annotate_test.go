package preview_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/preview"
)

func TestAnnotate_Objects_BoxesDrawn(t *testing.T) {
	t.Parallel()
	m := gocv.NewMatWithSize(120, 160, gocv.MatTypeCV8UC3)
	defer m.Close()
	id := int64(9)
	objs := []event.Object{
		{Label: "person", Score: .9, Box: event.Box{40, 50, 80, 110}},
		{Label: "person", Score: .4, Box: event.Box{100, 0, 160, 120}, TrackID: &id},
	}
	require.NoError(t, preview.Annotate(&m, objs))
	require.NotEqual(t, gocv.Vecb{0, 0, 0}, m.GetVecbAt(80, 40), "left edge of the first box")
	require.Equal(t, gocv.Vecb{0, 0, 0}, m.GetVecbAt(80, 60), "inside of it")

	path := filepath.Join(t.TempDir(), "out", "demo.jpg")
	require.NoError(t, preview.SaveJPEG(path, &m))
	back := gocv.IMRead(path, gocv.IMReadColor)
	defer back.Close()
	require.Equal(t, 160, back.Cols())
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1)
}
