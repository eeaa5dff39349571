package ingest

import (
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
	URI string // a URL as typed, with its credentials: print Redact(URI); or a path
}

// An ID is told from a URI by its place before the first "=", so a URI such
// as "http://host/?a=b" needs none.
var idPrefix = regexp.MustCompile(`(?s)^([^=/:?.]*)=(.*)$`)

// ParseSpec parses "[ID=]URI". Without an ID the camera is called cam<index>. A
// file URI and a path that begins with ~ become plain paths.
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
	path, err := localPath(s.URI)
	if err != nil {
		return Spec{}, usage.Wrap(err, "", "--source %s: %v", s.ID+"="+Redact(s.URI), err)
	}
	s.URI = path
	if _, err := s.Kind(); err != nil {
		return Spec{}, err
	}
	if s.URI == "/dev/stdin" {
		s.URI = Stdin
	}
	return s, nil
}

// Kind says what the URI names, from its form and, for a path, from what is
// at it. A path with nothing at it is a file; Open says that it is missing.
func (s Spec) Kind() (event.SourceKind, error) {
	if scheme, _, isURL := cutScheme(s.URI); isURL {
		switch scheme {
		case "rtsp", "rtsps", "rtmp", "rtmps", "srt", "udp", "tcp", "http", "https":
			return event.SourceStream, nil
		case "test":
			return event.SourceTest, nil
		}
		return "", usage.New("use a file, a camera index, rtsp://, rtmp://, srt://, udp://, tcp://, http:// or test://people", "--source %s: unknown scheme %q", Redact(s.URI), scheme)
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
