package registry_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/proto"

	"github.com/sightlog/sightlog/internal/registrytest"
	"github.com/sightlog/sightlog/registry"
	"github.com/sightlog/sightlog/schema"
	"github.com/sightlog/sightlog/usage"
)

// ask sends a request and returns the answer's status and body.
func ask(t *testing.T, method, url, body string, headers ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "application/vnd.schemaregistry.v1+json", resp.Header.Get("Content-Type"))
	return resp.StatusCode, strings.TrimSpace(string(b))
}

func TestRegistry_Requests_StatusAndBodyOfTheAPI(t *testing.T) {
	t.Parallel()
	url := registrytest.Start(t).URL
	large := `{"schema": "` + strings.Repeat("x", 1<<20) + `"}`
	for _, c := range []struct {
		method, path, body string
		status             int
		answer             string
	}{
		{"GET", "/", "", 200, `{}`},
		{"GET", "/subjects", "", 200, `[]`},
		{"GET", "/config", "", 200, `{"compatibilityLevel":"BACKWARD"}`},
		{"GET", "/mode", "", 200, `{"mode":"READWRITE"}`},
		{"POST", "/subjects/s/versions", `{"schema": "{\"type\": \"string\"}"}`, 200, `{"id":1}`},
		{"GET", "/schemas/ids/1", "", 200, `{"schema":"{\"type\":\"string\"}"}`},
		{"GET", "/schemas/ids/1/schema", "", 200, `{"type":"string"}`},
		{"GET", "/subjects/s/versions/latest", "", 200, `{"subject":"s","version":1,"id":1,"schema":"{\"type\":\"string\"}"}`},
		{"POST", "/subjects/s", `{"schema": "{\"type\": \"string\"}"}`, 200, `{"subject":"s","version":1,"id":1,"schema":"{\"type\":\"string\"}"}`},
		{"GET", "/subjects/s/versions/0", "", 422, `{"error_code":42202,"message":"The specified version '0' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\""}`},
		{"GET", "/subjects/s/versions/x", "", 422, `{"error_code":42202,"message":"The specified version 'x' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\""}`},
		{"GET", "/subjects/none/versions", "", 404, `{"error_code":40401,"message":"Subject 'none' not found."}`},
		{"GET", "/subjects/s/versions/2", "", 404, `{"error_code":40402,"message":"Version 2 not found."}`},
		{"GET", "/schemas/ids/9", "", 404, `{"error_code":40403,"message":"Schema 9 not found"}`},
		{"PUT", "/config", `{"compatibility": "SIDEWAYS"}`, 422, `{"error_code":42203,"message":"Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive"}`},
		{"PUT", "/mode", `{"mode": "SLEEP"}`, 422, `{"error_code":42204,"message":"Invalid mode. Valid values are READWRITE, READONLY, IMPORT"}`},
		{"PUT", "/mode", `{"mode": "IMPORT"}`, 422, `{"error_code":42205,"message":"Cannot import since found existing subjects"}`},
		{"PUT", "/config/s", `{"compatibility": "full"}`, 200, `{"compatibility":"FULL"}`},
		{"GET", "/config/s", "", 200, `{"compatibilityLevel":"FULL"}`},
		{"POST", "/compatibility/subjects/s/versions/latest", `{"schema": "\"int\""}`, 200, `{"is_compatible":false}`},
		{"POST", "/subjects/s/versions", large, 422, `{"error_code":42209,"message":"The schema is larger than 1048576 bytes"}`},
		{"POST", "/subjects/s/versions", "{", 422, `{"error_code":422,"message":"the request is no JSON that can be used: unexpected end of JSON input"}`},
		{"GET", "/nothing", "", 404, `{"error_code":404,"message":"HTTP 404 Not Found"}`},
		{"DELETE", "/subjects/s/versions/latest", "", 200, `1`},
		{"DELETE", "/subjects/s/versions/1?permanent=true", "", 200, `1`},
		{"DELETE", "/subjects/s", "", 404, `{"error_code":40401,"message":"Subject 's' not found."}`},
	} {
		status, answer := ask(t, c.method, url+c.path, c.body)
		require.Equal(t, c.answer, answer, "%s %s", c.method, c.path)
		require.Equal(t, c.status, status)
	}
	status, _ := ask(t, "POST", url+"/subjects/s/versions", `{"schema": "\"int\""}`, "Content-Type", "text/plain")
	require.Equal(t, 415, status)
}

// A web page in the browser of who uses this machine must not reach it.
func TestRegistry_RequestsOfOtherSites_Refused(t *testing.T) {
	t.Parallel()
	url := registrytest.Start(t).URL
	status, _ := ask(t, "PUT", url+"/mode", `{"mode": "READONLY"}`, "Sec-Fetch-Site", "cross-site")
	require.Equal(t, 403, status)
	status, _ = ask(t, "PUT", url+"/mode", `{"mode": "READONLY"}`, "Origin", "http://other.example")
	require.Equal(t, 403, status)
	status, _ = ask(t, "GET", url+"/subjects", "", "Host", "other.example")
	require.Equal(t, 421, status)
	status, answer := ask(t, "GET", url+"/mode", "", "Host", "localhost")
	require.Equal(t, 200, status)
	require.JSONEq(t, `{"mode":"READWRITE"}`, answer)
}

func TestRegistry_WithUsers_NameAndPasswordNeeded(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t, func(c *registry.Config) { c.Users = map[string]string{"ann": "secret"} })
	for _, opts := range [][]sr.ClientOpt{nil, {sr.BasicAuth("ann", "wrong")}, {sr.BasicAuth("bob", "")}, {sr.BasicAuth("bob", "secret")}} {
		_, err := r.Client(opts...).Subjects(t.Context())
		code(t, 401, err)
	}
	subjects, err := r.Client(sr.BasicAuth("ann", "secret")).Subjects(t.Context())
	require.NoError(t, err)
	require.Empty(t, subjects)
}

func TestOpen_AddressThatCannotBe_UsageError(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	for want, listen := range map[string]string{"anybody could change schemas": "0.0.0.0:0", "address already in use": r.Config.Listen} {
		c := r.Config
		c.Listen = listen
		_, err := registry.Open(t.Context(), c)
		require.ErrorContains(t, err, want)
		require.True(t, usage.Is(err))
	}
}

// Python's serializer registers a descriptor in base64, and asks for one.
func TestRegistry_DescriptorInBase64_SameSchemaAsItsText(t *testing.T) {
	t.Parallel()
	cl := registrytest.Start(t).Client()
	ctx := t.Context()
	file, err := schema.ParseProtobuf(ctx, pointProto, nil)
	require.NoError(t, err)
	b, err := proto.Marshal(schema.Descriptor(file))
	require.NoError(t, err)
	encoded := base64.StdEncoding.EncodeToString(b)
	first, err := cl.CreateSchema(ctx, "point", protobuf(encoded))
	require.NoError(t, err)
	require.Contains(t, first.Schema.Schema, "message Point {")
	second, err := cl.CreateSchema(ctx, "point", protobuf("// with a comment\n"+pointProto))
	require.NoError(t, err)
	require.Equal(t, first, second)
	encoded64, err := cl.SchemaByID(sr.WithParams(ctx, sr.Format("serialized")), first.ID) //nolint:misspell // the word of the API
	require.NoError(t, err)
	require.True(t, schema.IsDescriptor(encoded64.Schema))
	again, err := schema.ParseProtobuf(ctx, encoded64.Schema, nil)
	require.NoError(t, err)
	require.EqualValues(t, "y", again.Messages().ByName("Point").Fields().Get(1).Name())
}

func TestRegistry_Import_IDsAndVersionsAsGiven(t *testing.T) {
	t.Parallel()
	r := registrytest.Start(t)
	cl, ctx := r.Client(), t.Context()
	require.NoError(t, cl.SetMode(ctx, sr.ModeImport)[0].Err)
	_, err := cl.RegisterSchema(ctx, "a", avro(user), -1, -1)
	code(t, 42205, err)
	id, err := cl.RegisterSchema(ctx, "a", avro(userText), 70, 5)
	require.NoError(t, err)
	require.Equal(t, 70, id)
	_, err = cl.RegisterSchema(ctx, "a", avro(user), 70, 6)
	code(t, 42205, err)
	id, err = cl.RegisterSchema(ctx, "a", avro(user), 60, 6)
	require.NoError(t, err, "nothing is checked")
	require.Equal(t, 60, id)
	require.NoError(t, cl.SetMode(ctx, sr.ModeReadWrite)[0].Err)
	next, err := cl.CreateSchema(ctx, "a", avro(userNamed))
	require.NoError(t, err)
	require.Equal(t, []int{71, 7}, []int{next.ID, next.Version})
}

// FuzzSchema: no schema that somebody sends ends the registry.
func FuzzSchema(f *testing.F) {
	url := registrytest.Start(f).URL
	for _, text := range []string{user, userNamed, pointProto, pathProto} {
		f.Add(text, "AVRO")
		f.Add(text, "PROTOBUF")
	}
	f.Fuzz(func(t *testing.T, text, kind string) {
		body, err := json.Marshal(map[string]string{"schema": text, "schemaType": kind})
		require.NoError(t, err)
		status, answer := ask(t, "POST", url+"/compatibility/subjects/s/versions/latest", string(body))
		require.Contains(t, []int{200, 422}, status, answer)
	})
}
