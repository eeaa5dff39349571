package occupancy_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
)

// A run that a camera's state has no room for is not taken for a new one when one of its
// frames comes again, which would emit its window a second time.
func TestProcessor_FrameOfAnOldRun_IsLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	var all []*event.Sighting
	for range 12 {
		id, err := uuid.NewV7()
		require.NoError(t, err)
		for n := range 20 {
			all = append(all, frame("porch", id.String(), n))
		}
	}
	w.produce(all...)
	w.produce(all[3], all[25]) // of the first and the second run
	last, err := uuid.NewV7()
	require.NoError(t, err)
	w.produce(frame("porch", last.String(), 0))
	want := reference(time.Minute, time.Minute, all...)
	i := slices.IndexFunc(want, func(o event.Occupancy) bool { return o.Run == all[len(all)-1].Run && o.Zone == "" })
	want[i].Late = 2
	w.exactly(want)
}

// Runs of one camera may take turns, as those of two processes that read it do: each has
// its own windows, and a frame of a window that was emitted is late.
func TestProcessor_RunsTakeTurns_EachWindowOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	var all []*event.Sighting
	for n := range 400 { // 140 s
		all = append(all, frame("porch", "a", n), frame("porch", "b", n))
	}
	w.produce(all...)
	w.produce(frame("porch", "c", 0), frame("porch", "d", 0))
	var got []event.Occupancy
	w.await("the last run's record", func() bool {
		got = w.output()
		return slices.ContainsFunc(got, func(o event.Occupancy) bool { return o.Run == "c" })
	})
	frames := len(all)
	seen := make(map[string]bool)
	for _, o := range got {
		require.False(t, seen[o.EventID], fmt.Sprint(o))
		seen[o.EventID] = true
		if o.Zone == "" && o.Run != "c" {
			frames -= int(o.Frames)
		}
		frames -= int(o.Late)
	}
	require.Zero(t, frames, "each frame is in a window or late")
}
