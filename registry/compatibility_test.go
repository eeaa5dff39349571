package registry_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/sightlog/sightlog/internal/registrytest"
)

// record is an Avro record of fields.
func record(fields ...string) string {
	return `{"type":"record","name":"R","fields":[` + strings.Join(fields, ",") + `]}`
}

const (
	a     = `{"name":"a","type":"int"}`
	aLong = `{"name":"a","type":"long"}`
	aText = `{"name":"a","type":"string"}`
	aNull = `{"name":"a","type":["null","int"],"default":null}`
	b     = `{"name":"b","type":"int"}`
	bZero = `{"name":"b","type":"int","default":0}`
	renam = `{"name":"c","type":"int","aliases":["a"]}`
)

func enum(more string, symbols ...string) string {
	return fmt.Sprintf(`{"name":"e","type":{"type":"enum","name":"E","symbols":["%s"]%s}}`, strings.Join(symbols, `","`), more)
}

// protoFile is a Protobuf file of message M with a body, and what follows it.
func protoFile(body string, more ...string) string {
	return "syntax = \"proto3\";\npackage p;\nmessage M {\n" + body + "\n}\n" + strings.Join(more, "\n")
}

// change is a change of a schema, and which way it is compatible: data of the old one is read by the
// new one (backward), data of the new one by the old one (forward).
type change struct {
	old, new          string
	backward, forward bool
}

var avroChanges = map[string]change{
	"the same":                      {record(a), record(a), true, true},
	"documented":                    {record(a), `{"doc":"x",` + record(a)[1:], true, true},
	"field with a default":          {record(a), record(a, bZero), true, true},
	"field without a default":       {record(a), record(a, b), false, true},
	"field without default is gone": {record(a, b), record(a), true, false},
	"default is gone":               {record(a, bZero), record(a, b), true, true},
	"wider":                         {record(a), record(aLong), true, false},
	"other type":                    {record(a), record(aText), false, false},
	"optional":                      {record(a), record(aNull), true, false},
	"renamed with an alias":         {record(a), record(renam), true, false},
	"symbol more":                   {record(enum("", "X")), record(enum("", "X", "Y")), true, false},
	"symbol more, default":          {record(enum(`,"default":"X"`, "X")), record(enum(`,"default":"X"`, "X", "Y")), true, true},
	"other record":                  {record(a), strings.Replace(record(a), `"R"`, `"S"`, 1), false, false},
}

var protobufChanges = map[string]change{
	"the same":                  {protoFile("int32 a = 1;"), protoFile("int32 a = 1;"), true, true},
	"field":                     {protoFile("int32 a = 1;"), protoFile("int32 a = 1; string b = 2;"), true, true},
	"renamed":                   {protoFile("int32 a = 1;"), protoFile("int32 b = 1;"), true, true},
	"encoded alike":             {protoFile("int32 a = 1; string b = 2; fixed32 c = 3;"), protoFile("uint64 a = 1; bytes b = 2; sfixed32 c = 3;"), true, true},
	"enum for a number":         {protoFile("int32 a = 1;"), protoFile("E a = 1; enum E { X = 0; }"), true, true},
	"zigzag":                    {protoFile("int32 a = 1;"), protoFile("sint32 a = 1;"), false, false},
	"float for double":          {protoFile("double a = 1;"), protoFile("float a = 1;"), false, false},
	"text for a number":         {protoFile("int32 a = 1;"), protoFile("string a = 1;"), false, false},
	"message for text":          {protoFile("string a = 1;"), protoFile("N a = 1;", "message N {}"), false, false},
	"list of text":              {protoFile("string a = 1;"), protoFile("repeated string a = 1;"), true, true},
	"list of numbers":           {protoFile("int32 a = 1;"), protoFile("repeated int32 a = 1;"), false, false},
	"optional":                  {protoFile("int32 a = 1;"), protoFile("optional int32 a = 1;"), true, true},
	"another message":           {protoFile("N a = 1;", "message N {} message O {}"), protoFile("O a = 1;", "message N {} message O {}"), false, false},
	"message more":              {protoFile(""), protoFile("", "message N {}"), true, false},
	"nested message is gone":    {protoFile("message N {}"), protoFile(""), false, true},
	"change in a nested one":    {protoFile("N n = 1; message N { int32 a = 1; }"), protoFile("N n = 1; message N { string a = 1; }"), false, false},
	"messages in another order": {protoFile("", "message N {}"), "syntax = \"proto3\"; package p; message N {} message M {}", true, true},
	"package":                   {protoFile(""), strings.Replace(protoFile(""), "package p", "package q", 1), false, false},
	"symbols":                   {protoFile("E e = 1; enum E { X = 0; }"), protoFile("E e = 1; enum E { Y = 0; Z = 1; }"), true, true},
	"map":                       {protoFile("map<string, int32> a = 1;"), protoFile("map<string, int64> a = 1;"), true, true},
	"map's values":              {protoFile("map<string, int32> a = 1;"), protoFile("map<string, string> a = 1;"), false, false},
	"map for a list":            {protoFile("map<string, int32> a = 1;"), protoFile("repeated N a = 1;", "message N { string key = 1; int32 value = 2; }"), false, false},
	"one into a new oneof":      {protoFile("int32 a = 1;"), protoFile("oneof o { int32 a = 1; string b = 2; }"), true, true},
	"two into a oneof":          {protoFile("int32 a = 1; int32 b = 2;"), protoFile("oneof o { int32 a = 1; int32 b = 2; }"), false, true},
	"one into an old oneof":     {protoFile("int32 a = 1; oneof o { int32 b = 2; }"), protoFile("oneof o { int32 a = 1; int32 b = 2; }"), false, true},
	"member of a oneof is gone": {protoFile("oneof o { int32 a = 1; int32 b = 2; }"), protoFile("oneof o { int32 a = 1; }"), false, true},
	"required":                  {"syntax = \"proto2\"; message M { }", "syntax = \"proto2\"; message M { required int32 a = 1; }", false, false},
}

func TestRegistry_ChangesOfASchema_CompatibleByTheLevel(t *testing.T) {
	t.Parallel()
	cl := registrytest.Start(t).Client()
	for _, of := range []struct {
		kind    sr.SchemaType
		changes map[string]change
	}{{sr.TypeAvro, avroChanges}, {sr.TypeProtobuf, protobufChanges}} {
		for name, c := range of.changes {
			for level, want := range map[sr.CompatibilityLevel]bool{
				sr.CompatNone: true, sr.CompatBackward: c.backward, sr.CompatForward: c.forward, sr.CompatFull: c.backward && c.forward,
			} {
				subject := fmt.Sprintf("%s %s %s", of.kind, name, level)
				require.NoError(t, cl.SetCompatibility(t.Context(), sr.SetCompatibility{Level: level}, subject)[0].Err)
				_, err := cl.RegisterSchema(t.Context(), subject, sr.Schema{Schema: c.old, Type: of.kind}, -1, -1)
				require.NoError(t, err, subject)
				later := sr.Schema{Schema: c.new, Type: of.kind}
				is, err := cl.CheckCompatibility(sr.WithParams(t.Context(), sr.Verbose), subject, -1, later)
				require.NoError(t, err)
				require.Equal(t, want, is.Is, "%s: %s", subject, is.Messages)
				require.Equal(t, want, len(is.Messages) == 0)
				_, err = cl.RegisterSchema(t.Context(), subject, later, -1, -1)
				if want {
					require.NoError(t, err, subject)
					continue
				}
				code(t, 409, err)
				require.ErrorContains(t, err, "Schema being registered is incompatible with an earlier schema for subject")
			}
		}
	}
}

func TestRegistry_Transitive_AllVersionsCount(t *testing.T) {
	t.Parallel()
	cl := registrytest.Start(t).Client()
	ctx := t.Context()
	// The third reads the second, which lacks a, but not the first, whose a is a text.
	texts := []string{record(aText, b), record(b), record(`{"name":"a","type":"int","default":0}`, b)}
	for level, want := range map[sr.CompatibilityLevel]bool{sr.CompatBackward: true, sr.CompatBackwardTransitive: false, sr.CompatFullTransitive: false} {
		subject := level.String()
		require.NoError(t, cl.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatNone}, subject)[0].Err)
		for _, text := range texts[:2] {
			_, err := cl.RegisterSchema(ctx, subject, avro(text), -1, -1)
			require.NoError(t, err)
		}
		require.NoError(t, cl.SetCompatibility(ctx, sr.SetCompatibility{Level: level}, subject)[0].Err)
		is, err := cl.CheckCompatibility(ctx, subject, -2, avro(texts[2]))
		require.NoError(t, err)
		require.Equal(t, want, is.Is)
		is, err = cl.CheckCompatibility(ctx, subject, 1, avro(texts[2]))
		require.NoError(t, err)
		require.False(t, is.Is)
		_, err = cl.RegisterSchema(ctx, subject, avro(texts[2]), -1, -1)
		require.Equal(t, want, err == nil, err)
	}
	_, err := cl.CheckCompatibility(ctx, "BACKWARD", 9, avro(user))
	code(t, 40402, err)
	is, err := cl.CheckCompatibility(ctx, "BACKWARD", -1, protobuf(pointProto))
	require.NoError(t, err)
	require.False(t, is.Is, "of another type")
}

// Imported files may change as well: the versions that are referred to are compared.
func TestRegistry_ImportedMessageChanged_Incompatible(t *testing.T) {
	t.Parallel()
	cl := registrytest.Start(t).Client()
	ctx := t.Context()
	require.NoError(t, cl.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatNone}, "point")[0].Err)
	for i, text := range []string{pointProto, strings.Replace(pointProto, "float y", "string y", 1)} {
		_, err := cl.RegisterSchema(ctx, "point", protobuf(text), -1, -1)
		require.NoError(t, err)
		_, err = cl.RegisterSchema(ctx, "path", protobuf(pathProto, sr.SchemaReference{Name: "geo/point.proto", Subject: "point", Version: i + 1}), -1, -1)
		if i == 0 {
			require.NoError(t, err)
			continue
		}
		code(t, 409, err)
		require.ErrorContains(t, err, "geo.Point.y was float and is string")
	}
}
