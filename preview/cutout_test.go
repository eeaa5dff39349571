package preview_test

import (
	"image"
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/preview"
)

func TestMark_BoxTextAndPath_Drawn(t *testing.T) {
	t.Parallel()
	m := gocv.NewMatWithSize(120, 160, gocv.MatTypeCV8UC3)
	defer m.Close()
	black := gocv.Vecb{0, 0, 0}
	require.NoError(t, preview.Mark(&m, image.Rect(40, 50, 80, 110), "counted in", 3, []image.Point{{100, 100}, {140, 100}}))
	require.NotEqual(t, black, m.GetVecbAt(80, 40), "left edge of the box")
	require.Equal(t, black, m.GetVecbAt(80, 60), "inside of it")
	require.NotEqual(t, black, m.GetVecbAt(100, 120), "the path")
	require.NotEqual(t, black, m.GetVecbAt(47, 41), "the text's ground above the box")
}

func TestDrawLine_PointNearIt_ArrowToTheRight(t *testing.T) {
	t.Parallel()
	m := gocv.NewMatWithSize(241, 241, gocv.MatTypeCV8UC3)
	defer m.Close()
	// Downwards in the middle: its right, seen from the first point, is the left of the picture.
	require.NoError(t, preview.DrawLine(&m, "gate", [2][2]float64{{.5, 0}, {.5, 1}}, image.Pt(200, 200)))
	require.NotEqual(t, gocv.Vecb{0, 0, 0}, m.GetVecbAt(200, 110), "the arrow at the height of the point")
	require.Equal(t, gocv.Vecb{0, 0, 0}, m.GetVecbAt(200, 130))
	require.NotEqual(t, gocv.Vecb{0, 0, 0}, m.GetVecbAt(120, 100), "the arrow in the middle")
}

func TestCutout_Region_IsScaledDownNotUp(t *testing.T) {
	t.Parallel()
	m := gocv.NewMatWithSize(100, 200, gocv.MatTypeCV8UC3)
	defer m.Close()
	for region, want := range map[image.Rectangle]image.Point{
		image.Rect(0, 0, 200, 100):    image.Pt(50, 25),
		image.Rect(180, -50, 400, 40): image.Pt(20, 40), // what is inside of the picture
	} {
		b, err := preview.Cutout(&m, region, 50)
		require.NoError(t, err)
		back, err := gocv.IMDecode(b, gocv.IMReadColor)
		require.NoError(t, err)
		require.Equal(t, want, image.Pt(back.Cols(), back.Rows()), "%v", region)
		require.NoError(t, back.Close())
	}
	_, err := preview.Cutout(&m, image.Rect(300, 0, 400, 50), 50)
	require.ErrorContains(t, err, "outside the picture")
}
