package detect

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/config"
)

func TestPreviewShowsZonesAndTheWayThatIsIn(t *testing.T) {
	t.Parallel()
	shapes, err := shapesOf("porch", config.Camera{
		Zones: map[string][]config.Point{"door": {{.1, .1}, {.3, .1}, {.3, .6}, {.1, .6}}},
		Lines: map[string][]config.Point{"gate": {{.5, .25}, {.5, .75}}},
	}, true)
	require.NoError(t, err)
	m := gocv.NewMatWithSize(480, 640, gocv.MatTypeCV8UC3)
	defer m.Close()
	m.SetTo(gocv.NewScalar(0, 0, 0, 0))
	require.NoError(t, drawShapes(&m, shapes))
	red := func(x, y int) uint8 { return m.GetUCharAt(y, 3*x+2) }
	blue := func(x, y int) uint8 { return m.GetUCharAt(y, 3*x) }
	require.Equal(t, zoneColour.B, blue(128, 47), "the zone's edge")
	require.Equal(t, lineColour.R, red(319, 300), "the line")
	require.Equal(t, lineColour.R, red(300, 239), "the arrow: in is to the right of who looks down the line")
	require.Zero(t, red(340, 239))
}
