package event_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
)

func occupancy() *event.Occupancy {
	start := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	return &event.Occupancy{
		Camera: "porch", Run: "r1", Zone: "door", WindowStart: event.At(start), WindowEnd: event.At(start.Add(time.Minute)),
		Frames: 8, PeopleFrames: 3, People: 5, MaxPeople: 2, Seconds: 2, Dropped: 4,
	}
}

func TestOccupancy_EncodedAndDecoded_Same(t *testing.T) {
	t.Parallel()
	o := occupancy()
	b, err := o.Encode()
	require.NoError(t, err)
	require.Contains(t, string(b), `"event_id":"porch/r1/2026-05-01T10:00:00Z/60/door"`)
	require.Contains(t, string(b), `"avg_people":0.63,`, "0.625, rounded half up")
	require.Contains(t, string(b), `"window_end":"2026-05-01T10:01:00.000000Z"`)
	got, err := event.DecodeOccupancy(b)
	require.NoError(t, err)
	require.Equal(t, o, got)
}

func TestDecodeOccupancy_ImpossibleValue_Error(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*event.Occupancy){
		"camera":      func(o *event.Occupancy) { o.Camera = "" },
		"run":         func(o *event.Occupancy) { o.Run = "" },
		"zone":        func(o *event.Occupancy) { o.Zone = string(make([]byte, event.MaxName+1)) },
		"no window":   func(o *event.Occupancy) { o.WindowEnd = o.WindowStart },
		"long window": func(o *event.Occupancy) { o.WindowEnd = event.At(o.WindowStart.Add(event.MaxWindow + time.Second)) },
		"fraction":    func(o *event.Occupancy) { o.WindowStart = event.At(o.WindowStart.Add(time.Millisecond)) },
		"time": func(o *event.Occupancy) {
			o.WindowStart, o.WindowEnd = event.Time{}, event.At(event.Time{}.Add(time.Minute))
		},
		"people frames": func(o *event.Occupancy) { o.PeopleFrames = 9; o.People = 9 },
		"people":        func(o *event.Occupancy) { o.People = 2 },
		"max people":    func(o *event.Occupancy) { o.MaxPeople = 6 },
		"no max":        func(o *event.Occupancy) { o.MaxPeople = 0 },
		"seconds":       func(o *event.Occupancy) { o.Seconds = 9 },
		"no seconds":    func(o *event.Occupancy) { o.Seconds = 0 },
		"late":          func(o *event.Occupancy) { o.Zone, o.Late = "", -1 },
		"late in zone":  func(o *event.Occupancy) { o.Late = 1 },
	} {
		o := occupancy()
		spoil(o)
		b, err := o.Encode()
		require.NoError(t, err, name)
		_, err = event.DecodeOccupancy(b)
		require.Error(t, err, name)
	}
	b, err := occupancy().Encode()
	require.NoError(t, err)
	for _, change := range []string{`{"schema_version":2}`, `{"event_id":"porch"}`, `{"avg_people":0.62}`, `{"frames":0}`, `[`} {
		_, err := event.DecodeOccupancy(merge(t, b, change))
		require.Error(t, err, change)
	}
}

// merge returns the object a with the fields of b.
func merge(t *testing.T, a []byte, b string) []byte {
	t.Helper()
	if b == "[" {
		return []byte(b)
	}
	return append(append(a[:len(a)-1:len(a)-1], ','), b[1:]...) // the last of two equal names counts
}

func FuzzDecodeOccupancy(f *testing.F) {
	b, err := occupancy().Encode()
	require.NoError(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := event.DecodeOccupancy(b)
		if err != nil {
			return
		}
		again, err := o.Encode()
		require.NoError(t, err)
		got, err := event.DecodeOccupancy(again)
		require.NoError(t, err)
		require.Equal(t, o, got)
	})
}
