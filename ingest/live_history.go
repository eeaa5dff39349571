package ingest

import (
	"time"
)

// history knows which frames of a timed source were delivered, so that none is
// twice when it is opened again: a playlist begins some segments back, a
// recording at its beginning.
type history struct {
	recent [4096]int64 // ids of the newest, a ring; three segments are some hundreds
	n      int
	known  map[int64]struct{} // those in recent
	last   time.Duration      // greatest position
}

func (h *history) add(id int64, at time.Duration) {
	if h.known == nil {
		h.known = make(map[int64]struct{}, len(h.recent))
	}
	if i := h.n % len(h.recent); h.n >= len(h.recent) {
		delete(h.known, h.recent[i])
	}
	h.recent[h.n%len(h.recent)] = id
	h.n++
	h.known[id] = struct{}{}
	h.last = max(h.last, at)
}

// holds reports whether a frame was delivered before; of a recording those are
// all up to the last position.
func (h *history) holds(id int64, at time.Duration, recording bool) bool {
	if h.n == 0 {
		return false
	}
	_, known := h.known[id]
	return known || recording && at <= h.last
}
