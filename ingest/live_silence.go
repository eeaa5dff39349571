package ingest

import (
	"slices"
	"time"
)

// maxSilence is the longest that a live source may be silent, however slow it
// is, before it is opened again.
const maxSilence = time.Minute

// maxSegment bounds the length of segments that is believed.
const maxSegment = 2 * time.Minute

// segmentWait is how long a playlist is waited for that has nothing new. FFmpeg
// ends it after three and a half of its segments (m3u8_hold_counters); this is
// longer, for a server that hangs.
func segmentWait(segment time.Duration) time.Duration { return 4 * segment }

// silence knows how long a source may be silent: it counts as lost after three of its
// intervals, declared or measured, and at least after the field least. The zero value of
// all other fields is ready.
type silence struct {
	least    time.Duration
	declared time.Duration // interval that the source declares; 0 unknown
	segment  time.Duration // length of segments that it declares; 0: it has none
	lately   [16]time.Duration
	n        int
	timeouts int // times in a row it was opened again for silence, and gave one frame at most
}

// limit is how long the source may be silent now. Opened again in vain, it is
// given twice as long each time: it may be slower than all that was seen of it.
func (s *silence) limit() time.Duration {
	limit := max(s.least<<min(s.timeouts, 10), 3*s.declared, 3*slices.Max(s.lately[:]))
	return max(min(limit, max(s.least, maxSilence)), segmentWait(s.segment))
}

// interval takes the time between two frames of one opening.
func (s *silence) interval(d time.Duration) {
	s.waited(d)
	s.timeouts = 0
}

// waited takes the time from the beginning of an opening to its first frame,
// which may have been one interval or more.
func (s *silence) waited(d time.Duration) {
	s.lately[s.n%len(s.lately)] = d
	s.n++
}

// noteTimeout is called when the source was silent for limit.
func (s *silence) noteTimeout() { s.timeouts++ }
