package storage

// Direct writes save large appends from being written twice. If a commit group has
// at least Options.DirectBytes for one log, those batches are written into the
// log's segment, past its current end, and synced. The journal group then stores
// only their headers (opWritten). Until that group is durable, no durable state
// refers to those bytes: after a crash recovery ignores them, and later appends
// overwrite them.

// directWrite is one segment that a group wrote to directly.
type directWrite struct {
	log   *Log
	seg   *segment
	bytes int
}

// countIncoming sets each log's incoming bytes. It returns false, and sets none, if
// the whole group is smaller than least.
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

// maybeDirect writes a stamped batch to its segment if the group has enough bytes
// for its log.
func (cm *committer) maybeDirect(o *op, at staged) error {
	if !cm.bulk || o.log.incoming < cm.store.opt.DirectBytes || o.batch.control() {
		return nil
	}
	if err := at.seg.write(o.batch, at.pos); err != nil {
		return err
	}
	o.written = true
	for i := range cm.direct {
		if cm.direct[i].seg == at.seg {
			cm.direct[i].bytes += len(o.batch)
			return nil
		}
	}
	cm.direct = append(cm.direct, directWrite{o.log, at.seg, len(o.batch)})
	return nil
}

// syncDirect makes the group's direct writes durable, with the directory entries of
// new segments. After an error the segments' content is unknown.
func (cm *committer) syncDirect() error {
	for _, w := range cm.direct {
		if !w.seg.dirSynced {
			for _, dir := range []string{cm.store.logsDir(), w.log.dir} {
				if err := cm.store.syncDir("directory of segment", dir); err != nil {
					return err
				}
			}
			w.seg.dirSynced = true
		}
		if err := w.seg.syncData(); err != nil {
			return err
		}
	}
	return nil
}

func (cm *committer) directBytes() (n int) {
	for _, w := range cm.direct {
		n += w.bytes
	}
	return n
}
