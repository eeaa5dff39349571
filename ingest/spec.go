package ingest

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/usage"
)

// Spec names one camera and what it reads.
type Spec struct {
	ID  string // camera, [a-z0-9_-]{1,64}
	URI string // as typed, with its credentials: print Redact(URI)
}

// An ID is told from a URI by its place before the first "=", so a URI such
// as "http://host/?a=b" needs none.
var idPrefix = regexp.MustCompile(`^([^=/:?.]*)=(.*)$`)

// ParseSpec parses "[ID=]URI". Without an ID the camera is called cam<index>.
func ParseSpec(arg string, index int) (Spec, error) {
	s := Spec{ID: "cam" + strconv.Itoa(index), URI: arg}
	if m := idPrefix.FindStringSubmatch(arg); m != nil {
		s.ID, s.URI = m[1], m[2]
	}
	if !event.ValidCamera(s.ID) {
		return Spec{}, usage.New("use up to 64 of a-z, 0-9, _ and -", "--source %q: the name %q cannot name a camera", s.ID+"="+Redact(s.URI), s.ID)
	}
	if s.URI == "" {
		return Spec{}, usage.New("name a file, a camera index, rtsp://… or http://…", "--source %q: no source", arg)
	}
	if k, err := s.Kind(); err != nil {
		return Spec{}, err
	} else if k == event.SourceFile {
		s.URI = strings.TrimPrefix(s.URI, "file://")
	}
	if s.URI == "/dev/stdin" {
		s.URI = Stdin
	}
	return s, nil
}

// Kind says what the URI names, from its form and, for a path, from what is
// at it. A path with nothing at it is a file; Open says that it is missing.
func (s Spec) Kind() (event.SourceKind, error) {
	scheme, _, isURL := strings.Cut(s.URI, "://")
	if isURL {
		switch strings.ToLower(scheme) {
		case "rtsp", "rtsps", "rtmp", "rtmps", "srt", "udp", "tcp", "http", "https":
			return event.SourceStream, nil
		case "test":
			return event.SourceTest, nil
		case "file":
			return event.SourceFile, nil
		}
		return "", usage.New("use a file, a camera index, rtsp://, http:// or test://people", "--source %s: unknown scheme %q", Redact(s.URI), scheme)
	}
	if _, err := strconv.ParseUint(s.URI, 10, 16); err == nil || strings.HasPrefix(s.URI, "/dev/video") {
		return event.SourceWebcam, nil
	}
	if st, err := os.Stat(s.URI); err == nil && st.IsDir() {
		return event.SourceImages, nil
	}
	if isImage(s.URI) {
		return event.SourceImages, nil
	}
	return event.SourceFile, nil
}

// isImage reports whether the name ends like a still picture that the image
// library reads.
func isImage(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm":
		return true
	}
	return false
}

// HasPassword reports whether the URI holds a password, before the host or in a
// query parameter whose name suggests one. Where the form is ambiguous it does.
func HasPassword(uri string) bool {
	_, rest, _ := strings.Cut(uri, "://")
	user, _, has := strings.Cut(rest, "@")
	return has && strings.Contains(user, ":") || passwordKey.MatchString(rest)
}

var passwordKey = regexp.MustCompile(`(?i)[?&][^=&]*(pass|pwd|token|secret|cred)[^=&]*=.`)

var secretKey = regexp.MustCompile(`(?i)pass|pwd|user|usr|login|token|key|auth|sig|secret|cred`)

// Redact returns the URI without credentials: no user and password before the
// host, no value of a query parameter whose name suggests a secret. Where the
// form is ambiguous (a password with "/" or "@" in it) it hides too much
// rather than too little.
func Redact(uri string) string {
	scheme, rest, isURL := strings.Cut(uri, "://")
	if !isURL {
		return uri
	}
	// Credentials end at an "@" and begin in the first segment, with a ":" or
	// all of them in it; which "@" is theirs cannot be told from the last one.
	first := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		first = rest[:i]
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 && strings.ContainsAny(first, ":@") {
		rest = rest[i+1:]
	}
	rest, query, hasQuery := strings.Cut(rest, "?")
	if !hasQuery {
		return scheme + "://" + rest
	}
	parts := strings.Split(query, "&")
	for i, p := range parts {
		key, _, has := strings.Cut(p, "=")
		name, err := url.QueryUnescape(key)
		if has && (err != nil || secretKey.MatchString(name)) {
			parts[i] = key + "=***"
		}
	}
	return scheme + "://" + rest + "?" + strings.Join(parts, "&")
}
