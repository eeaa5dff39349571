package answer

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
)

// position is what a cursor holds.
type position struct {
	Of  []byte          `json:"of"`  // of the parameters that the page is of
	Key json.RawMessage `json:"key"` // of the last row of the page before
}

// MakeCursor returns the cursor of the page after the row with a key, a value that JSON can
// hold. A page is found by its key and not by a number of rows, so that no row is there twice
// and none is missing when rows come in between.
func MakeCursor(v Values, key any) (string, error) {
	k, err := json.Marshal(key)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(position{Of: v.digest(), Key: k})
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// ReadCursor reads the key of the parameter cursor. Without it, there is none.
func (v Values) ReadCursor(key any) (there bool, err error) {
	if !v.Has("cursor") {
		return false, nil
	}
	wrong := func(what string) error {
		return Refuse(http.StatusUnprocessableEntity, "cursor: is "+what, "copy it from the link of the page before, and leave the other parameters as they were")
	}
	var p position
	b, err := base64.RawURLEncoding.DecodeString(v.Text("cursor"))
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		return false, wrong("none of ours")
	}
	if !bytes.Equal(p.Of, v.digest()) {
		return false, wrong("of another question")
	}
	if err := json.Unmarshal(p.Key, key); err != nil {
		return false, wrong("none of ours")
	}
	return true, nil
}

// digest identifies the parameters of a question, without those of its pages.
func (v Values) digest() []byte {
	var names []string
	for _, p := range v.params {
		if p.Name != "cursor" && p.Name != "limit" {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	h := sha256.New()
	h.Write([]byte(v.pattern))
	for _, name := range names {
		b, err := json.Marshal([]any{name, v.given[name]})
		if err != nil {
			panic(err) // texts in UTF-8
		}
		h.Write(b)
	}
	return h.Sum(nil)[:9]
}

// Next sets the link to the next page (RFC 8288), relative to the request.
func Next(w http.ResponseWriter, r *http.Request, cursor string) {
	q := r.URL.Query()
	q.Set("cursor", cursor)
	w.Header().Add("Link", "<"+r.URL.EscapedPath()+"?"+q.Encode()+`>; rel="next"`)
}
