package event_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
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
	_, generally := event.DecodeGeneral(b)
	require.Equal(t, fmt.Sprint(generally), fmt.Sprint(err), "the same error")
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

// whole is a sighting with each field that the JSON may have.
func whole() *event.Sighting {
	s, track, next := sample(), int64(70), int64(71)
	s.DecodedAt, s.InferredAt, s.ProducedAt = s.GrabbedAt, s.GrabbedAt, s.GrabbedAt
	s.DroppedBefore, s.Model.SHA256 = 3, strings.Repeat("0f", 32)
	s.Objects = append(s.Objects,
		event.Object{Index: 1, Label: "person", Score: .91234, Box: event.Box{432.18735, 20.125, 500.37, 160.75},
			TrackID: &track, State: event.StateNew, Zones: []string{"Tür", "yard 2"}},
		event.Object{Index: 2, ClassID: 7, Label: "truck", Score: 1, Box: event.Box{0, 0.1, 16777217, 33554433},
			TrackID: &next, Zones: []string{"yard 2"}})
	return s
}

// A field that the scanner does not know would leave every record to the general decoder.
func TestDecodeSighting_EachFieldSet_IsScanned(t *testing.T) {
	t.Parallel()
	s := whole()
	b, err := s.Encode()
	require.NoError(t, err)
	require.True(t, event.Scans(b))
	for _, v := range []reflect.Value{reflect.ValueOf(*s), reflect.ValueOf(s.Frame), reflect.ValueOf(s.Model), reflect.ValueOf(s.Objects[1])} {
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "ClassID" { // of the third object
				require.False(t, v.Field(i).IsZero(), "%s has to be set, so that this test knows it", name)
			}
		}
	}
	require.True(t, event.Scans(encoded(t, &event.Sighting{Camera: "porch", Run: "r1"})), "none of the optional ones")
}

func encoded(t *testing.T, s *event.Sighting) []byte {
	t.Helper()
	b, err := s.Encode()
	require.NoError(t, err)
	return b
}

// A record is changed at each place of it, one at a time: at most of them it is no longer as
// Encode writes it, and the scanner has to leave it to the general decoder.
func TestDecodeSighting_AnyPlaceSpelledOtherwise_AsTheStandardLibrary(t *testing.T) {
	t.Parallel()
	b, err := whole().Encode()
	require.NoError(t, err)
	sameAsStandard(t, b)
	for at := range len(b) + 1 {
		for _, other := range []string{
			"", " ", "\n", "0", "9", "-", ".", ".5", "e1", `"`, `\`, `\u0041`, "\x00", "\x7f", "\xff", "ü", ",", "}", "]", "{", "null", "z",
		} {
			sameAsStandard(t, []byte(string(b[:at])+other+string(b[at:])))
			if at < len(b) {
				sameAsStandard(t, []byte(string(b[:at])+other+string(b[at+1:])))
			}
		}
		sameAsStandard(t, b[:at])
	}
}

// Numbers in every spelling, as a score and as an edge: those that lie between two float32,
// in the middle or beside it, among them.
func TestDecodeSighting_Numbers_AsTheStandardLibrary(t *testing.T) {
	t.Parallel()
	b, err := sample().Encode()
	require.NoError(t, err)
	for _, number := range []string{
		"0", "0.0", "-0", "00", "01", "1.", ".5", "1e2", "1E-3", "0.1", "0.30000001192092896", "16777217", "16777217.0",
		"16777218.999", "33554434", "33554435", "0.000000000000001", "0.0000000000000001", "123456789012345",
		"1234567890123456", "12345678.9012345", "8388608.5", "8388609.5", "4194304.25", "4194304.75", "0.5000000298023224",
		"0.500000029802322", "1.00000005960464", "999999999999999", "3.5e38", "1e-46", "99999999999999999999999999999999999999999",
	} {
		sameAsStandard(t, []byte(strings.Replace(string(b), `"box":[1,2,3,4]`, `"box":[0,0,`+number+`,`+number+`]`, 1)))
		sameAsStandard(t, []byte(strings.Replace(string(b), `"score":0.5`, `"score":`+number, 1)))
		sameAsStandard(t, []byte(strings.Replace(string(b), `"pts_us":700000`, `"pts_us":`+number, 1)))
	}
	for i := range 2000 { // numbers beside the middle between two float32, which float64 does not tell from it
		middle := .5 + (float64(i)+.5)/(1<<24)
		number := strconv.FormatFloat(middle, 'f', 15, 64)
		sameAsStandard(t, []byte(strings.Replace(string(b), `"score":0.5`, `"score":`+number, 1)))
	}
}

func TestDecodeSighting_Times_AsTheStandardLibrary(t *testing.T) {
	t.Parallel()
	b, err := sample().Encode()
	require.NoError(t, err)
	for _, at := range []string{
		"2026-02-28T23:59:59.999999Z", "2026-02-29T00:00:00.000000Z", "2024-02-29T00:00:00.000000Z",
		"2026-13-01T00:00:00.000000Z", "2026-00-10T00:00:00.000000Z", "2026-04-31T00:00:00.000000Z",
		"2026-04-00T00:00:00.000000Z", "2026-04-01T24:00:00.000000Z", "2026-04-01T23:60:00.000000Z",
		"2026-04-01T23:59:60.000000Z", "2026-04-01T23:59:59.0000000Z", "2026-04-01T23:59:59.00000Z", "2026-04-01T23:59:59Z",
		"2026-04-01T23:59:59.000000+00:00", "2026-04-01t23:59:59.000000Z", "2026-04-01 23:59:59.000000Z",
		"2026-04-01T23:59:59,000000Z", "1969-12-31T23:59:59.999999Z", "0001-01-01T00:00:00.000000Z",
		"0000-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z", "2026-04-0:T23:59:59.000000Z",
		"2026-04-01T2a:59:59.000000Z",
	} {
		for _, field := range []string{"captured_at", "grabbed_at"} {
			before, rest, _ := strings.Cut(string(b), `"`+field+`":"`)
			_, after, found := strings.Cut(rest, `"`)
			require.True(t, found)
			sameAsStandard(t, []byte(before+`"`+field+`":"`+at+`"`+after))
		}
	}
}

// BenchmarkDecodeSighting decodes a frame with six people, and beside it in the same run
// the same by the standard library.
func BenchmarkDecodeSighting(b *testing.B) {
	s := sample()
	for i := range 6 {
		track := int64(i)
		box := event.Box{float32(100 * i), 20.125, float32(100*i) + 50.37, 160.75}
		s.Objects = append(s.Objects[:i], event.Object{Index: i, Label: "person", Score: .91234, Box: box, TrackID: &track})
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
	b.Run("general", func(b *testing.B) {
		spaced := append([]byte(" "), text...) // which is left to it
		b.ReportAllocs()
		for b.Loop() {
			if _, err := event.DecodeSighting(spaced); err != nil {
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
