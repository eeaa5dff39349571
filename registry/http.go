package registry

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"strconv"
)

// mediaType is that of the API.
const mediaType = "application/vnd.schemaregistry.v1+json"

// maxBody bounds a request, in bytes.
const maxBody = 1 << 20

// request is a request of the API.
type request struct{ *http.Request }

// raw is an answer that is text as it is, not JSON of it.
type raw string

// handle returns a handler that answers with what f returns.
func handle(f func(request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, err := f(request{r})
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if err != nil {
			writeError(w, err)
			return
		}
		if text, ok := answer.(raw); ok {
			_, _ = io.WriteString(w, string(text)) // the client has gone
			return
		}
		writeJSON(w, answer)
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // the client has gone
}

func writeError(w http.ResponseWriter, err error) {
	known := (*apiError)(nil)
	if !errors.As(err, &known) {
		known = refuse(http.StatusInternalServerError, "%v", err)
	}
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(known.status())
	writeJSON(w, known)
}

// bodies are the media types that a request may have; without one it is JSON.
var bodies = map[string]bool{
	"": true, mediaType: true, "application/vnd.schemaregistry+json": true, "application/json": true, "application/octet-stream": true,
}

// read decodes the body.
func (r request) read(into any) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && r.Header.Get("Content-Type") != "" || !bodies[media] {
		return refuse(http.StatusUnsupportedMediaType, "HTTP 415 Unsupported Media Type")
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return refuse(http.StatusBadRequest, "the request cannot be read: %v", err)
	case len(b) > maxBody:
		return refuse(42209, "The schema is larger than %d bytes", maxBody)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return refuse(http.StatusUnprocessableEntity, "the request is no JSON that can be used: %v", err)
	}
	return nil
}

func (r request) registration() (in registration, err error) {
	err = r.read(&in)
	return in, err
}

func (r request) subject() string { return r.PathValue("subject") }

// flag returns whether a parameter is true.
func (r request) flag(name string) bool {
	v, _ := strconv.ParseBool(r.URL.Query().Get(name))
	return v
}

// number returns a parameter, or what it is without it.
func (r request) number(name string, without int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil {
		return without
	}
	return n
}

// version returns the version in the path.
func (r request) version() (int, error) {
	text := r.PathValue("version")
	if text == "latest" || text == "-1" {
		return latest, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > math.MaxInt32 {
		return 0, invalidVersion(text)
	}
	return n, nil
}

// id returns the id in the path.
func (r request) id() (int, error) {
	n, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return 0, refuse(http.StatusNotFound, "HTTP 404 Not Found")
	}
	return n, nil
}
