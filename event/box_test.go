package event_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
)

func TestBox_Pairs_IntersectionOverUnion(t *testing.T) {
	t.Parallel()
	a := event.Box{0, 0, 10, 10}
	for _, c := range []struct {
		name      string
		b         event.Box
		both, iou float64
	}{
		{"the same", a, 100, 1},
		{"shifted", event.Box{2, 0, 12, 10}, 80, 80.0 / 120},
		{"inside", event.Box{0, 0, 5, 10}, 50, 0.5},
		{"side by side", event.Box{10, 0, 20, 10}, 0, 0},
		{"apart", event.Box{30, 30, 40, 40}, 0, 0},
		{"empty", event.Box{5, 5, 5, 5}, 0, 0},
		{"turned inside out", event.Box{8, 8, 2, 2}, 0, 0},
	} {
		require.InDelta(t, c.both, a.Intersection(c.b), 1e-9, c.name)
		require.InDelta(t, c.iou, a.IoU(c.b), 1e-9, c.name)
		require.InDelta(t, c.iou, c.b.IoU(a), 1e-9, c.name)
	}
	require.Zero(t, event.Box{}.IoU(event.Box{}), "two empty boxes")
	require.Zero(t, event.Box{8, 8, 2, 2}.Area())
}
