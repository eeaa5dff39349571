package answer

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sightlog/sightlog/web/route"
)

// Get returns a route of a Reader whose function returns the value that is written as JSON.
func Get(pattern string, doc route.Doc, f func(*http.Request, Values) (any, error)) route.Route {
	return route.Route{
		Pattern: pattern, Role: route.Reader, Doc: &doc,
		Handler: Checked(doc.Params, func(w http.ResponseWriter, r *http.Request, v Values) error {
			body, err := f(r, v)
			if err != nil {
				return err
			}
			return JSON(w, r, body)
		}),
	}
}

// Checked returns a handler that calls f with the checked parameters of the request, and
// answers with the error that it returns. f returns none once it has begun to answer.
func Checked(params []route.Param, f func(http.ResponseWriter, *http.Request, Values) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := Parse(r, params)
		if err == nil {
			err = f(w, r, v)
		}
		if err != nil {
			Error(w, r, err)
		}
	})
}

// JSON writes a value, as Body does.
func JSON(w http.ResponseWriter, r *http.Request, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	Body(w, r, "application/json", append(b, '\n'))
	return nil
}

// Body writes a whole answer with its ETag, or 304 if the client has it already.
func Body(w http.ResponseWriter, r *http.Request, media string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("ETag", tag(body))
	h.Set("Cache-Control", "private, no-cache") // may be kept, and is asked for again each time
	h.Add("Vary", "Accept")
	if has(r.Header.Values("If-None-Match"), h.Get("ETag")) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = bytes.NewReader(body).WriteTo(w) // an error is a client that has gone
}

// tag is a weak ETag: the same answer may be sent compressed.
func tag(body []byte) string {
	sum := sha256.Sum256(body)
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
}

// has reports whether a header If-None-Match names the tag (RFC 9110, 13.1.2: weak comparison).
func has(header []string, tag string) bool {
	opaque := func(s string) string { return strings.TrimPrefix(strings.TrimSpace(s), "W/") }
	return slices.ContainsFunc(strings.Split(strings.Join(header, ","), ","), func(s string) bool {
		return opaque(s) == opaque(tag) || strings.TrimSpace(s) == "*"
	})
}
