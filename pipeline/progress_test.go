package pipeline

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProgressTotals_ChildRestarted_CountsAddUp(t *testing.T) {
	m := newProgressTotals()
	of := func(c CameraStatus) Status { return Status{Cameras: []CameraStatus{c}} }
	m.child(1, of(CameraStatus{ID: "a", Next: 10, Frames: 5, Objects: 7, Sent: 5, Acked: 3, Skipped: 2, People: 4}))
	m.child(2, of(CameraStatus{ID: "a", Next: 13, Frames: 1}))
	m.child(2, of(CameraStatus{ID: "a", Next: 13, Frames: 20, Objects: 1, Sent: 20, Acked: 18, Dropped: 1}))
	m.child(3, of(CameraStatus{ID: "a", AtEnd: true, State: Ended}))
	require.Equal(t, []CameraStatus{{
		ID: "a", Next: 10, Frames: 25, Objects: 8, Sent: 21, Acked: 21, Skipped: 2, Dropped: 1, State: Ended,
	}}, m.cameras())
	require.Equal(t, of(CameraStatus{ID: "a", AtEnd: true, State: Ended}), m.status())
}

func TestTotalLag_LogAndDetect_AddUpWhereKnown(t *testing.T) {
	of := Status{Cameras: []CameraStatus{{Sent: 9, Acked: 4}, {Sent: 3, Acked: 3}, {Sent: 1, Acked: 2}}}
	require.EqualValues(t, 5, of.unacknowledged())
	require.EqualValues(t, 12, totalLag(7, of.unacknowledged()))
	require.EqualValues(t, 5, totalLag(0, of.unacknowledged()), "a full disk: nothing is in the log that is not in the tables")
	require.EqualValues(t, -1, totalLag(-1, of.unacknowledged()), "not known")
}
