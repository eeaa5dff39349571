package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"time"

	"github.com/sightlog/sightlog/web/route"
)

//go:embed static
var files embed.FS

// file is one of the page's, as it is sent.
type file struct {
	content   []byte
	etag, typ string
}

// Routes returns the routes of the page, which anybody may read: it has no figures in it.
func Routes() []route.Route {
	h := Handler()
	return []route.Route{{Pattern: "GET /{$}", Role: route.Public, Handler: h}, {Pattern: "GET /static/", Role: route.Public, Handler: h}}
}

// Handler serves the page: index.html at /, and the other files below /static/.
func Handler() http.Handler {
	all := make(map[string]file)
	err := fs.WalkDir(files, "static", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		if name == "static/index.html" {
			name = ""
		}
		all["/"+name] = file{content: content, etag: fmt.Sprintf(`"%x"`, sha256.Sum256(content))[:18] + `"`, typ: typeOf(name)}
		return nil
	})
	if err != nil {
		panic(err) // files are part of the program
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, found := all[r.URL.Path]
		if !found {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.typ)
		h.Set("ETag", f.etag)
		h.Set("Cache-Control", "no-cache") // asked each time whether it has changed, so that an upgrade shows at once
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
	})
}

// typeOf does not depend on the machine's tables of types.
func typeOf(name string) string {
	switch path.Ext(name) {
	case "", ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	}
	return "image/svg+xml"
}
