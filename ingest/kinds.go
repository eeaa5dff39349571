package ingest

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/usage"
)

// sourceKind is one kind of source: which URIs name it, and what opens it.
type sourceKind struct {
	kind    event.SourceKind
	schemes []string              // of its URLs
	path    func(uri string) bool // reports whether a URI without a scheme names it; nil: none does
	open    func(ctx context.Context, spec Spec, opts Options) (Source, error)
}

// sourceKinds are all kinds, in the order in which they are tried: any path is a file.
var sourceKinds = []sourceKind{
	{event.SourceStream, []string{"rtsp", "rtsps", "rtmp", "rtmps", "srt", "udp", "tcp", "http", "https"}, nil, openStream},
	{event.SourceTest, []string{"test"}, nil, openPattern},
	{event.SourceWebcam, nil, isWebcam, openWebcam},
	{event.SourceImages, nil, isImages, openImages},
	{event.SourceFile, nil, func(string) bool { return true }, openFile},
}

// sourceKind returns the row of the URI's kind.
func (s Spec) sourceKind() (sourceKind, error) {
	scheme, _, isURL := cutScheme(s.URI)
	for _, k := range sourceKinds {
		if isURL && slices.Contains(k.schemes, scheme) || !isURL && k.path != nil && k.path(s.URI) {
			return k, nil
		}
	}
	return sourceKind{}, usage.New("use a file, a camera index, rtsp://, rtmp://, srt://, udp://, tcp://, http:// or test://people", "--source %s: unknown scheme %q", Redact(s.URI), scheme)
}

// isWebcam reports whether the URI is a webcam's index or device.
func isWebcam(uri string) bool {
	_, err := strconv.ParseUint(uri, 10, 16)
	return err == nil || strings.HasPrefix(uri, "/dev/video")
}

// isImages reports whether the path is a directory or named as a picture is.
func isImages(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir() || isImage(path)
}
