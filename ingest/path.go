package ingest

import (
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/sightlog/sightlog/usage"
)

var fileURI = regexp.MustCompile(`(?is)^file:(?://([^/]*))?(/.*)?$`)

// localPath returns the path that a file URI names (RFC 8089: file:/a,
// file:///a, file://localhost/a, in any case, any byte as %XX), and a plain path
// with its ~ replaced. Other URIs come back as they are. A "?" or "#" in a file
// URI stands for itself, as the RFC's grammar knows neither query nor fragment.
func localPath(uri string) (string, error) {
	m := fileURI.FindStringSubmatch(uri)
	if m == nil || m[2] == "" && !strings.HasPrefix(uri[len("file:"):], "//") { // a file may be called file:a
		return usage.Path(uri)
	}
	const fix = "write file:///absolute/path, or the path alone"
	path, err := url.PathUnescape(m[2])
	switch {
	case m[2] == "":
		return "", usage.New(fix, "a file URI without a path")
	case m[1] != "" && !strings.EqualFold(m[1], "localhost"):
		return "", usage.New(fix, "a file of another machine, %s", Redact("file://"+m[1]))
	case err != nil:
		return "", usage.Wrap(err, "write %25 for a % itself, or the path alone", "a %% that two hex digits do not follow")
	case strings.ContainsRune(path, 0):
		return "", usage.New("leave it out", "a path with %%00 in it")
	}
	return path, nil
}

// PathName returns a path as text: itself or, where its bytes are not UTF-8, the
// file URI that names it. ParseSpec reads both.
func PathName(path string) string {
	if utf8.ValidString(path) {
		return path
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return strings.ToValidUTF8(path, "\ufffd")
	}
	return (&url.URL{Scheme: "file", Path: abs}).String()
}
