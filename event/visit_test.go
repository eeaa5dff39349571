package event_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
)

// visit is one of 130.5 seconds.
func visit(kind string) *event.Visit {
	v := sample().Visit()
	v.Kind, v.Zone, v.TrackID, v.Label = kind, "till", 5, "person"
	v.EnteredAt = v.CapturedAt
	v.CapturedAt = event.At(v.CapturedAt.Add(140 * time.Second))
	switch kind {
	case event.Entered:
		v.CapturedAt = v.EnteredAt
	case event.Loitering:
		v.ThresholdS = 120
	case event.Left:
		v.LeftAt = event.At(v.EnteredAt.Add(130500 * time.Millisecond))
	}
	return &v
}

func TestVisit_EncodedAndDecoded_Same(t *testing.T) {
	t.Parallel()
	for kind, has := range map[string]string{
		event.Entered:   `"entered_at":"2026-05-01T10:00:00.123456Z","dwell_s":0}`,
		event.Loitering: `"entered_at":"2026-05-01T10:00:00.123456Z","dwell_s":140,"threshold_s":120}`,
		event.Left:      `"entered_at":"2026-05-01T10:00:00.123456Z","left_at":"2026-05-01T10:02:10.623456Z","dwell_s":130.5}`,
	} {
		v := visit(kind)
		b, err := v.Encode()
		require.NoError(t, err)
		require.Contains(t, string(b), `"event_id":"porch/r1/5/till/2026-05-01T10:00:00.123456Z/`+kind+`"`)
		require.Contains(t, string(b), has)
		got, err := event.DecodeVisit(b)
		require.NoError(t, err)
		require.Equal(t, v, got)
	}
}

func TestDecodeVisit_ImpossibleValue_Error(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind  string
		spoil func(*event.Visit)
	}{
		"camera":            {event.Left, func(v *event.Visit) { v.Camera = "" }},
		"run":               {event.Left, func(v *event.Visit) { v.Run = "" }},
		"seq":               {event.Left, func(v *event.Visit) { v.Seq = -1 }},
		"zone":              {event.Left, func(v *event.Visit) { v.Zone = "" }},
		"kind":              {event.Left, func(v *event.Visit) { v.Kind = "gone" }},
		"time":              {event.Entered, func(v *event.Visit) { v.CapturedAt = event.Time{} }},
		"entered":           {event.Entered, func(v *event.Visit) { v.EnteredAt = event.Time{} }},
		"no end":            {event.Left, func(v *event.Visit) { v.LeftAt = event.Time{} }},
		"end before start":  {event.Left, func(v *event.Visit) { v.LeftAt = event.At(v.EnteredAt.Add(-time.Second)) }},
		"end while there":   {event.Loitering, func(v *event.Visit) { v.LeftAt = v.CapturedAt }},
		"no threshold":      {event.Loitering, func(v *event.Visit) { v.ThresholdS = 0 }},
		"not reached":       {event.Loitering, func(v *event.Visit) { v.ThresholdS = 141 }},
		"thing enters":      {event.Entered, func(v *event.Visit) { v.Thing = true }},
		"threshold of left": {event.Left, func(v *event.Visit) { v.ThresholdS = 120 }},
	} {
		v := visit(c.kind)
		c.spoil(v)
		b, err := v.Encode()
		require.NoError(t, err, name)
		_, err = event.DecodeVisit(b)
		require.Error(t, err, name)
	}
	b, err := visit(event.Left).Encode()
	require.NoError(t, err)
	for field, other := range map[string]any{"dwell_s": 130, "event_id": "porch/r1/5/till/left", "schema_version": 2} {
		var fields map[string]any
		require.NoError(t, json.Unmarshal(b, &fields))
		fields[field] = other
		spoilt, err := json.Marshal(fields)
		require.NoError(t, err)
		_, err = event.DecodeVisit(spoilt)
		require.ErrorContains(t, err, field)
	}
}

func FuzzDecodeVisit(f *testing.F) {
	for _, kind := range []string{event.Entered, event.Loitering, event.Left} {
		b, _ := visit(kind).Encode()
		f.Add(b)
	}
	f.Add([]byte(`{"schema_version":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := event.DecodeVisit(b)
		if err != nil {
			return
		}
		again, err := v.Encode()
		require.NoError(t, err)
		require.True(t, json.Valid(again))
	})
}
