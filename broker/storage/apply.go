package storage

// What a committed operation does to a log. The committer calls these after
// the journal is durable; recovery calls them with what it reads from the
// journal. There is one way to change a log, and it is this.

// applyAppend writes a batch, already stamped, to its place in g, which is the
// active segment or the one after it. One that is written already may be its
// header alone. now is when it was staged.
func (l *Log) applyAppend(b Batch, g *segment, pos, now int64, written bool) error {
	if !written {
		if err := g.write(b, pos); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.active() != g {
		l.segments = append(l.segments, g)
		l.born = true
	}
	g.added(b, pos, now)
	l.end = b.last() + 1
	l.noteEpoch(b)
	l.applyTxn(b)
	l.notify()
	return nil
}

// applyTxn keeps the open and aborted transactions.
func (l *Log) applyTxn(b Batch) {
	if !b.transactional() {
		return
	}
	pid := b.ProducerID()
	first, isOpen := l.open[pid]
	switch {
	case !b.control() && !isOpen:
		l.open[pid] = b.base()
	case b.control() && isOpen:
		delete(l.open, pid)
		if !b.markerCommits() {
			l.aborted = append(l.aborted, AbortedTxn{ProducerID: pid, First: first, Last: b.base()})
		}
	}
}

// active returns the segment that is written, or nil. The committer's.
func (l *Log) active() *segment {
	if n := len(l.segments); n > 0 {
		return l.segments[n-1]
	}
	return nil
}

// applyStart moves the log's start and returns the segments that fell out. The
// active segment stays until there is another.
func (l *Log) applyStart(off int64) (out []*segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.start = max(l.start, off)
	off = l.start
	for len(l.segments) > 1 && l.segments[0].end <= off {
		out = append(out, l.segments[0])
		l.segments = l.segments[1:]
	}
	aborted := l.aborted[:0]
	for _, a := range l.aborted {
		if a.Last >= off {
			aborted = append(aborted, a)
		}
	}
	l.aborted = aborted
	l.trimEpochs()
	l.notify()
	return out
}

// applyDrop makes the log one that was deleted and returns its segments.
func (l *Log) applyDrop() []*segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.segments
	l.segments, l.dropped = nil, true
	l.notify()
	return out
}

// remember records a batch in the producers' state, before it is durable.
func (l *Log) remember(b Batch, now int64) {
	pid := b.ProducerID()
	if pid < 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.producers[pid]
	if p == nil {
		p = &producer{epoch: b.ProducerEpoch()}
		l.producers[pid] = p
	}
	p.record(b, b.base(), now)
}

// expireProducers forgets producers without a transaction that have not
// written since before.
func (l *Log) expireProducers(before int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for pid, p := range l.producers {
		if _, busy := l.open[pid]; !busy && p.lastTime < before {
			delete(l.producers, pid)
		}
	}
}
