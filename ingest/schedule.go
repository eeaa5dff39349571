package ingest

import (
	"sync"
	"time"
)

// Schedule plays a source that can be read again as a camera would be: each frame is due
// at a moment that is known beforehand, whether or not the frames before it are done. A
// benchmark measures from there. Make one with NewSchedule for each source.
type Schedule struct {
	fps    float64       // 0: as recorded
	length time.Duration // 0: until the source ends
	once   sync.Once
	begun  chan struct{} // closed by Begin
	start  time.Time     // when position 0 is due; read it after begun is closed
}

// NewSchedule returns a schedule with fps frames a second, 0: as they were recorded. With
// a length the source is repeated, and ends with the last frame that is due
// before it; without one it is played once. No frame is read before Begin.
func NewSchedule(fps float64, length time.Duration) *Schedule {
	return &Schedule{fps: fps, length: length, begun: make(chan struct{})}
}

// Begin says when position 0 is due. Only the first call counts.
func (s *Schedule) Begin(start time.Time) {
	s.once.Do(func() {
		s.start = start
		close(s.begun)
	})
}
