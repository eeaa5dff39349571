package ingest

import (
	"slices"
	"time"
)

// maxSilence is the longest that a live source may be silent, however slow it
// is, before it is opened again.
const maxSilence = time.Minute

// silence knows how long a source may be silent before it counts as lost: for
// three of its intervals, declared or seen, and no less than the least. The
// zero value of all but least is ready.
type silence struct {
	least    time.Duration
	declared time.Duration // interval that the source declares; 0 unknown
	lately   [16]time.Duration
	n        int
	vain     int // times in a row it was opened again for silence, and gave one frame at most
}

// limit is how long the source may be silent now. Opened again in vain, it is
// given twice as long each time: it may be slower than all that was seen of it.
func (s *silence) limit() time.Duration {
	limit := max(s.least<<min(s.vain, 10), 3*s.declared, 3*slices.Max(s.lately[:]))
	return min(limit, max(s.least, maxSilence))
}

// interval takes the time between two frames of one opening.
func (s *silence) interval(d time.Duration) {
	s.waited(d)
	s.vain = 0
}

// waited takes the time from the beginning of an opening to its first frame,
// which may have been one interval or more.
func (s *silence) waited(d time.Duration) {
	s.lately[s.n%len(s.lately)] = d
	s.n++
}

// lost is called when the source was silent for limit.
func (s *silence) lost() { s.vain++ }
