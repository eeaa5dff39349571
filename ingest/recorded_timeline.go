package ingest

import "time"

const (
	// maxGap is the longest time between two frames that is believed, or ten of
	// the file's declared frame intervals where that is longer.
	maxGap = time.Minute
	// maxBack is how far a timestamp may lie before the one before it without
	// being a jump. Frames come in the order in which they are shown.
	maxBack = time.Second
	// defaultInterval is used where the file declares no rate and no two frames
	// suggest one.
	defaultInterval = 40 * time.Millisecond
)

// timeline turns a container's timestamps into positions that begin near 0 and
// always advance.
//
// A timestamp that jumps, forward by more than maxGap or backward by more than
// maxBack, is bridged: its frame follows after one frame interval, and those
// behind it keep their distance to it. So one bad timestamp moves no others
// (those behind it return to the time before), and neither does a recording that
// was appended to another.
type timeline struct {
	declared time.Duration // frame interval; 0 unknown

	any    bool
	last   time.Duration // position of the frame before
	step   time.Duration // last distance between two frames that was believed; 0: none
	shift  time.Duration // position less timestamp
	before time.Duration // shift before the last jump
	jumps  int64
}

// position returns the next frame's. ok is false if it has no timestamp.
func (t *timeline) position(stamp time.Duration, ok bool) time.Duration {
	switch step, back := stamp+t.shift-t.last, stamp+t.before-t.last; {
	case !t.any:
		t.any = true
		if ok && (stamp < 0 || stamp > t.limit()) {
			t.shift = -stamp
		}
		if ok {
			t.last = stamp + t.shift
		}
		t.before = t.shift
	case ok && step > 0 && step <= t.limit():
		t.last, t.step = t.last+step, step
	case !ok || step <= 0 && step >= -maxBack:
		t.last += t.interval()
	case back > 0 && back <= t.limit():
		t.last += back
		t.shift, t.before = t.before, t.shift
	default:
		t.last += t.interval()
		t.before, t.shift = t.shift, t.last-stamp
		t.jumps++
	}
	return t.last
}

func (t *timeline) limit() time.Duration { return max(maxGap, 10*t.declared) }

func (t *timeline) interval() time.Duration {
	switch {
	case t.step > 0:
		return t.step
	case t.declared > 0:
		return t.declared
	}
	return defaultInterval
}
