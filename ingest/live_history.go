package ingest

import (
	"time"
)

// timedFrame is a frame of a timed source, as it is known again.
type timedFrame struct {
	id int64
	at time.Duration // its position
}

// history knows which frames of a timed source were delivered, so that none is
// twice when it is opened again: a playlist begins some segments back, a
// recording at its beginning.
type history struct {
	recent []int64 // ids of the newest, at most maxHistory, then a ring
	n      int
	known  map[int64]struct{} // those in recent
	last   time.Duration      // greatest position
}

// maxHistory is more than the frames of three segments, which FFmpeg reads again
// when it opens a playlist: maxSegment each, 60 frames a second.
const maxHistory = 1 << 15

func (h *history) add(f timedFrame) {
	if h.known == nil {
		h.known = make(map[int64]struct{})
	}
	if len(h.recent) < maxHistory {
		h.recent = append(h.recent, f.id)
	} else {
		oldest := &h.recent[h.n%maxHistory]
		delete(h.known, *oldest)
		*oldest = f.id
	}
	h.n++
	h.known[f.id] = struct{}{}
	h.last = max(h.last, f.at)
}

// holds reports whether a frame was delivered before; of a recording those are
// all up to the last position.
func (h *history) holds(f timedFrame, recording bool) bool {
	if h.n == 0 {
		return false
	}
	_, known := h.known[f.id]
	return known || recording && f.at <= h.last
}
