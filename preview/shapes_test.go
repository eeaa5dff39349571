package preview

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/detector/zone"
)

func TestDrawShapes_ZoneAndLine_DrawnWithDirection(t *testing.T) {
	t.Parallel()
	shapes := zone.Options{
		Zones: []zone.Zone{{Name: "door", Polygon: []zone.Point{{X: .1, Y: .1}, {X: .3, Y: .1}, {X: .3, Y: .6}, {X: .1, Y: .6}}}},
		Lines: []zone.Line{{Name: "gate", A: zone.Point{X: .5, Y: .25}, B: zone.Point{X: .5, Y: .75}}},
	}
	m := gocv.NewMatWithSize(480, 640, gocv.MatTypeCV8UC3)
	defer m.Close()
	m.SetTo(gocv.NewScalar(0, 0, 0, 0))
	require.NoError(t, DrawShapes(&m, shapes))
	red := func(x, y int) uint8 { return m.GetUCharAt(y, 3*x+2) }
	blue := func(x, y int) uint8 { return m.GetUCharAt(y, 3*x) }
	require.Equal(t, zoneColour.B, blue(128, 47), "the zone's edge")
	require.Equal(t, lineColour.R, red(319, 300), "the line")
	require.Equal(t, lineColour.R, red(300, 239), "the arrow: in is to the right of who looks down the line")
	require.Zero(t, red(340, 239))
}
