package event_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
)

// decodeAsStandard is DecodeSighting with the standard library's decoder.
func decodeAsStandard(b []byte) (*event.Sighting, bool) {
	var s event.Sighting
	if json.Unmarshal(b, &s) != nil || s.Validate() != nil {
		return nil, false
	}
	for i := range s.Objects {
		s.Objects[i].Label = event.ClassName(s.Objects[i].Label)
	}
	return &s, true
}

// sameAsStandard asserts that a record is read as the standard library reads it: those that
// are in the log, whoever wrote them, keep their meaning.
func sameAsStandard(t *testing.T, b []byte) {
	t.Helper()
	want, ok := decodeAsStandard(b)
	got, err := event.DecodeSighting(b)
	require.Equal(t, ok, err == nil, "%s: %v", b, err)
	require.Equal(t, want, got)
}

func TestDecodeSighting_OddJSON_AsTheStandardLibrary(t *testing.T) {
	t.Parallel()
	b, err := sample().Encode()
	require.NoError(t, err)
	sameAsStandard(t, b)
	for _, change := range []string{
		`{"SEQ":8,"event_id":"porch/r1/8"}`, `{"seq":null}`, `{"seq":7.0}`, `{"seq":7e0}`, `{"seq":"7"}`, `{"seq":99999999999999999999}`,
		`{"frame":null}`, `{"frame":{"width":1}}`, `{"objects":null}`, `{"objects":[]}`, `{"objects":{}}`, `{"captured_at":null}`, `{"captured_at":"now"}`,
		"{\"run\":\"\xff\"}", `{"run":"\ud800"}`, `{"unknown":[{"a":{}}]}`, `{"camera":"other","camera":"porch"}`,
		`{"objects":[{"index":0,"label":" Person","score":1e-50,"box":[1,2,3]}]}`, `{"objects":[{"index":0,"score":1e50,"box":[1,2,3,4]}]}`,
		`{"objects":[{"index":0,"box":[1,2,3,4,5],"track_id":null,"zones":null}]}`, `{"objects":[null]}`, `{"model":{"input":[1,2,3]}} x`, `[`,
	} {
		sameAsStandard(t, merge(t, b, change))
	}
}

// BenchmarkDecodeSighting decodes a frame with six people, and beside it in the same run
// the same by the standard library.
func BenchmarkDecodeSighting(b *testing.B) {
	s := sample()
	for i := range 6 {
		track := int64(i)
		s.Objects = append(s.Objects[:i], event.Object{Index: i, Label: "person", Score: .91234, Box: event.Box{float32(100 * i), 20.125, float32(100*i) + 50.37, 160.75}, TrackID: &track})
	}
	text, err := s.Encode()
	require.NoError(b, err)
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := event.DecodeSighting(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("standard", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := decodeAsStandard(text); !ok {
				b.Fatal()
			}
		}
	})
}
