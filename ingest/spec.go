package ingest

import (
	"regexp"
	"strconv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/usage"
)

// An ID is recognised by its place before the first "=", so a URI such
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

// Kind returns the kind of source that the URI names, by its form and, for a
// path, by the file at it. A path at which nothing exists is a file; Open reports
// that it is missing.
func (s Spec) Kind() (event.SourceKind, error) {
	k, err := s.sourceKind()
	if err != nil {
		return "", err
	}
	return k.kind, nil
}
