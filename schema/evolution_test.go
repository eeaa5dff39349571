package schema_test

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/hamba/avro/v2"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/schema"
)

// change returns the text of a file with lines exchanged.
func change(t *testing.T, file string, pairs ...string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	text := string(b)
	for i := 0; i < len(pairs); i += 2 {
		require.Equal(t, 1, strings.Count(text, pairs[i]), pairs[i])
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return text
}

// laterAvro is a schema of a version to come: fields more, one of them a record, one wider.
func laterAvro(t *testing.T) string {
	t.Helper()
	return change(t, "sighting.avsc",
		`  {"name": "pts_us",`, `  {"name": "site", "type": "string", "default": "home"},`+"\n"+`  {"name": "pts_us",`,
		`    {"name": "track_id",`, `    {"name": "pose", "type": {"type": "array", "items": {"type": "record", "name": "Point", "fields": [{"name": "x", "type": "float"}]}}, "default": []},`+"\n"+`    {"name": "track_id",`)
}

// earlierAvro is a schema of a version before: without the fields that have defaults, others in
// another order, whole numbers narrower.
func earlierAvro(t *testing.T) string {
	t.Helper()
	return change(t, "sighting.avsc",
		`  {"name": "seq", "type": "long"`, `  {"name": "seq", "type": "int"`,
		`  {"name": "dropped_before", "type": "long", "doc": "frames dropped since the sighting before", "default": 0},`+"\n", "",
		`  {"name": "produced_at", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}], "default": null},`+"\n", "",
		`    {"name": "state", "type": "string", "doc": "new, stationary, thing or none", "default": ""},`+"\n", "",
		`"default": null},`+"\n"+`    {"name": "zones", "type": {"type": "array", "items": "string"}, "doc": "those that the feet are in", "default": []}`, `"default": null}`,
		`    {"name": "class_id", "type": "int"},`+"\n"+`    {"name": "label", "type": "string"},`, `    {"name": "label", "type": "string"},`+"\n"+`    {"name": "class_id", "type": "int"},`)
}

// earlierSighting is what remains of a sighting in earlierAvro and earlierProto.
func earlierSighting() *event.Sighting {
	s := whole()
	s.Complete()
	s.DroppedBefore, s.ProducedAt = 0, event.Time{}
	for i := range s.Objects {
		s.Objects[i].State, s.Objects[i].Zones = "", nil
	}
	return s
}

// transcode writes a record of ours as one of another version's writer: its content in the other
// schema, fields that ours lacks with their defaults, and others that it is given.
func transcode(t *testing.T, to string, value []byte, more map[string]any) []byte {
	t.Helper()
	ours, err := schema.ParseAvro(change(t, "sighting.avsc"), nil)
	require.NoError(t, err)
	other, err := schema.ParseAvro(to, nil)
	require.NoError(t, err)
	resolved, err := avro.NewSchemaCompatibility().Resolve(other, widened(t, ours, to))
	require.NoError(t, err)
	var record map[string]any
	require.NoError(t, avro.Config{}.Freeze().Unmarshal(resolved, value[5:], &record))
	maps.Copy(record, more)
	b, err := avro.Marshal(other, record)
	require.NoError(t, err)
	return b
}

// widened is ours, with seq as narrow as the other schema's: Avro reads no long as int.
func widened(t *testing.T, ours avro.Schema, other string) avro.Schema {
	t.Helper()
	if !strings.Contains(other, `"seq", "type": "int"`) {
		return ours
	}
	narrow, err := schema.ParseAvro(change(t, "sighting.avsc", `"seq", "type": "long"`, `"seq", "type": "int"`), nil)
	require.NoError(t, err)
	return narrow // both encode a small number alike
}

func register(t *testing.T, cl *sr.Client, subject, text string, of sr.SchemaType) byte {
	t.Helper()
	id, err := cl.RegisterSchema(t.Context(), subject, sr.Schema{Schema: text, Type: of}, -1, -1)
	require.NoError(t, err)
	return byte(id)
}

// Backward: this program reads what an older one has written. Forward: it reads what a newer one
// writes, and an older one reads what it writes.
func TestCodec_AvroOfOtherVersions_ReadBothWays(t *testing.T) {
	url, cl := startRegistry(t)
	c := newCodec(t, url, schema.Avro)
	value, err := c.Encode(t.Context(), whole())
	require.NoError(t, err)

	older := register(t, cl, "older", earlierAvro(t), sr.TypeAvro)
	got, err := c.Sighting(t.Context(), append([]byte{0, 0, 0, 0, older}, transcode(t, earlierAvro(t), value, nil)...))
	require.NoError(t, err)
	require.Equal(t, earlierSighting(), got)

	newer := register(t, cl, "newer", laterAvro(t), sr.TypeAvro)
	b := transcode(t, laterAvro(t), value, map[string]any{"site": "a place that this program does not know"})
	require.Contains(t, string(b), "does not know")
	got, err = c.Sighting(t.Context(), append([]byte{0, 0, 0, 0, newer}, b...))
	require.NoError(t, err)
	want := whole()
	want.Complete()
	require.Equal(t, want, got)

	reader, err := schema.ParseAvro(change(t, "sighting.avsc", `  {"name": "pts_us", "type": "long", "doc": "position in the source, microseconds"},`+"\n", ""), nil)
	require.NoError(t, err)
	writer, err := schema.ParseAvro(change(t, "sighting.avsc"), nil)
	require.NoError(t, err)
	resolved, err := avro.NewSchemaCompatibility().Resolve(reader, writer)
	require.NoError(t, err)
	var record map[string]any
	require.NoError(t, avro.Config{}.Freeze().Unmarshal(resolved, value[5:], &record))
	require.Equal(t, "porch/r1/7", record["event_id"])
	require.NotContains(t, record, "pts_us")
}

// A field without a default cannot be missing: the record is refused, and no zero is made of it.
func TestCodec_AvroWithoutAFieldThatMustBe_Error(t *testing.T) {
	url, cl := startRegistry(t)
	c := newCodec(t, url, schema.Avro)
	value, err := c.Encode(t.Context(), whole())
	require.NoError(t, err)
	text := change(t, "sighting.avsc", `  {"name": "run", "type": "string"},`+"\n", "")
	id := register(t, cl, "other", text, sr.TypeAvro)
	_, err = c.Sighting(t.Context(), append([]byte{0, 0, 0, 0, id}, transcode(t, text, value, nil)...))
	require.ErrorContains(t, err, "none of sightlog.sighting.v1")
	require.ErrorContains(t, err, "run")
}

// asProto writes the message of ours as a writer with another file does.
func asProto(t *testing.T, text string, value []byte, more func(protoreflect.MessageDescriptor) map[string]protoreflect.Value) []byte {
	t.Helper()
	file, err := schema.ParseProtobuf(t.Context(), text, nil)
	require.NoError(t, err)
	d := file.Messages().ByName("Sighting")
	m := dynamicpb.NewMessage(d)
	require.NoError(t, (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(value[6:], m))
	if more != nil {
		for name, v := range more(d) {
			m.Set(d.Fields().ByName(protoreflect.Name(name)), v)
		}
	}
	b, err := proto.Marshal(m)
	require.NoError(t, err)
	return b
}

func TestCodec_ProtobufOfOtherVersions_ReadBothWays(t *testing.T) {
	url, cl := startRegistry(t)
	c := newCodec(t, url, schema.Protobuf)
	value, err := c.Encode(t.Context(), whole())
	require.NoError(t, err)

	earlier := change(t, "events.proto",
		"  google.protobuf.Timestamp produced_at = 11;\n", "",
		"  int64 dropped_before = 13; // frames dropped since the sighting before\n", "",
		"  string state = 7;            // new, stationary, thing or none\n", "",
		"  repeated string zones = 8;   // those that the feet are in\n", "")
	older := register(t, cl, "older", earlier, sr.TypeProtobuf)
	got, err := c.Sighting(t.Context(), append([]byte{0, 0, 0, 0, older, 0}, asProto(t, earlier, value, nil)...))
	require.NoError(t, err)
	require.Equal(t, earlierSighting(), got)

	later := change(t, "events.proto",
		"  repeated Object objects = 15;\n", "  repeated Object objects = 15;\n  string site = 16;\n",
		"// Sighting has the detections", "message Before { int32 n = 1; }\n\n// Sighting has the detections")
	newer := register(t, cl, "newer", later, sr.TypeProtobuf)
	b := asProto(t, later, value, func(protoreflect.MessageDescriptor) map[string]protoreflect.Value {
		return map[string]protoreflect.Value{"site": protoreflect.ValueOfString("a place that this program does not know")}
	})
	require.Contains(t, string(b), "does not know")
	got, err = c.Sighting(t.Context(), append([]byte{0, 0, 0, 0, newer, 2, 2}, b...)) // it is the second message there
	require.NoError(t, err)
	want := whole()
	want.Complete()
	require.Equal(t, want, got)
}

func TestParse_References_Resolved(t *testing.T) {
	point := schema.Reference{Name: "geo/point.proto", Text: "syntax = \"proto3\";\npackage geo;\nmessage Point { float x = 1; }\n"}
	text := "syntax = \"proto3\";\nimport \"geo/point.proto\";\nmessage Path { repeated geo.Point points = 1; }\n"
	file, err := schema.ParseProtobuf(t.Context(), text, []schema.Reference{point})
	require.NoError(t, err)
	require.EqualValues(t, "geo.Point", file.Messages().Get(0).Fields().Get(0).Message().FullName())
	_, err = schema.ParseProtobuf(t.Context(), text, nil)
	require.ErrorContains(t, err, "geo/point.proto")

	avroPoint := schema.Reference{Name: "geo.Point", Text: `{"type":"record","name":"Point","namespace":"geo","fields":[{"name":"x","type":"float"}]}`}
	path := `{"type":"record","name":"Path","fields":[{"name":"points","type":{"type":"array","items":"geo.Point"}}]}`
	_, err = schema.ParseAvro(path, []schema.Reference{avroPoint})
	require.NoError(t, err)
	_, err = schema.ParseAvro(path, nil)
	require.Error(t, err, "names of one schema are not known in another")
}
