package preview

import (
	"log/slog"
	"os"
	"path/filepath"

	"github.com/sightlog/sightlog/detector/zone"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/usage"
)

// Path returns where a camera's preview is written, "" for none: to path itself,
// or for one of several cameras to a video of its own in that directory.
func Path(path, camera string, cameras int) (string, error) {
	if path == "" {
		return "", nil
	}
	if cameras > 1 {
		if filepath.Ext(path) != "" {
			return "", usage.New("name a directory", "--preview %s: one file cannot hold %d cameras", path, cameras)
		}
		path = filepath.Join(path, camera+".avi")
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() != (filepath.Ext(path) == "") {
		return "", usage.New("name another", "--preview %s: exists, and is neither a video nor a directory of pictures", path)
	}
	_, err := NewWriter(path, 0, false) // creates the directory: better now than at the first frame
	return path, err
}

// Recorder draws a camera's detections for as long as that works: the sightings
// matter more.
type Recorder struct {
	camera string
	shapes zone.Options
	video  *Writer // nil: none, or it failed
	log    *slog.Logger
}

// Open prepares the preview of a run that begins at frame next.
func Open(path, camera string, shapes zone.Options, fps float64, next int64, log *slog.Logger) (*Recorder, error) {
	p := &Recorder{camera: camera, shapes: shapes, log: log}
	var err error
	if path != "" {
		p.video, err = NewWriter(path, fps, next > 0)
	}
	return p, err
}

// Show hides what the veil says and draws into the frame, which must not be used afterwards.
func (p *Recorder) Show(f *ingest.Frame, veil *Veil, objects []event.Object) {
	if p.video == nil {
		return
	}
	err := veil.Blur(&f.Image)
	if err == nil {
		err = DrawShapes(&f.Image, p.shapes)
	}
	if err == nil {
		err = p.video.Write(f, objects)
	}
	if err != nil {
		p.log.Warn("preview ended", "camera", p.camera, "err", err)
		p.Close()
	}
}

// Close ends the video. A preview that was closed, or that ended by itself, is
// closed without effect.
func (p *Recorder) Close() {
	if p.video == nil {
		return
	}
	if err := p.video.Close(); err != nil {
		p.log.Warn("preview not closed", "camera", p.camera, "err", err)
	}
	p.video = nil
}
