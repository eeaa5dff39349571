package storage

// This file has the only functions that change a log. The committer calls them
// when the journal group is durable; recovery calls them with the operations that
// it reads from the journal.

// applyAppend writes a stamped batch at pos in g, the active segment or the one
// after it. If written, the batch is in the segment already, and b may have only its
// header. now is the time at which it was staged. Doing it twice, as recovery may,
// is doing it once.
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
		l.dirDirty = true
	}
	g.appended(b, pos, now)
	l.end = b.last() + 1
	l.noteEpoch(b)
	l.applyTxn(b)
	l.notify()
	return nil
}

// applyTxn updates the open and aborted transactions. The log's mu is held.
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

// active returns the segment that appends go to, or nil. Only the committer calls
// it, without mu: nobody else changes segments.
func (l *Log) active() *segment {
	if n := len(l.segments); n > 0 {
		return l.segments[n-1]
	}
	return nil
}

// applyStart moves the log's start and returns the segments that lie before it
// completely, for removal. The active segment is never one of them.
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

// applyDrop marks the log as deleted and returns its segments, for removal.
func (l *Log) applyDrop() []*segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.segments
	l.segments, l.dropped = nil, true
	l.notify()
	return out
}

// recordSequence adds a batch to its producer's state, when it is staged: a second
// batch of the same group is checked against it. rollback undoes it.
func (l *Log) recordSequence(b Batch, now int64) {
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

// expireProducers evicts producers that have no open transaction and last wrote
// before the given time.
func (l *Log) expireProducers(before int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for pid, p := range l.producers {
		if _, busy := l.open[pid]; !busy && p.lastTime < before {
			delete(l.producers, pid)
		}
	}
}
