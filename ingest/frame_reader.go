package ingest

import (
	"time"

	"gocv.io/x/gocv"
)

// frameReader is something that can be read from its beginning, frame by frame. Only
// the playback's goroutine calls it.
type frameReader interface {
	// next puts the next frame into m, or steps over it where m is nil, and
	// returns its position; io.EOF or a *Damage at the end.
	next(m *gocv.Mat) (time.Duration, error)
	jumps() int64 // from any goroutine: timestamps so far that were bridged
	interrupt()   // from any goroutine: next shall not wait
	close()
}
