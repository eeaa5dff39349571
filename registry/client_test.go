package registry_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/sightlog/sightlog/internal/registrytest"
	"github.com/sightlog/sightlog/registry"
)

// Schemas of the tests.
const (
	user       = `{"type": "record", "name": "User", "fields": [{"name": "id", "type": "long"}]}`
	userNamed  = `{"type": "record", "name": "User", "fields": [{"name": "id", "type": "long"}, {"name": "name", "type": "string", "default": ""}]}`
	userMust   = `{"type": "record", "name": "User", "fields": [{"name": "id", "type": "long"}, {"name": "name", "type": "string"}]}`
	userText   = `{"type": "record", "name": "User", "fields": [{"name": "id", "type": "string"}]}`
	pointProto = "syntax = \"proto3\";\npackage geo;\n\nmessage Point {\n  float x = 1;\n  float y = 2;\n}\n"
	pathProto  = "syntax = \"proto3\";\npackage geo;\n\nimport \"geo/point.proto\";\n\nmessage Path {\n  repeated Point points = 1;\n}\n"
)

func avro(text string) sr.Schema { return sr.Schema{Schema: text} }

func protobuf(text string, refs ...sr.SchemaReference) sr.Schema {
	return sr.Schema{Schema: text, Type: sr.TypeProtobuf, References: refs}
}

// code requires that an error has a code of the API.
func code(t *testing.T, want int, err error) {
	t.Helper()
	answered := (*sr.ResponseError)(nil)
	require.ErrorAs(t, err, &answered)
	require.Equal(t, want, answered.ErrorCode, answered.Message)
	status := want
	for status >= 1000 {
		status /= 10
	}
	require.Equal(t, status, answered.StatusCode)
}

func TestRegistry_SchemaInSubjects_OneIDAndVersions(t *testing.T) {
	t.Parallel()
	cl := registrytest.Start(t).Client()
	ctx := t.Context()
	first, err := cl.CreateSchema(ctx, "a-value", avro(user))
	require.NoError(t, err)
	require.Equal(t, 1, first.Version)
	again, err := cl.CreateSchema(ctx, "a-value", avro(strings.ReplaceAll(user, " ", "\n")))
	require.NoError(t, err)
	require.Equal(t, first, again, "spaces make no version")
	second, err := cl.CreateSchema(ctx, "a-value", avro(userNamed))
	require.NoError(t, err)
	require.Equal(t, 2, second.Version)
	require.NotEqual(t, first.ID, second.ID)
	elsewhere, err := cl.CreateSchema(ctx, "b/ö value", avro(userNamed))
	require.NoError(t, err)
	require.Equal(t, second.ID, elsewhere.ID)
	require.Equal(t, 1, elsewhere.Version)

	subjects, err := cl.Subjects(ctx)
	require.NoError(t, err)
	require.Equal(t, []string{"a-value", "b/ö value"}, subjects)
	some, err := cl.Subjects(sr.WithParams(ctx, sr.SubjectPrefix("b")))
	require.NoError(t, err)
	require.Equal(t, []string{"b/ö value"}, some)
	versions, err := cl.SubjectVersions(ctx, "a-value")
	require.NoError(t, err)
	require.Equal(t, []int{1, 2}, versions)
	found, err := cl.SchemaByID(ctx, first.ID)
	require.NoError(t, err)
	require.JSONEq(t, user, found.Schema)
	text, err := cl.SchemaTextByID(ctx, first.ID)
	require.NoError(t, err)
	require.JSONEq(t, user, text)
	latest, err := cl.SchemaByVersion(ctx, "a-value", -1)
	require.NoError(t, err)
	require.Equal(t, second, latest)
	text, err = cl.SchemaTextByVersion(ctx, "a-value", 1)
	require.NoError(t, err)
	require.JSONEq(t, user, text)
	names, err := cl.SubjectsByID(ctx, second.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"a-value", "b/ö value"}, names)
	usages, err := cl.SchemaVersionsByID(ctx, second.ID)
	require.NoError(t, err)
	require.Equal(t, []sr.SubjectVersion{{Subject: "a-value", Version: 2}, {Subject: "b/ö value", Version: 1}}, usages)
	all, err := cl.AllSchemas(ctx)
	require.NoError(t, err)
	require.Len(t, all, 3)
	looked, err := cl.LookupSchema(ctx, "a-value", avro(user))
	require.NoError(t, err)
	require.Equal(t, first, looked)
	types, err := cl.SupportedTypes(ctx)
	require.NoError(t, err)
	require.Equal(t, []sr.SchemaType{sr.TypeAvro, sr.TypeProtobuf}, types)
	contexts, err := cl.Contexts(ctx)
	require.NoError(t, err)
	require.Equal(t, []string{"."}, contexts)
}

func TestRegistry_WhatIsMissing_CodesOfTheAPI(t *testing.T) {
	t.Parallel()
	cl := registrytest.Start(t).Client()
	ctx := t.Context()
	_, err := cl.SubjectVersions(ctx, "none")
	code(t, 40401, err)
	_, err = cl.LookupSchema(ctx, "none", avro(user))
	code(t, 40401, err)
	_, err = cl.SchemaByID(ctx, 7)
	code(t, 40403, err)
	_, err = cl.CreateSchema(ctx, "a", avro(user))
	require.NoError(t, err)
	_, err = cl.SchemaByVersion(ctx, "a", 7)
	code(t, 40402, err)
	_, err = cl.LookupSchema(ctx, "a", avro(userNamed))
	code(t, 40403, err)
	code(t, 40408, cl.Compatibility(ctx, "a")[0].Err)
	code(t, 40409, cl.Mode(ctx, "a")[0].Err)
	code(t, 40405, func() error { _, err := cl.DeleteSubject(ctx, "a", sr.HardDelete); return err }())
	code(t, 40407, cl.DeleteSchema(ctx, "a", 1, sr.HardDelete))
	_, err = cl.CreateSchema(ctx, "a", avro(`{"type": "record"}`))
	code(t, 42201, err)
	_, err = cl.CreateSchema(ctx, "a", avro(""))
	code(t, 42201, err)
	_, err = cl.CreateSchema(ctx, "a", protobuf("message {"))
	code(t, 42201, err)
	_, err = cl.CreateSchema(ctx, "a", sr.Schema{Schema: `{"type": "object"}`, Type: sr.TypeJSON})
	code(t, 42201, err)
	require.ErrorContains(t, err, "Schemas of type JSON are not supported by this registry, which has AVRO and PROTOBUF")
	_, err = cl.CreateSchema(ctx, "a", protobuf(pathProto, sr.SchemaReference{Name: "geo/point.proto", Subject: "point", Version: 1}))
	code(t, 42201, err)
	require.ErrorContains(t, err, `No schema reference found for subject "point" and version 1`)
	code(t, 42205, func() error { _, err := cl.RegisterSchema(ctx, "b", avro(user), 77, 1); return err }())
}

func TestRegistry_References_KeptAndProtected(t *testing.T) {
	t.Parallel()
	cl := registrytest.Start(t).Client()
	ctx := t.Context()
	_, err := cl.CreateSchema(ctx, "point", protobuf(pointProto))
	require.NoError(t, err)
	ref := sr.SchemaReference{Name: "geo/point.proto", Subject: "point", Version: 1}
	path, err := cl.CreateSchema(ctx, "path", protobuf(pathProto, ref))
	require.NoError(t, err)
	require.Equal(t, []sr.SchemaReference{ref}, path.References)
	found, err := cl.SchemaByID(ctx, path.ID)
	require.NoError(t, err)
	require.Equal(t, protobuf(pathProto, ref), found)
	users, err := cl.SchemaReferences(ctx, "point", 1)
	require.NoError(t, err)
	require.Equal(t, []sr.SubjectSchema{path}, users)
	_, err = cl.DeleteSubject(ctx, "point", sr.SoftDelete)
	code(t, 42206, err)
	code(t, 42206, cl.DeleteSchema(ctx, "point", 1, sr.SoftDelete))
	_, err = cl.DeleteSubject(ctx, "path", sr.SoftDelete)
	require.NoError(t, err)
	_, err = cl.DeleteSubject(ctx, "point", sr.SoftDelete)
	require.NoError(t, err)
	_, err = cl.DeleteSubject(ctx, "point", sr.HardDelete)
	code(t, 42206, err)

	// Of Avro as well, by names.
	_, err = cl.CreateSchema(ctx, "avro-user", avro(user))
	require.NoError(t, err)
	group := avro(`{"type": "record", "name": "Group", "fields": [{"name": "of", "type": {"type": "array", "items": "User"}}]}`)
	_, err = cl.CreateSchema(ctx, "group", group)
	code(t, 42201, err)
	group.References = []sr.SchemaReference{{Name: "User", Subject: "avro-user", Version: 1}}
	_, err = cl.CreateSchema(ctx, "group", group)
	require.NoError(t, err)
}

func TestRegistry_Deleted_HiddenThenGoneForGood(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	cl := r.Client()
	ctx := t.Context()
	deleted := sr.WithParams(ctx, sr.ShowDeleted)
	for _, text := range []string{user, userNamed} {
		_, err := cl.CreateSchema(ctx, "a", avro(text))
		require.NoError(t, err)
	}
	require.NoError(t, cl.DeleteSchema(ctx, "a", 1, sr.SoftDelete))
	code(t, 40406, cl.DeleteSchema(ctx, "a", 1, sr.SoftDelete))
	versions, err := cl.SubjectVersions(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, []int{2}, versions)
	versions, err = cl.SubjectVersions(deleted, "a")
	require.NoError(t, err)
	require.Equal(t, []int{1, 2}, versions)
	_, err = cl.SchemaByID(ctx, 1)
	require.NoError(t, err, "records are still read by it")
	back, err := cl.CreateSchema(ctx, "a", avro(user))
	require.NoError(t, err)
	require.Equal(t, 1, back.ID, "the id means the same for ever")
	require.Equal(t, 3, back.Version)

	versions, err = cl.DeleteSubject(ctx, "a", sr.SoftDelete)
	require.NoError(t, err)
	require.Equal(t, []int{2, 3}, versions)
	_, err = cl.DeleteSubject(ctx, "a", sr.SoftDelete)
	code(t, 40404, err)
	subjects, err := cl.Subjects(ctx)
	require.NoError(t, err)
	require.Empty(t, subjects)
	subjects, err = cl.Subjects(deleted)
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, subjects)
	versions, err = cl.DeleteSubject(ctx, "a", sr.HardDelete)
	require.NoError(t, err)
	require.Equal(t, []int{1, 2, 3}, versions)
	_, err = cl.SchemaByID(ctx, 1)
	code(t, 40403, err)

	r.Stop()
	r.Start()
	next, err := cl.CreateSchema(ctx, "b", avro(userText))
	require.NoError(t, err)
	require.Equal(t, 3, next.ID, "no id is given twice, also after a restart")
}

func TestRegistry_Restarted_StateOfTheCompactedTopic(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	cl, ctx := r.Client(), t.Context()
	admin, err := r.Config.Kafka.Client()
	require.NoError(t, err)
	defer admin.Close()
	topics, err := kadm.NewClient(admin).ListTopics(ctx)
	require.NoError(t, err)
	require.False(t, topics.Has(registry.Topic), "no topic before the first schema")

	first, err := cl.CreateSchema(ctx, "a", avro(user))
	require.NoError(t, err)
	_, err = cl.CreateSchema(ctx, "gone", avro(userText))
	require.NoError(t, err)
	_, err = cl.DeleteSubject(ctx, "gone", sr.SoftDelete)
	require.NoError(t, err)
	require.NoError(t, cl.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatFullTransitive})[0].Err)
	require.NoError(t, cl.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatNone}, "a")[0].Err)
	require.NoError(t, cl.SetMode(ctx, sr.ModeReadOnly, "a")[0].Err)
	config, err := kadm.NewClient(admin).DescribeTopicConfigs(ctx, registry.Topic)
	require.NoError(t, err)
	policy := ""
	for _, c := range config[0].Configs {
		if c.Key == "cleanup.policy" {
			policy = c.MaybeValue()
		}
	}
	require.Equal(t, "compact", policy)

	r.Stop()
	r.Start()
	again, err := cl.SchemaByVersion(ctx, "a", 1)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, sr.CompatFullTransitive, cl.Compatibility(ctx)[0].Level)
	require.Equal(t, sr.CompatNone, cl.Compatibility(ctx, "a")[0].Level)
	_, err = cl.CreateSchema(ctx, "a", avro(userNamed))
	code(t, 42205, err)
	_, err = cl.SubjectVersions(ctx, "gone")
	code(t, 40401, err)
	require.NoError(t, cl.ResetMode(ctx, "a")[0].Err)
	require.NoError(t, cl.ResetCompatibility(ctx, "a")[0].Err)
	code(t, 40408, cl.Compatibility(ctx, "a")[0].Err)
	require.Equal(t, sr.CompatFullTransitive, cl.Compatibility(sr.WithParams(ctx, sr.DefaultToGlobal), "a")[0].Level)
	_, err = cl.CreateSchema(ctx, "a", avro(userNamed))
	require.NoError(t, err)
}
