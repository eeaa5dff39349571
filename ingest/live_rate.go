package ingest

import "time"

// rateLimit divides time into periods in each of which one frame is wanted.
type rateLimit struct {
	interval time.Duration // 0: each frame has a period of its own
	due      time.Time     // when the next period begins
	n        int64         // the current one
}

func limitTo(fps float64) rateLimit {
	if fps <= 0 {
		return rateLimit{}
	}
	return rateLimit{interval: time.Duration(float64(time.Second) / fps)}
}

// period returns the period of a frame that arrived at a time, no earlier than
// the one before. A frame may be early by half an interval: those of a camera at
// the very rate arrive with some jitter, and each has its period.
func (l *rateLimit) period(at time.Time) int64 {
	if at.Before(l.due.Add(-l.interval / 2)) {
		return l.n
	}
	l.n++
	l.due = l.due.Add(l.interval)
	if l.due.Before(at) { // after a pause periods do not follow faster
		l.due = at.Add(l.interval)
	}
	return l.n
}

// rate measures frames a second over the last arrivals.
type rate struct {
	at [64]time.Time
	n  int
}

func (r *rate) add(t time.Time) {
	r.at[r.n%len(r.at)] = t
	r.n++
}

func (r *rate) perSecond() float64 {
	n := min(r.n, len(r.at))
	if n < 2 {
		return 0
	}
	last, first := r.at[(r.n-1)%len(r.at)], r.at[(r.n-n)%len(r.at)]
	if d := last.Sub(first).Seconds(); d > 0 {
		return float64(n-1) / d
	}
	return 0
}
