package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Records inside batches are read by compaction, by the search for a timestamp and,
// for topics that are compacted, by Produce, which refuses records without a key. All
// other batches pass unread.

// ErrUnreadable says that the records in a batch cannot be read.
var ErrUnreadable = errors.New("records of the batch cannot be read")

// Record is one record of a batch.
type Record struct {
	Offset    int64
	Timestamp int64  // ms
	Key       []byte // nil: none
	Value     []byte // nil: a tombstone
	rest      []byte // headers, as they are
	attrs     byte
}

// Each calls fn with the batch's records until it returns false. The record's
// slices are valid until then only.
func (b Batch) Each(fn func(*Record) bool) error {
	plain, err := b.inflate()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	for range b.Records() {
		n, w := binary.Varint(plain)
		if w <= 0 || n < 0 || n > int64(len(plain)-w) {
			return fmt.Errorf("%w: short record", ErrUnreadable)
		}
		r, err := b.record(plain[w : w+int(n)])
		if err != nil {
			return err
		}
		plain = plain[w+int(n):]
		if !fn(&r) {
			return nil
		}
	}
	return nil
}

// record decodes one record: attributes, timestamp delta, offset delta, key,
// value, headers.
func (b Batch) record(p []byte) (r Record, err error) {
	bad := false
	varint := func() int64 {
		v, w := binary.Varint(p)
		if w <= 0 {
			bad = true
			return 0
		}
		p = p[w:]
		return v
	}
	span := func() []byte {
		n := varint()
		if n < 0 {
			return nil
		}
		if n > int64(len(p)) {
			bad = true
			return nil
		}
		s := p[:n:n]
		p = p[n:]
		return s
	}
	if len(p) == 0 {
		return r, fmt.Errorf("%w: empty record", ErrUnreadable)
	}
	r.attrs, p = p[0], p[1:]
	r.Timestamp = b.firstTime() + varint()
	r.Offset = b.base() + varint()
	r.Key, r.Value = span(), span()
	r.rest = p
	if bad {
		return r, fmt.Errorf("%w: short record", ErrUnreadable)
	}
	if b.Attributes()&attrLogAppendTime != 0 {
		r.Timestamp = b.maxTime()
	}
	return r, nil
}

// append appends the record in wire form, relative to a batch's base offset
// and first timestamp.
func (r *Record) append(dst []byte, base, firstTime int64) []byte {
	body := []byte{r.attrs}
	body = binary.AppendVarint(body, r.Timestamp-firstTime)
	body = binary.AppendVarint(body, r.Offset-base)
	for _, p := range [][]byte{r.Key, r.Value} {
		if p == nil {
			body = binary.AppendVarint(body, -1)
			continue
		}
		body = binary.AppendVarint(body, int64(len(p)))
		body = append(body, p...)
	}
	body = append(body, r.rest...)
	dst = binary.AppendVarint(dst, int64(len(body)))
	return append(dst, body...)
}
