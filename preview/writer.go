package preview

import (
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/usage"
)

// Writer writes annotated frames: a video (.avi,
// .mp4), or a directory of numbered pictures. Existing files are never overwritten: beside
// yard.avi the next is yard-2.avi, beside the pictures in yard those in yard-2.
type Writer struct {
	asked  string
	codec  string // "" for pictures
	fps    float64
	resume bool
	path   string // of pictures: their directory, once begun
	begun  bool
	size   image.Point
	writer *gocv.VideoWriter
}

// NewWriter prepares a preview; a path that cannot be written is a *usage.Error.
// With resume, pictures are added to the newest directory, whose frames come
// before.
func NewWriter(path string, fps float64, resume bool) (*Writer, error) {
	if fps <= 0 {
		fps = 10
	}
	path = filepath.Clean(path)
	p := &Writer{asked: path, path: path, fps: fps, resume: resume}
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
// it. A video has one size: a frame of another one begins another video.
func (p *Writer) Write(f *ingest.Frame, objs []event.Object) error {
	if err := Annotate(&f.Image, objs); err != nil {
		return err
	}
	if p.codec == "" {
		return p.picture(f)
	}
	if size := f.Size(); p.writer == nil || size != p.size {
		if err := p.Close(); err != nil {
			return err
		}
		if err := p.begin(size); err != nil {
			return fmt.Errorf("write preview: %w", err)
		}
	}
	if err := p.writer.Write(f.Image); err != nil {
		return fmt.Errorf("write preview: %w", err)
	}
	return nil
}

// begin begins a video in a file of its own, which is empty until then.
func (p *Writer) begin(size image.Point) error {
	path, err := unused(p.asked, func(path string) error {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err == nil {
			err = f.Close()
		}
		return err
	})
	if err != nil {
		return err
	}
	w, err := gocv.VideoWriterFile(path, p.codec, p.fps, size.X, size.Y, true)
	if err != nil || !w.IsOpened() {
		os.Remove(path)
		return fmt.Errorf("the video library cannot write %s", path)
	}
	p.writer, p.size = w, size
	return nil
}

func (p *Writer) picture(f *ingest.Frame) error {
	if !p.begun {
		if err := p.choose(); err != nil {
			return fmt.Errorf("write preview: %w", err)
		}
		p.begun = true
	}
	return SaveJPEG(filepath.Join(p.path, fmt.Sprintf("%08d.jpg", f.Seq)), &f.Image)
}

// choose settles on the directory for the pictures.
func (p *Writer) choose() error {
	if p.resume {
		for n := 2; ; n++ { // the newest
			next := numbered(p.asked, n)
			if _, err := os.Stat(next); err != nil {
				return nil
			}
			p.path = next
		}
	}
	there, err := os.ReadDir(p.path)
	if err == nil && slices.ContainsFunc(there, func(e fs.DirEntry) bool { return filepath.Ext(e.Name()) == ".jpg" }) {
		p.path, err = unused(p.asked, func(path string) error { return os.Mkdir(path, 0o755) })
	}
	return err
}

// unused creates the first of path, path-2, path-3, … that is not there.
func unused(path string, create func(string) error) (string, error) {
	for n := 1; ; n++ {
		name := numbered(path, n)
		if err := create(name); !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
}

func numbered(path string, n int) string {
	if n == 1 {
		return path
	}
	ext := filepath.Ext(path)
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(path, ext), n, ext)
}

// Close finishes the video.
func (p *Writer) Close() error {
	if p.writer == nil {
		return nil
	}
	err := p.writer.Close()
	p.writer = nil
	return err
}
