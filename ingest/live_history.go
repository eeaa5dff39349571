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
	recent [4096]int64 // ids of the newest, a ring; three segments are some hundreds
	n      int
	known  map[int64]struct{} // those in recent
	last   time.Duration      // greatest position
}

func (h *history) add(f timedFrame) {
	if h.known == nil {
		h.known = make(map[int64]struct{}, len(h.recent))
	}
	if i := h.n % len(h.recent); h.n >= len(h.recent) {
		delete(h.known, h.recent[i])
	}
	h.recent[h.n%len(h.recent)] = f.id
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
