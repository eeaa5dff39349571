package event_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
)

func sample() *event.Sighting {
	at := time.Date(2026, 5, 1, 12, 0, 0, 123456789, time.FixedZone("", 7200))
	return &event.Sighting{
		Camera: "porch", Run: "r1", Seq: 7, SourceKind: event.SourceFile, PTS: 700_000,
		CapturedAt: event.At(at), GrabbedAt: event.At(at.Add(time.Second)),
		Frame:   event.Size{Width: 768, Height: 576},
		Model:   event.Model{Name: "m", Input: [2]int{416, 320}, Provider: "cpu"},
		Objects: []event.Object{{Index: 0, Label: "person", Score: .5, Box: event.Box{1, 2, 3, 4}}},
	}
}

func TestSighting_EncodedAndDecoded_Same(t *testing.T) {
	s := sample()
	b, err := s.Encode()
	require.NoError(t, err)
	require.Contains(t, string(b), `"captured_at":"2026-05-01T10:00:00.123456Z"`)
	require.Contains(t, string(b), `"event_id":"porch/r1/7"`)
	require.Contains(t, string(b), `"decoded_at":null`)
	got, err := event.DecodeSighting(b)
	require.NoError(t, err)
	require.Equal(t, s, got)
}

func TestSighting_NoObjects_EncodesAnEmptyList(t *testing.T) {
	s := sample()
	s.Objects = nil
	b, err := s.Encode()
	require.NoError(t, err)
	require.Contains(t, string(b), `"objects":[]`)
}

func TestDecodeSighting_CannotBeStored_Error(t *testing.T) {
	for name, spoil := range map[string]func(*event.Sighting){
		"camera":    func(s *event.Sighting) { s.Camera = "Porch!" },
		"run":       func(s *event.Sighting) { s.Run = "" },
		"seq":       func(s *event.Sighting) { s.Seq = -1 },
		"time":      func(s *event.Sighting) { s.CapturedAt = event.Time{} },
		"wild time": func(s *event.Sighting) { s.CapturedAt = event.At(time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)) },
		"frame":     func(s *event.Sighting) { s.Frame.Width = 0 },
		"stage":     func(s *event.Sighting) { s.GrabbedAt = event.At(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)) },
		"score":     func(s *event.Sighting) { s.Objects[0].Score = 1.01 },
		"score < 0": func(s *event.Sighting) { s.Objects[0].Score = -0.01 },
		"inverted":  func(s *event.Sighting) { s.Objects[0].Box = event.Box{3, 2, 1, 4} },
		"upside":    func(s *event.Sighting) { s.Objects[0].Box = event.Box{1, 4, 3, 2} },
		"index":     func(s *event.Sighting) { s.Objects[0].Index = 3 },
		"zone":      func(s *event.Sighting) { s.Objects[0].Zones = []string{""} },
		"zones":     func(s *event.Sighting) { s.Objects[0].Zones = make([]string, event.MaxZones+1) },
	} {
		t.Run(name, func(t *testing.T) {
			s := sample()
			spoil(s)
			b, err := s.Encode()
			require.NoError(t, err)
			_, err = event.DecodeSighting(b)
			require.Error(t, err)
		})
	}
	s := sample()
	s.Objects[0].Score = float32(math.NaN())
	_, err := s.Encode()
	require.Error(t, err)
}

func TestSighting_ObjectInZones_ZonesEncoded(t *testing.T) {
	s := sample()
	b, err := s.Encode()
	require.NoError(t, err)
	require.NotContains(t, string(b), "zones")
	s.Objects[0].Zones = []string{"door", "yard"}
	b, err = s.Encode()
	require.NoError(t, err)
	require.Contains(t, string(b), `"zones":["door","yard"]`)
	got, err := event.DecodeSighting(b)
	require.NoError(t, err)
	require.Equal(t, s, got)
}

func crossing() *event.Crossing {
	c := sample().Crossing()
	c.Line, c.Direction, c.TrackID, c.Label = "gate", event.In, 5, "person"
	return &c
}

func TestCrossing_EncodedAndDecoded_Same(t *testing.T) {
	c := crossing()
	b, err := c.Encode()
	require.NoError(t, err)
	require.Contains(t, string(b), `"event_id":"porch/r1/7/5/gate"`)
	require.Contains(t, string(b), `"captured_at":"2026-05-01T10:00:00.123456Z"`)
	got, err := event.DecodeCrossing(b)
	require.NoError(t, err)
	require.Equal(t, c, got)
}

func TestDecodeCrossing_CannotBeStored_Error(t *testing.T) {
	for name, spoil := range map[string]func(*event.Crossing){
		"camera":    func(c *event.Crossing) { c.Camera = "" },
		"run":       func(c *event.Crossing) { c.Run = "" },
		"seq":       func(c *event.Crossing) { c.Seq = -1 },
		"time":      func(c *event.Crossing) { c.CapturedAt = event.Time{} },
		"line":      func(c *event.Crossing) { c.Line = "" },
		"direction": func(c *event.Crossing) { c.Direction = "up" },
	} {
		t.Run(name, func(t *testing.T) {
			c := crossing()
			spoil(c)
			b, err := c.Encode()
			require.NoError(t, err)
			_, err = event.DecodeCrossing(b)
			require.Error(t, err)
		})
	}
}

func TestRun_EncodedAndDecoded_Same(t *testing.T) {
	r := &event.Run{ID: "r1", Camera: "porch", SourceKind: event.SourceFile, StartedAt: event.At(time.Unix(5, 0))}
	b, err := r.Encode()
	require.NoError(t, err)
	require.Contains(t, string(b), `"finished_at":null`)
	got, err := event.DecodeRun(b)
	require.NoError(t, err)
	require.Equal(t, r, got)
}

func TestDecodeRun_BadEnd_Error(t *testing.T) {
	r := &event.Run{ID: "r1", Camera: "porch", StartedAt: event.At(time.Unix(5, 0)), FinishedAt: event.At(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))}
	b, err := r.Encode()
	require.NoError(t, err)
	_, err = event.DecodeRun(b)
	require.ErrorContains(t, err, "finished_at is outside 1970..2199")
}

func TestDecodeRun_Shapes_AreKeptOrRefused(t *testing.T) {
	door := event.Shape{Kind: event.ShapeZone, Name: "door", Points: [][2]float64{{0, 0}, {0.5, 0}, {0.25, 1}}}
	run := func(shapes ...event.Shape) []byte {
		r := &event.Run{ID: "r1", Camera: "porch", StartedAt: event.At(time.Unix(5, 0)), Shapes: shapes}
		b, err := r.Encode()
		require.NoError(t, err)
		return b
	}
	r, err := event.DecodeRun(run(door))
	require.NoError(t, err)
	require.Equal(t, []event.Shape{door}, r.Shapes)
	for want, shapes := range map[string][]event.Shape{
		`decode run r1: shape "a" is of kind "circle"`: {door, {Kind: "circle", Name: "a"}},
		"the name of a line is empty":                  {{Kind: event.ShapeLine}},
		"257 shapes, at most 256":                      slices.Repeat([]event.Shape{door}, event.MaxZones+1),
	} {
		_, err := event.DecodeRun(run(shapes...))
		require.ErrorContains(t, err, want)
	}
}

func FuzzDecodeSighting(f *testing.F) {
	for _, s := range []*event.Sighting{sample(), whole()} {
		b, _ := s.Encode()
		f.Add(b)
	}
	f.Add([]byte(`{"schema_version":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		sameAsStandard(t, b)
		s, err := event.DecodeSighting(b)
		if err != nil {
			return
		}
		again, err := s.Encode()
		require.NoError(t, err)
		require.True(t, json.Valid(again))
	})
}

func FuzzDecodeCrossing(f *testing.F) {
	b, _ := crossing().Encode()
	f.Add(b)
	f.Add([]byte(`{"schema_version":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := event.DecodeCrossing(b)
		if err != nil {
			return
		}
		again, err := c.Encode()
		require.NoError(t, err)
		require.True(t, json.Valid(again))
	})
}
