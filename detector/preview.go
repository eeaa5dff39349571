package detector

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/usage"
)

// Preview writes annotated frames for a person to look at: a video (.avi,
// .mp4), or a directory of numbered pictures.
type Preview struct {
	path   string
	codec  string // "" for pictures
	fps    float64
	size   image.Point
	writer *gocv.VideoWriter
	part   int // a video has one size: when that changes another one begins
}

// NewPreview prepares a preview; what cannot be written is a *usage.Error.
func NewPreview(path string, fps float64) (*Preview, error) {
	if fps <= 0 {
		fps = 10
	}
	p := &Preview{path: path, fps: fps}
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".avi":
		p.codec = "MJPG"
	case ".mp4":
		p.codec = "mp4v"
	case "":
	default:
		return nil, usage.New("name a directory, or a file ending in .avi or .mp4", "--preview %s: %s is no kind of video this writes", path, ext)
	}
	dir := path
	if p.codec != "" {
		dir = filepath.Dir(path)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, usage.Wrap(err, "name a directory that can be written", "--preview %s: cannot be made", path)
	}
	return p, nil
}

// Write draws the objects into the frame, which is changed by it, and appends
// it.
func (p *Preview) Write(f *ingest.Frame, objs []event.Object) error {
	if err := Annotate(&f.Image, objs); err != nil {
		return err
	}
	if p.codec == "" {
		return SaveJPEG(filepath.Join(p.path, fmt.Sprintf("%08d.jpg", f.Seq)), &f.Image)
	}
	if size := f.Size(); p.writer == nil || size != p.size {
		if err := p.Close(); err != nil {
			return err
		}
		path := p.path
		if p.part++; p.part > 1 {
			ext := filepath.Ext(path)
			path = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(path, ext), p.part, ext)
		}
		w, err := gocv.VideoWriterFile(path, p.codec, p.fps, size.X, size.Y, true)
		if err != nil || !w.IsOpened() {
			return fmt.Errorf("write preview %s: the video library cannot write it", path)
		}
		p.writer, p.size = w, size
	}
	if err := p.writer.Write(f.Image); err != nil {
		return fmt.Errorf("write preview: %w", err)
	}
	return nil
}

// Close finishes the video.
func (p *Preview) Close() error {
	if p.writer == nil {
		return nil
	}
	err := p.writer.Close()
	p.writer = nil
	return err
}
