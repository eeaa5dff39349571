package schema_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/registrytest"
	"github.com/sightlog/sightlog/schema"
	"github.com/sightlog/sightlog/usage"
)

// whole is a sighting with each field.
func whole() *event.Sighting {
	at, track, next := time.Date(2026, 5, 1, 12, 0, 0, 123456789, time.FixedZone("", 7200)), int64(70), int64(-71)
	return &event.Sighting{
		Camera: "porch", Run: "r1", Seq: 7, SourceKind: event.SourceFile, PTS: 700_000,
		CapturedAt: event.At(at), GrabbedAt: event.At(at.Add(time.Second)), DecodedAt: event.At(at.Add(2 * time.Second)),
		InferredAt: event.At(at.Add(3 * time.Second)), ProducedAt: event.At(at.Add(4 * time.Second)),
		Frame: event.Size{Width: 768, Height: 576}, DroppedBefore: 3,
		Model: event.Model{Name: "m", SHA256: "abc", Input: [2]int{416, 320}, Provider: "cpu"},
		Objects: []event.Object{
			{Label: "person", Score: .91234, Box: event.Box{432.18735, 20.125, 500.37, 160.75}, TrackID: &track, State: event.StateNew, Zones: []string{"Tür", "yard 2"}},
			{Index: 1, ClassID: 7, Label: "truck", Score: 1, Box: event.Box{0, 0.1, 16777217, 33554433}, TrackID: &next},
			{Index: 2, Label: "person"},
		},
	}
}

func events() map[string]schema.Event {
	s := whole()
	bare := &event.Sighting{Camera: "porch", Run: "r1", CapturedAt: s.CapturedAt, Frame: s.Frame}
	crossing := s.Crossing()
	crossing.Line, crossing.Direction, crossing.TrackID, crossing.ClassID, crossing.Label = "gate", event.In, -5, 3, "person"
	all := map[string]schema.Event{"whole": s, "bare": bare, "crossing": &crossing}
	for _, kind := range []string{event.Entered, event.Loitering, event.Left} {
		v := s.Visit()
		v.Kind, v.Zone, v.TrackID, v.ClassID, v.Label = kind, "yard 2", 9, 2, "person"
		v.EnteredAt = event.At(v.CapturedAt.Add(-12345678 * time.Microsecond))
		switch kind {
		case event.Loitering:
			v.ThresholdS = 10.5
		case event.Left:
			v.LeftAt, v.Thing = event.At(v.CapturedAt.Add(-time.Second)), true
		}
		all[kind] = &v
	}
	return all
}

// decode decodes a value as an event of the kind of e.
func decode(t *testing.T, c *schema.Codec, e schema.Event, value []byte) schema.Event {
	t.Helper()
	var got schema.Event
	var err error
	switch e.(type) {
	case *event.Sighting:
		got, err = c.Sighting(t.Context(), value)
	case *event.Crossing:
		got, err = c.Crossing(t.Context(), value)
	case *event.Visit:
		got, err = c.Visit(t.Context(), value)
	}
	require.NoError(t, err)
	return got
}

// startRegistry returns the address of a registry, and a client of it. Its subjects may have schemas
// of several types.
func startRegistry(t testing.TB) (string, *sr.Client) {
	t.Helper()
	r := registrytest.Start(t).Mix()
	return r.URL, r.Client()
}

func newCodec(t testing.TB, url, encoding string) *schema.Codec {
	t.Helper()
	c, err := schema.New(schema.Config{URL: url, Encoding: encoding})
	require.NoError(t, err)
	return c
}

func TestCodec_EachEventInEachEncoding_Same(t *testing.T) {
	url, _ := startRegistry(t)
	reader := newCodec(t, url, schema.JSON) // one that writes JSON reads all
	for _, encoding := range []string{schema.JSON, schema.Avro, schema.Protobuf} {
		writer := newCodec(t, url, encoding)
		require.NoError(t, writer.Prepare(t.Context()))
		for name, e := range events() {
			value, err := writer.Encode(t.Context(), e)
			require.NoError(t, err)
			require.Equal(t, encoding == schema.JSON, value[0] == '{')
			require.Equal(t, encoding != schema.JSON, value[0] == 0)
			require.Equal(t, e, decode(t, reader, e, value), "%s as %s", name, encoding)

			asJSON, err := reader.JSON(t.Context(), e.Schema(), value)
			require.NoError(t, err)
			want, err := e.Encode()
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(asJSON))
		}
	}
}

func TestCodec_JSON_BytesOfTheEvent(t *testing.T) {
	for _, c := range []*schema.Codec{nil, newCodec(t, "", ""), newCodec(t, "http://127.0.0.1:1", schema.JSON)} {
		require.NoError(t, c.Prepare(t.Context()))
		require.Equal(t, event.ContentTypeJSON, c.ContentType())
		for _, e := range events() {
			value, err := c.Encode(t.Context(), e)
			require.NoError(t, err)
			want, err := e.Encode()
			require.NoError(t, err)
			require.Equal(t, string(want), string(value))
			require.Equal(t, e, decode(t, c, e, value))
		}
	}
}

func TestCodec_Prepare_SubjectsOfTheTopics(t *testing.T) {
	url, cl := startRegistry(t)
	for range 2 { // the second time they are found
		require.NoError(t, newCodec(t, url, schema.Avro).Prepare(t.Context()))
	}
	require.NoError(t, newCodec(t, url, schema.JSON).Prepare(t.Context()))
	subjects, err := cl.Subjects(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"sightings-value", "crossings-value", "visits-value"}, subjects)
	for _, s := range subjects {
		versions, err := cl.SubjectVersions(t.Context(), s)
		require.NoError(t, err)
		require.Equal(t, []int{1}, versions)
	}
}

func TestCodec_RegistryDoesNotAnswer_IsUnavailable(t *testing.T) {
	url, _ := startRegistry(t)
	value, err := newCodec(t, url, schema.Avro).Encode(t.Context(), whole())
	require.NoError(t, err)
	for _, away := range []*schema.Codec{newCodec(t, "http://user:secret@127.0.0.1:1", schema.Avro), newCodec(t, "http://user:secret@127.0.0.1:1", schema.JSON)} {
		_, err = away.Sighting(t.Context(), value)
		require.ErrorIs(t, err, schema.ErrUnavailable)
		require.NotContains(t, err.Error(), "secret")
		require.Contains(t, err.Error(), "127.0.0.1:1")
	}
	away := newCodec(t, "http://127.0.0.1:1", schema.Protobuf)
	require.ErrorIs(t, away.Prepare(t.Context()), schema.ErrUnavailable)
	_, err = away.Encode(t.Context(), whole())
	require.ErrorIs(t, err, schema.ErrUnavailable)
}

func TestCodec_NotOfOurs_RecordsFault(t *testing.T) {
	url, cl := startRegistry(t)
	c := newCodec(t, url, schema.Protobuf)
	value, err := c.Encode(t.Context(), whole())
	require.NoError(t, err)
	other, err := cl.RegisterSchema(t.Context(), "other", sr.Schema{Schema: `{"type":"record","name":"Other","fields":[]}`}, -1, -1)
	require.NoError(t, err)
	id := func(n int) []byte { return []byte{0, 0, 0, 0, byte(n)} }
	for want, value := range map[string][]byte{
		"too short for the id":            {0, 0, 0},
		"has no schema with id 99":        id(99),
		"none of sightlog.sighting.v1":    append(id(other), value[5:]...),
		"the message's index is missing":  id(int(value[4])),
		"index [1] is not Sighting":       append(id(int(value[4])), 2, 2),
		"has no message of index [0 9]":   append(id(int(value[4])), 4, 0, 18),
		"decode Protobuf":                 append(value[:6:6], 0xff),
		"camera \"\" is not [a-z0-9_-]":   value[:6],
		"event_id is not camera/run/seq":  append(slices.Clip(value), 0x0a, 1, 'x'),
		"decode sighting: invalid charac": []byte("\x01"),
	} {
		_, err := c.Sighting(t.Context(), value)
		require.ErrorContains(t, err, want)
		require.NotErrorIs(t, err, schema.ErrUnavailable)
	}
	for _, none := range []*schema.Codec{nil, newCodec(t, "", "")} {
		_, err = none.Sighting(t.Context(), value)
		require.ErrorContains(t, err, "no schema registry is configured (--schema-registry)")
		require.NotErrorIs(t, err, schema.ErrUnavailable)
	}
}

func TestCodec_AvroRecordNotWhole_Error(t *testing.T) {
	url, _ := startRegistry(t)
	c := newCodec(t, url, schema.Avro)
	value, err := c.Encode(t.Context(), whole())
	require.NoError(t, err)
	for cut := 5; cut < len(value); cut++ {
		_, err := c.Sighting(t.Context(), value[:cut])
		require.Error(t, err, "%d of %d bytes", cut, len(value))
	}
	_, err = c.Sighting(t.Context(), append(value, 0))
	require.ErrorContains(t, err, "bytes follow the record")
}

func TestNew_BadConfig_UsageError(t *testing.T) {
	for want, c := range map[string]schema.Config{
		`encoding "xml" is not known`:                 {Encoding: "xml"},
		"--encoding avro needs a schema registry":     {Encoding: schema.Avro},
		"--schema-registry: it is no address of a re": {URL: "127.0.0.1:8081"},
	} {
		_, err := schema.New(c)
		require.ErrorContains(t, err, want)
		require.True(t, usage.Is(err))
	}
}

func TestCodec_SchemaRefused_UsageError(t *testing.T) {
	for _, encoding := range []string{schema.Avro, schema.Protobuf} {
		r := registrytest.Start(t)
		_, err := r.Client().RegisterSchema(t.Context(), "sightings-value", sr.Schema{Schema: `"string"`}, -1, -1)
		require.NoError(t, err)
		err = newCodec(t, r.URL, encoding).Prepare(t.Context())
		require.ErrorContains(t, err, "refuses the schema of sightings-value: Schema being registered is incompatible")
		require.True(t, usage.Is(err))
	}
}

// Where programs may not register, a schema that is there is found.
func TestCodec_ReadOnlyRegistry_SchemasFound(t *testing.T) {
	url, cl := startRegistry(t)
	require.NoError(t, newCodec(t, url, schema.Avro).Prepare(t.Context()))
	require.NoError(t, cl.SetMode(t.Context(), sr.ModeReadOnly)[0].Err)
	require.NoError(t, newCodec(t, url, schema.Avro).Prepare(t.Context()))
	require.True(t, usage.Is(newCodec(t, url, schema.Protobuf).Prepare(t.Context())))
}

// Nothing that the wire format may hold ends the program or is taken for an event that cannot be stored.
func FuzzCodec(f *testing.F) {
	url, _ := startRegistry(f)
	c := newCodec(f, url, schema.Avro)
	avro, err := c.Encode(f.Context(), whole())
	require.NoError(f, err)
	protobuf, err := newCodec(f, url, schema.Protobuf).Encode(f.Context(), whole())
	require.NoError(f, err)
	f.Add(avro)
	f.Add(protobuf)
	f.Add([]byte{0, 0, 0, 0, avro[4], 0})
	f.Fuzz(func(t *testing.T, value []byte) {
		if len(value) > 5 { // another id is asked for, which takes long
			copy(value, avro[:4])
			value[4] = avro[4] + value[4]%2*(protobuf[4]-avro[4])
		}
		s, err := c.Sighting(t.Context(), value)
		if err != nil {
			return
		}
		require.NoError(t, s.Validate())
		b, err := s.Encode()
		require.NoError(t, err)
		require.True(t, json.Valid(b))
	})
}
