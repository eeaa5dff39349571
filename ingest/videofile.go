package ingest

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"gocv.io/x/gocv"
)

// videoFile reads a file's frames one by one; a playback owns it.
type videoFile struct {
	c    *libav
	info Info

	declared, size int64 // bytes: what the container claims, what there is

	read int64
	time timeline
	bent atomic.Int64 // time.jumps, for other goroutines
	log  *slog.Logger
}

func (v *videoFile) next(m *gocv.Mat) (time.Duration, error) {
	switch err := v.c.grab(0); {
	case errors.Is(err, io.EOF):
		return 0, v.end()
	case err != nil:
		return 0, fmt.Errorf("read %s: %w", v.info.Source, err)
	}
	stamp, ok := v.c.position()
	pts := v.time.position(stamp, ok)
	if v.time.jumps == 1 && v.bent.Load() == 0 {
		v.log.Warn("the file's timestamps jump; such frames follow after one frame interval", "source", v.info.Source, "frame", v.read, "timestamp", stamp, "position", pts)
	}
	v.bent.Store(v.time.jumps)
	if m != nil && !v.c.retrieve(m) {
		// Not to be passed over: a run that is resumed counts the frames before
		// without converting them.
		return 0, fmt.Errorf("read %s: frame %d cannot be converted", v.info.Source, v.read)
	}
	v.read++
	return pts, nil
}

// rewind makes the first frame the next, with the file open.
func (v *videoFile) rewind() error {
	if !v.c.seek(0, 0) {
		return fmt.Errorf("read %s: it cannot be played again: its container has no index", v.info.Source)
	}
	v.time = timeline{declared: v.time.declared}
	return nil
}

// end returns why there is no further frame. How many frames the file declares is
// no evidence: edit lists leave frames out, null frames of AVI are counted and
// show nothing, and a number made of a duration is a guess.
func (v *videoFile) end() error {
	var reason string
	switch damaged := v.c.damaged(); {
	case v.declared > v.size:
		reason = fmt.Sprintf("it ends after %d of the %d bytes it declares", v.size, v.declared)
	case damaged > 0:
		reason = fmt.Sprintf("%d of its frames or packets are damaged", damaged)
	case v.read == 0:
		reason = "it holds no frame that can be decoded"
	default:
		return io.EOF
	}
	return &Damage{Source: v.info.Source, Delivered: v.read, Reason: reason}
}

func (v *videoFile) jumps() int64 { return v.bent.Load() }
func (v *videoFile) interrupt()   { v.c.interrupt() }
func (v *videoFile) close()       { v.c.close() }
