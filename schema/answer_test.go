package schema_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/schema"
	"github.com/sightlog/sightlog/usage"
)

// answers serves one answer to every request.
func answers(t *testing.T, status int, body string) (url string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// A server that is no registry, or a registry that fails, says nothing about a schema: nothing is
// written with an id that it made up, and no record becomes a dead letter.
func TestCodec_AnswersThatAreNone_AreUnavailable(t *testing.T) {
	for name, a := range map[string]struct {
		status     int
		body, want string
	}{
		"failed":           {500, `{"error_code":50001,"message":"Error in the backend datastore"}`, "it answers with status 500: Error in the backend datastore"},
		"page of a proxy":  {502, "<html>\n<body>\n" + strings.Repeat("Bad Gateway ", 1000) + "</html>", "it answers with status 502: <html> <body> Bad Gateway"},
		"no such path":     {404, "404 page not found\n", "it answers with status 404: 404 page not found"},
		"path of a server": {404, `{"error_code":404,"message":"HTTP 404 Not Found"}`, "it answers with status 404: HTTP 404 Not Found"},
		"wrong password":   {401, `{"error_code":401,"message":"Unauthorized"}`, "it answers with status 401: Unauthorized"},
		"another API":      {200, `{"status":"ok"}`, "what answers there is no schema registry"},
		"null":             {200, `null`, "what answers there is no schema registry"},
		"a page":           {200, "<html></html>", "unable to decode"},
		"nothing":          {200, "", "unable to decode"},
		"no end":           {200, `{"schema":"` + strings.Repeat("x", 5<<20) + `"}`, "unable to decode"},
	} {
		t.Run(name, func(t *testing.T) {
			url := answers(t, a.status, a.body)
			for _, encoding := range []string{schema.Avro, schema.Protobuf} {
				c := newCodec(t, url, encoding)
				_, encodes := c.Encode(t.Context(), whole())
				_, decodes := c.Sighting(t.Context(), []byte{0, 0, 0, 0, 7, 0})
				for _, err := range []error{c.Prepare(t.Context()), encodes, decodes} {
					require.ErrorIs(t, err, schema.ErrUnavailable)
					require.ErrorContains(t, err, a.want)
					require.Less(t, len(err.Error()), 400, "it is one line")
					require.NotContains(t, err.Error(), "\n")
					require.False(t, usage.Is(err), "it may pass")
				}
			}
		})
	}
}
