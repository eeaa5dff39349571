package event_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
)

func TestStretchDrawn_ManyRuns_AsManyAsAskedAndUnrelated(t *testing.T) {
	t.Parallel()
	const aDay, days = 864, 10 // a tenth
	drawn, both := 0, 0
	for run := range days {
		name := strconv.Itoa(run)
		for k := range int64(event.StretchesADay) {
			is, next := event.StretchDrawn(name, k, aDay), event.StretchDrawn(name, k+1, aDay)
			if is != event.StretchDrawn(name, k, aDay) || event.StretchDrawn(name, k, 0) || !event.StretchDrawn(name, k, event.StretchesADay) ||
				is && !event.StretchDrawn(name, k, 2*aDay) {
				t.Fatalf("stretch %d: who asks for more keeps those", k)
			}
			if is {
				drawn++
				if next {
					both++
				}
			}
		}
	}
	const all = days * 8640
	require.InDelta(t, .1, float64(drawn)/all, .005)
	require.InDelta(t, .01, float64(both)/all, .002, "one says nothing of the next")
}

func TestSnapshot_OfAStretch_KeyAndLimits(t *testing.T) {
	t.Parallel()
	s := event.Snapshot{Camera: "porch", Run: "r1", TrackID: event.StretchTrack, Crossing: 7, Step: 19,
		CapturedAt: event.At(time.Unix(1e9, 0)), JPEG: []byte("\xff\xd8 x")}
	b, err := s.Encode()
	require.NoError(t, err)
	got, err := event.DecodeSnapshot(b)
	require.NoError(t, err)
	require.Equal(t, "porch/r1/0/7/19", got.Key())
	key, err := event.ParseSnapshotKey("porch/r1/0/7/19")
	require.NoError(t, err)
	require.Equal(t, []any{int64(0), int64(7), 19}, []any{key.TrackID, key.Crossing, key.Step})
	for says, change := range map[string]func(*event.Snapshot){
		"step is 20": func(s *event.Snapshot) { s.Step = 20 },
		"step is -1": func(s *event.Snapshot) { s.Step = -1 },
		"step is 2":  func(s *event.Snapshot) { s.TrackID, s.Step = 3, 2 },
	} {
		bad := s
		change(&bad)
		require.ErrorContains(t, bad.Validate(), says)
	}
}
