package ingest

import (
	"context"
	"fmt"
	"image"
	"log/slog"
	"os"
	"time"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
)

// Pace is how fast a file is read.
type Pace int

const (
	// AsRecorded delivers each frame no earlier than its PTS after the first.
	AsRecorded Pace = iota
	// Fast delivers frames as fast as they are asked for.
	Fast
)

// Options are the same for every kind of source; each reads what concerns it.
type Options struct {
	Pace    Pace  // file, images, test
	StartAt int64 // file, images, test: the first seq wanted; those before are decoded and skipped

	Schedule *Schedule // file, images, test: when each frame is due; nil: as Pace says

	MaxFPS float64 // live: deliver no more; the others are counted as skipped. 0: no limit

	OpenTimeout time.Duration // default 10 s
	// ReadTimeout is how long a live source may be silent, at least, before it is
	// opened again; one whose frames are far apart may for longer, and one that comes
	// in segments or is a recording for fifteen times as long. A reader that was
	// asked to end is waited for as long by Close of a file, and a quarter of it by a
	// live source; then it is left behind. A webcam's library waits no longer for a
	// frame. Default 2 s.
	ReadTimeout time.Duration

	// Backoff spaces the tries to open a source, over several calls of Open if
	// they share it: Open waits until the next try is due. Default: a new one.
	Backoff *Backoff

	Stdin *os.File // what the URI "-" reads; default os.Stdin

	Log *slog.Logger // default: discard
}

func (o Options) withDefaults() Options {
	if o.OpenTimeout <= 0 {
		o.OpenTimeout = 10 * time.Second
	}
	if o.ReadTimeout <= 0 {
		o.ReadTimeout = 2 * time.Second
	}
	if o.Backoff == nil {
		o.Backoff = &Backoff{}
	}
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// MaxSide bounds the sides of a picture in pixels: one that is larger is not
// delivered, and is damage of a file.
const MaxSide = 16384

// Frame is one picture. Image belongs to the source and is valid until the
// next call of Next or Close.
type Frame struct {
	Seq   int64         // index in the source, from 0; live: counted on arrival, dropped ones too
	Image gocv.Mat      // BGR, 8 bits a channel
	PTS   time.Duration // position in the source

	// GrabbedAt is when the frame was received: for a file, when its
	// decoding began; for a live source, when it arrived from the library.
	GrabbedAt time.Time
	DecodedAt time.Time // when Image was complete

	// Live: frames since the one delivered before. Dropped are those that the
	// caller was too slow for, Skipped those that MaxFPS passes over.
	Dropped, Skipped int64
}

// Size returns the picture's width and height in pixels.
func (f *Frame) Size() image.Point { return image.Pt(f.Image.Cols(), f.Image.Rows()) }

// Info describes an open source.
type Info struct {
	Kind        event.SourceKind
	Source      string      // URI without credentials
	Fingerprint string      // same fingerprint, same content; "" where nothing can be read again
	FPS         float64     // as declared; 0 unknown
	Size        image.Point // as declared at opening; a frame may differ
	Frames      int64       // as declared; 0 unknown
}

// Stats are counted since the source was opened.
type Stats struct {
	Frames   int64         // arrived; delivered or dropped
	Dropped  int64         // live: not delivered, as the caller was too slow
	Skipped  int64         // live: not delivered, by MaxFPS
	Reopened int64         // live: times it was lost and opened again
	FPS      float64       // measured over the last frames; 0 before the second
	Jumps    int64         // file: timestamps that jumped and were bridged
	Silent   time.Duration // live: since the newest frame arrived
	Size     image.Point   // of the newest frame
}

// Source delivers frames to one caller.
type Source interface {
	Info() Info
	// Stats may be called from anywhere.
	Stats() Stats
	// Next waits for a frame. It returns io.EOF at the end, an error that
	// errors.As sees as *Damage at the end of a file that ended early or had
	// holes, or ctx's error; no other error is repaired by calling again.
	Next(ctx context.Context, f *Frame) error
	// Close stops the reader and waits for it. It may be called again, and then does
	// nothing.
	Close() error
}

// Damage describes the broken parts of a file, or that it is cut short. Every
// good frame was delivered before it.
type Damage struct {
	Source    string // redacted
	Delivered int64  // frames read, those before StartAt too
	Reason    string
}

func (d *Damage) Error() string {
	return fmt.Sprintf("%s is damaged: %s; its %d good frames were read", d.Source, d.Reason, d.Delivered)
}

// Spec names one camera and what it reads.
type Spec struct {
	ID  string // camera, [a-z0-9_-]{1,64}
	URI string // a URL as typed, with its credentials: print Redact(URI); or a path
}
