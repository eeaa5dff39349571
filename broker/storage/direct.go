package storage

// Direct writes keep bulk out of the journal. Where a group has much for one
// log, the batches are written to their places in the segment first, beyond its
// end, and synced; the journal then takes their headers alone. Until the
// journal's group is durable nothing points there, so a crash in between leaves
// bytes that count for nothing.

// directWrite is one segment that a group wrote to directly.
type directWrite struct {
	log   *Log
	seg   *segment
	bytes int
}

// countIncoming sets each log's incoming bytes and returns true, if the group is
// large enough for any to matter.
func countIncoming(group []*Commit, least int) bool {
	total := 0
	for _, c := range group {
		total += c.size
	}
	if total < least {
		return false
	}
	each := func(fn func(o *op)) {
		for _, c := range group {
			for i := range c.ops {
				if c.ops[i].kind == opAppend {
					fn(&c.ops[i])
				}
			}
		}
	}
	each(func(o *op) { o.log.incoming = 0 })
	each(func(o *op) { o.log.incoming += len(o.batch) })
	return true
}

// maybeDirect writes a stamped batch to its segment if its log has enough of
// them in this group.
func (s *Store) maybeDirect(o *op, at staged) error {
	if !s.bulk || o.log.incoming < s.opt.DirectBytes || o.batch.control() {
		return nil
	}
	if err := at.seg.write(o.batch, at.pos); err != nil {
		return err
	}
	o.written = true
	for i := range s.direct {
		if s.direct[i].seg == at.seg {
			s.direct[i].bytes += len(o.batch)
			return nil
		}
	}
	s.direct = append(s.direct, directWrite{o.log, at.seg, len(o.batch)})
	return nil
}

// syncDirect makes what was written directly durable, names of new files too.
// An error leaves the segments' content unknown.
func (s *Store) syncDirect() error {
	for _, w := range s.direct {
		if !w.seg.named {
			for _, dir := range []string{s.logsDir(), w.log.dir} {
				if err := s.syncDir("directory of segment", dir); err != nil {
					return err
				}
			}
			w.seg.named = true
		}
		if err := w.seg.syncData(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) directBytes() (n int) {
	for _, w := range s.direct {
		n += w.bytes
	}
	return n
}
