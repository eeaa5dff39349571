package registries

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/registrytest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/schema"
)

// all reports whether a registry of others is to run beside, as in make test-schemas.
func all() bool { return os.Getenv("SIGHTLOG_REGISTRIES") == "all" }

// each runs a test with each registry.
func each(t *testing.T, test func(t *testing.T, url string, cl *sr.Client)) {
	t.Helper()
	t.Run("ours", func(t *testing.T) {
		url := registrytest.Start(t).URL
		test(t, url, client(t, url))
	})
	t.Run("Apicurio", func(t *testing.T) {
		url := apicurio(t)
		test(t, url, client(t, url))
	})
}

func client(t *testing.T, url string) *sr.Client {
	t.Helper()
	cl, err := sr.NewClient(sr.URLs(url))
	require.NoError(t, err)
	require.NoError(t, cl.SetCompatibility(t.Context(), sr.SetCompatibility{Level: sr.CompatBackward})[0].Err)
	return cl
}

// code requires an error of the API.
func code(t *testing.T, want int, err error) {
	t.Helper()
	answered := (*sr.ResponseError)(nil)
	require.ErrorAs(t, err, &answered)
	require.Equal(t, want, answered.ErrorCode, answered.Message)
}

// sighting is one with each kind of field.
func sighting() *event.Sighting {
	at, track := event.At(time.Date(2026, 5, 1, 12, 0, 0, 123456000, time.UTC)), int64(70)
	s := &event.Sighting{
		Camera: "porch", Run: "r1", Seq: 7, SourceKind: event.SourceFile, PTS: 700_000, CapturedAt: at, GrabbedAt: at,
		Frame: event.Size{Width: 768, Height: 576}, DroppedBefore: 3, Model: event.Model{Name: "m", SHA256: "abc", Input: [2]int{416, 320}, Provider: "cpu"},
		Objects: []event.Object{
			{Label: "person", Score: 0.5, Box: event.Box{1, 2, 3, 4.25}, TrackID: &track, State: event.StateNew, Zones: []string{"Tür", "yard"}},
			{Index: 1, ClassID: 7, Label: "truck", Score: 1},
		},
	}
	s.Complete()
	return s
}

func codec(t *testing.T, url, encoding string) *schema.Codec {
	t.Helper()
	c, err := schema.New(schema.Config{URL: url, Encoding: encoding})
	require.NoError(t, err)
	return c
}

var encodings = []string{schema.Avro, schema.Protobuf}

func TestRegistries_EventsOfEachEncoding_WrittenAndRead(t *testing.T) {
	for _, encoding := range encodings {
		t.Run(encoding, func(t *testing.T) {
			each(t, func(t *testing.T, url string, cl *sr.Client) {
				t.Helper()
				c := codec(t, url, encoding)
				require.NoError(t, c.Prepare(t.Context()))
				value, err := c.Encode(t.Context(), sighting())
				require.NoError(t, err)
				got, err := codec(t, url, schema.JSON).Sighting(t.Context(), value)
				require.NoError(t, err)
				require.Equal(t, sighting(), got)
				subjects, err := cl.Subjects(t.Context())
				require.NoError(t, err)
				require.ElementsMatch(t, []string{"sightings-value", "crossings-value", "visits-value"}, subjects)
				require.NoError(t, codec(t, url, encoding).Prepare(t.Context()), "they are found")
				versions, err := cl.SubjectVersions(t.Context(), "sightings-value")
				require.NoError(t, err)
				require.Equal(t, []int{1}, versions)
			})
		})
	}
}

// A field with a default may be added to our schemas at the strictest level, and one without not.
func TestRegistries_SchemasEvolve_AsTheRulesSay(t *testing.T) {
	for _, encoding := range encodings {
		t.Run(encoding, func(t *testing.T) {
			each(t, func(t *testing.T, url string, cl *sr.Client) {
				t.Helper()
				require.NoError(t, codec(t, url, encoding).Prepare(t.Context()))
				subject := "sightings-value"
				require.NoError(t, cl.SetCompatibility(t.Context(), sr.SetCompatibility{Level: sr.CompatFullTransitive}, subject)[0].Err)
				first, err := cl.SchemaByVersion(t.Context(), subject, 1)
				require.NoError(t, err)
				later, wrong := first.Schema, first.Schema
				if encoding == schema.Avro {
					at := strings.LastIndex(later.Schema, "]")
					later.Schema = later.Schema[:at] + `,{"name":"site","type":"string","default":""}` + later.Schema[at:]
					wrong.Schema = wrong.Schema[:at] + `,{"name":"site","type":"string"}` + wrong.Schema[at:]
				} else {
					later.Schema = strings.Replace(later.Schema, "objects = 15;", "objects = 15;\n  string site = 16;", 1)
					wrong.Schema = strings.Replace(wrong.Schema, "int64 seq = 4;", "string seq = 4;", 1)
				}
				require.NotEqual(t, first.Schema.Schema, later.Schema)
				is, err := cl.CheckCompatibility(t.Context(), subject, -1, later)
				require.NoError(t, err)
				require.True(t, is.Is, is.Messages)
				is, err = cl.CheckCompatibility(t.Context(), subject, -1, wrong)
				require.NoError(t, err)
				require.False(t, is.Is)
				_, err = cl.RegisterSchema(t.Context(), subject, wrong, -1, -1)
				code(t, 409, err)
				_, err = cl.RegisterSchema(t.Context(), subject, later, -1, -1)
				require.NoError(t, err)
				require.NoError(t, codec(t, url, encoding).Prepare(t.Context()), "an older program finds its version")
			})
		})
	}
}

func TestRegistries_WhatIsMissing_SameCodes(t *testing.T) {
	each(t, func(t *testing.T, _ string, cl *sr.Client) {
		t.Helper()
		ctx := t.Context()
		_, err := cl.SubjectVersions(ctx, "none")
		code(t, 40401, err)
		_, err = cl.SchemaByID(ctx, 12345)
		code(t, 40403, err)
		text := sr.Schema{Schema: `{"type":"record","name":"A","fields":[]}`}
		_, err = cl.RegisterSchema(ctx, "a", text, -1, -1)
		require.NoError(t, err)
		_, err = cl.SchemaByVersion(ctx, "a", 9)
		code(t, 40402, err)
		_, err = cl.RegisterSchema(ctx, "a", sr.Schema{Schema: `{"type":"recor"}`}, -1, -1)
		code(t, 42201, err)
		_, err = cl.LookupSchema(ctx, "a", sr.Schema{Schema: `{"type":"record","name":"B","fields":[]}`})
		code(t, 40403, err)
		found, err := cl.LookupSchema(ctx, "a", text)
		require.NoError(t, err)
		require.Equal(t, 1, found.Version)
	})
}

func TestRegistries_References_Resolved(t *testing.T) {
	each(t, func(t *testing.T, _ string, cl *sr.Client) {
		t.Helper()
		ctx := t.Context()
		point := sr.Schema{Type: sr.TypeProtobuf, Schema: "syntax = \"proto3\";\npackage geo;\n\nmessage Point {\n  float x = 1;\n}\n"}
		path := sr.Schema{Type: sr.TypeProtobuf, Schema: "syntax = \"proto3\";\npackage geo;\n\nimport \"geo/point.proto\";\n\nmessage Path {\n  repeated Point points = 1;\n}\n"}
		_, err := cl.RegisterSchema(ctx, "point", point, -1, -1)
		require.NoError(t, err)
		path.References = []sr.SchemaReference{{Name: "geo/point.proto", Subject: "point", Version: 1}}
		id, err := cl.RegisterSchema(ctx, "path", path, -1, -1)
		require.NoError(t, err)
		found, err := cl.SchemaByID(ctx, id)
		require.NoError(t, err)
		require.Equal(t, path.References, found.References)
	})
}

// lib returns a directory that set-up makes.
func lib(t *testing.T, name string) string {
	t.Helper()
	dir := testenv.Root() + "/lib/" + name
	if _, err := os.Stat(dir); err != nil {
		testenv.Skip(t, "no lib/"+name+": make test-schemas fetches it")
	}
	return dir
}
