package storage

import (
	"encoding/binary"
	"fmt"
)

// Commit is a set of changes that become durable atomically: after a crash all of
// them are present, or none. Build it, Submit it, Wait for it; it is used once.
//
// Appends are checked one by one: one that is refused (see AppendResult.Err) does
// not prevent the others. All other operations succeed or fail with Wait's error.
type Commit struct {
	ops  []op
	size int
	done chan struct{}
	err  error
}

// AppendResult is the outcome of one append. It is valid once Wait has returned
// nil.
type AppendResult struct {
	Base  int64 // the first record's offset
	Time  int64 // ms, of log append time; -1 under create time
	Start int64 // the log's start offset
	// Err is ErrOutOfOrder, ErrStaleEpoch, ErrDropped or an error of the disk. A
	// batch that the producer has written before is no error: Base is its offset.
	Err error
}

type opKind byte

const (
	opAppend opKind = iota + 1
	opPut
	opDelete
	opCreate
	opDrop
	opStart
	opReplace
	opWritten // an append whose batch is a direct write
)

type op struct {
	kind    opKind
	log     *Log
	batch   Batch
	stampIt bool
	result  *AppendResult

	bucket, key string
	value       []byte
	offset      int64
	replaced    *replacement

	// Set by stage.
	seg     *segment
	pos     int64
	written bool // the batch is a direct write
	skip    bool // nothing to do: refused, or a duplicate

	removed []*segment // set by apply: their files are removed by Wait
}

// Append adds an append of the batch, which CheckBatch has accepted, to l. The
// batch is patched in place (base offset, leader epoch) and must not be changed
// until Wait returns. appendTime replaces its timestamps by the broker's.
func (c *Commit) Append(l *Log, batch []byte, appendTime bool) *AppendResult {
	r := &AppendResult{Base: -1, Time: -1}
	c.add(op{kind: opAppend, log: l, batch: batch, stampIt: appendTime, result: r}, len(batch)+64)
	return r
}

// Mark adds the marker that ends a producer's transaction in l. now is in ms.
func (c *Commit) Mark(l *Log, pid int64, epoch int16, commit bool, now int64) *AppendResult {
	return c.Append(l, markerBatch(pid, epoch, commit, 0, now), false)
}

// Put sets a value in a bucket of the table.
func (c *Commit) Put(bucket, key string, value []byte) {
	c.add(op{kind: opPut, bucket: bucket, key: key, value: value}, len(bucket)+len(key)+len(value)+16)
}

// Delete removes a value from a bucket of the table.
func (c *Commit) Delete(bucket, key string) {
	c.add(op{kind: opDelete, bucket: bucket, key: key}, len(bucket)+len(key)+16)
}

// SetStart moves the log's start to off. Records before it can no longer be read;
// segments that lie before it completely are removed.
func (c *Commit) SetStart(l *Log, off int64) {
	c.add(op{kind: opStart, log: l, offset: off}, 32)
}

// Drop deletes the log.
func (c *Commit) Drop(l *Log) { c.add(op{kind: opDrop, log: l}, 16) }

func (c *Commit) add(o op, size int) {
	c.ops = append(c.ops, o)
	c.size += size
}

// Empty reports whether the commit has no operation.
func (c *Commit) Empty() bool { return len(c.ops) == 0 }

// Wait blocks until the committer has finished with the commit. A nil error means
// that it is durable, as the flush policy defines that, and visible to readers.
// After any error but ErrFailed it has had no effect. After ErrFailed the disk's
// state is unknown: the commit is not visible now, but may be after the store is
// opened again.
func (c *Commit) Wait() error {
	<-c.done
	if c.err != nil {
		return c.err
	}
	for i := range c.ops {
		for _, g := range c.ops[i].removed {
			_ = g.remove() // a file that is left is removed when the store is opened
		}
		if o := &c.ops[i]; o.kind == opDrop && !o.skip {
			_ = o.log.fs.RemoveAll(o.log.dir) // likewise
		}
		c.ops[i].removed = nil
	}
	return nil
}

// encode appends the operation in the journal's form:
//
//	append  1, log, base offset of the segment, position, time, batch
//	put     2, bucket, key, value
//	delete  3, bucket, key
//	create  4, log, directory
//	drop    5, log
//	start   6, log, offset
//	replace 7, log, a replacement
//	written 8, log, base offset of the segment, position, time, header of the batch
//
// Numbers are varints, strings and byte strings are preceded by their length.
func (o *op) encode(b []byte, now int64) []byte {
	kind, batch := o.kind, o.batch
	if o.written {
		kind, batch = opWritten, batch[:batchHeader]
	}
	b = append(b, byte(kind))
	if o.log != nil {
		b = binary.AppendUvarint(b, o.log.id)
	}
	switch o.kind {
	case opAppend:
		b = binary.AppendUvarint(b, uint64(o.seg.base))
		b = binary.AppendUvarint(b, uint64(o.pos))
		b = binary.AppendVarint(b, now)
		b = appendBytes(b, batch)
	case opPut:
		b = appendString(b, o.bucket)
		b = appendString(b, o.key)
		b = appendBytes(b, o.value)
	case opDelete:
		b = appendString(b, o.bucket)
		b = appendString(b, o.key)
	case opCreate:
		b = appendString(b, o.log.name)
	case opStart:
		b = binary.AppendUvarint(b, uint64(o.offset))
	case opReplace:
		b = o.replaced.encode(b)
	}
	return b
}

// replay applies the operations of one journal group, in order. Renames and
// removals of files are added to after instead: see recovery.go.
func (s *Store) replay(payload []byte, after *aftermath) error {
	d := &decoder{b: payload}
	for len(d.b) > 0 && d.err == nil {
		kind := opKind(d.byte())
		if kind == opPut || kind == opDelete {
			bucket, key := d.string(), d.string()
			if kind == opDelete {
				s.table.delete(bucket, key)
			} else {
				s.table.put(bucket, key, append([]byte(nil), d.bytes()...))
			}
			continue
		}
		id := d.uvarint()
		if kind == opCreate {
			if name := d.string(); d.err == nil {
				if _, err := s.attach(id, name); err != nil {
					return err
				}
			}
			continue
		}
		if err := s.replayLog(d, kind, s.logs[id], after); err != nil {
			return err
		}
	}
	return d.err
}

func (s *Store) replayLog(d *decoder, kind opKind, l *Log, after *aftermath) error {
	if d.err != nil {
		return d.err
	}
	if l == nil {
		return fmt.Errorf("%w: operation %d on a log that does not exist", ErrCorrupt, kind)
	}
	switch kind {
	case opAppend, opWritten:
		check := checkStored
		if kind == opWritten {
			check = checkHeader
		}
		base, pos, now, b := int64(d.uvarint()), int64(d.uvarint()), d.varint(), Batch(d.bytes())
		if d.err != nil {
			return d.err
		}
		if err := check(b); err != nil {
			return fmt.Errorf("%w: append to %s: %w", ErrCorrupt, l.name, err)
		}
		g := l.active()
		if g == nil || g.base != base {
			g = newSegment(l.fs, l.dir, base)
		}
		l.recordSequence(b, now)
		return l.applyAppend(b, g, pos, now, kind == opWritten)
	case opDrop:
		s.detach(l) // removeOrphans removes the directory
		for _, g := range l.applyDrop() {
			g.close()
		}
		return nil
	case opStart:
		off := int64(d.uvarint())
		if d.err != nil {
			return d.err
		}
		after.remove(l.applyStart(off)...)
		return nil
	case opReplace:
		r := l.decodeReplacement(d)
		if d.err != nil {
			return d.err
		}
		after.replace(l, r)
		return nil
	}
	return fmt.Errorf("%w: unknown operation %d", ErrCorrupt, kind)
}
