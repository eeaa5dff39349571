package ingest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A playlist that is opened again gives three segments that were read: the frames
// of the longest are known, and no more are kept than those.
func TestHistory_ThreeLongSegments_AreKnown(t *testing.T) {
	t.Parallel()
	window := int64(3 * maxSegment / time.Second * 60)
	var h history
	for id := range 5 * window {
		h.add(timedFrame{id: id})
	}
	for id := 4 * window; id < 5*window; id++ {
		require.True(t, h.holds(timedFrame{id: id}, false), "frame %d", id)
	}
	require.False(t, h.holds(timedFrame{id: 0}, false))
	require.Len(t, h.known, maxHistory)
	require.Len(t, h.recent, maxHistory)
}
