// Package problem writes errors as problem details (RFC 9457).
package problem

import (
	"encoding/json"
	"net/http"
)

// ContentType is the media type of a problem.
const ContentType = "application/problem+json"

// Problem is the body of an error's response.
type Problem struct {
	Type   string `json:"type"` // about:blank: Title is that of the status
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"` // what is wrong, in words
	Hint   string `json:"hint,omitempty"`   // how to mend it
}

// Write answers with a problem. detail and hint are shown to whoever asked: they must hold no
// secret.
func Write(w http.ResponseWriter, status int, detail, hint string) {
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Cache-Control", "no-store")
	h.Del("Content-Length")
	h.Del("ETag")
	w.WriteHeader(status)
	// an error here is a client that has gone
	_ = json.NewEncoder(w).Encode(Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Hint: hint})
}
