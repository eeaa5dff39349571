package api_test

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/web/problem"
)

// document is the part of the description that responses are compared with.
type document struct {
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]*jsonschema.Schema }
}

type operation struct {
	Responses map[string]struct {
		Content map[string]struct{ Schema json.RawMessage }
	}
}

// conforms checks a response against the description: its status, its media type and, of JSON,
// its schema.
func (d *document) conforms(t *testing.T, req *http.Request, re reply) {
	t.Helper()
	o, described := d.Paths[req.URL.Path][strings.ToLower(req.Method)]
	if !described || req.Method == http.MethodHead || re.StatusCode == http.StatusNotModified {
		return
	}
	what := req.Method + " " + req.URL.String() + ": " + re.Status
	response, there := o.Responses[strconv.Itoa(re.StatusCode)]
	require.True(t, there, "%s is no status of its description: %s", what, re.body)
	kind, _, err := mime.ParseMediaType(re.Header.Get("Content-Type"))
	require.NoError(t, err, what)
	content, there := response.Content[kind]
	require.True(t, there, "%s: %s is no media type of its description", what, kind)
	if kind != "application/json" && kind != problem.ContentType {
		return
	}
	var schema *jsonschema.Schema
	require.NoError(t, json.Unmarshal(content.Schema, &schema), what)
	if name, isRef := strings.CutPrefix(schema.Ref, "#/components/schemas/"); isRef {
		schema = d.Components.Schemas[name]
	}
	resolved, err := schema.Resolve(nil)
	require.NoError(t, err, what)
	var v any
	require.NoError(t, json.Unmarshal([]byte(re.body), &v), "%s: %s", what, re.body)
	require.NoError(t, resolved.Validate(v), "%s: %s", what, re.body)
}
