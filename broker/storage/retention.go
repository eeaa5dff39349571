package storage

// Retention says which of a log's segments are old. -1 is no limit.
type Retention struct {
	Bytes  int64 // of the log
	Millis int64 // age of a segment's youngest record
	Now    int64 // ms

	Hold *int64 // records from this offset on do not expire; nil: all may
}

// holds reports whether a segment that ends at an offset has records that are held.
func (r Retention) holds(end int64) bool { return r.Hold != nil && end > *r.Hold }

// Expired returns the log's start without the segments that have expired, and reports
// whether that changes anything. A segment with records of an open transaction does not
// expire.
func (l *Log) Expired(r Retention) (start int64, found bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var total int64
	for _, g := range l.segments {
		total += g.size
	}
	start = l.start
	stable := l.stable()
	for i, g := range l.segments {
		active := i == len(l.segments)-1
		youngest := g.maxTime
		if !active {
			youngest = g.youngest(r.Now)
		}
		old := r.Millis >= 0 && youngest < r.Now-r.Millis
		// The active segment expires by age only, or writing would remove what it writes.
		large := r.Bytes >= 0 && total-g.size >= r.Bytes && !active
		if !old && !large || g.end > stable || r.holds(g.end) {
			break
		}
		total -= g.size
		start = max(start, g.end)
	}
	return start, start > l.start || len(l.segments) > 1 && l.segments[0].end <= l.start
}

// Full reports whether the log is larger than its retention allows and cannot become
// smaller, because its oldest segment is held. The log takes as many bytes as r and one
// segment.
func (l *Log) Full(r Retention) bool {
	if r.Bytes < 0 || r.Hold == nil {
		return false
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	var total int64
	for _, g := range l.segments {
		total += g.size
	}
	for i, g := range l.segments {
		switch active := i == len(l.segments)-1; {
		case active || total-g.size < r.Bytes:
			return false
		case r.holds(g.end):
			return true
		}
		total -= g.size
	}
	return false
}
