package storage

import (
	"encoding/binary"
	"errors"
	"math"
)

// Errors for which a producer's batch is refused (KIP-98, KIP-360).
var (
	ErrOutOfOrder   = errors.New("producer sequence is out of order")
	ErrStaleEpoch   = errors.New("producer epoch is older than the latest")
	errNotDuplicate = errors.New("not a duplicate")
)

// dedupWindow is the number of a producer's last batches among which a retry is
// recognised: as many as an idempotent client may have in flight.
const dedupWindow = 5

// producer is a log's state of one producer id. It has no pointers, so that a copy
// is enough to roll back.
type producer struct {
	epoch    int16
	n        int8 // number of batches, oldest first
	batches  [dedupWindow]batchSequence
	lastTime int64 // ms, of the last batch or marker, by the broker's clock
}

// batchSequence has the sequence numbers and the base offset of one batch.
type batchSequence struct {
	first, last int32
	base        int64
}

func (p *producer) lastSequence() int32 { return p.batches[p.n-1].last }

// addSequence adds to a sequence number, which wraps from MaxInt32 to 0.
func addSequence(seq, delta int32) int32 {
	return int32((int64(seq) + int64(delta)) & math.MaxInt32)
}

// duplicate returns the base offset under which the batch was written before, or
// errNotDuplicate.
func (p *producer) duplicate(b Batch) (int64, error) {
	if p == nil || p.epoch != b.ProducerEpoch() {
		return 0, errNotDuplicate
	}
	first := b.baseSequence()
	last := addSequence(first, b.lastDelta())
	for _, s := range p.batches[:p.n] {
		if s.first == first && s.last == last {
			return s.base, nil
		}
	}
	return 0, errNotDuplicate
}

// check returns nil if the batch may follow the producer's last one. A producer
// without state may begin with any sequence: its state may have expired.
func (p *producer) check(b Batch) error {
	switch {
	case p == nil:
		return nil
	case b.ProducerEpoch() < p.epoch:
		return ErrStaleEpoch
	case b.ProducerEpoch() > p.epoch, p.n == 0:
		if b.baseSequence() != 0 && b.ProducerEpoch() > p.epoch {
			return ErrOutOfOrder
		}
		return nil
	case b.baseSequence() != addSequence(p.lastSequence(), 1):
		return ErrOutOfOrder
	}
	return nil
}

// record adds a batch with its base offset.
func (p *producer) record(b Batch, base, now int64) {
	if b.ProducerEpoch() != p.epoch {
		p.epoch, p.n = b.ProducerEpoch(), 0
	}
	p.lastTime = now
	if b.control() {
		return
	}
	if p.n == dedupWindow {
		copy(p.batches[:], p.batches[1:])
		p.n--
	}
	first := b.baseSequence()
	p.batches[p.n] = batchSequence{first: first, last: addSequence(first, b.lastDelta()), base: base}
	p.n++
}

func (p *producer) encode(b []byte) []byte {
	b = binary.AppendVarint(b, int64(p.epoch))
	b = binary.AppendVarint(b, p.lastTime)
	b = append(b, byte(p.n))
	for _, s := range p.batches[:p.n] {
		b = binary.AppendVarint(b, int64(s.first))
		b = binary.AppendVarint(b, int64(s.last))
		b = binary.AppendVarint(b, s.base)
	}
	return b
}

func decodeProducer(d *decoder) *producer {
	p := &producer{epoch: int16(d.varint()), lastTime: d.varint()}
	n := d.byte()
	if n > dedupWindow {
		d.fail("producer")
		return p
	}
	for i := range n {
		p.batches[i] = batchSequence{first: int32(d.varint()), last: int32(d.varint()), base: d.varint()}
	}
	p.n = int8(n)
	return p
}

// AbortedTxn is a transaction that was aborted: readers of committed records
// skip the producer's records from First until its marker at Last.
type AbortedTxn struct {
	ProducerID  int64
	First, Last int64
}

// ProducerState describes an active producer of a log (KIP-664).
type ProducerState struct {
	ProducerID   int64
	Epoch        int16
	LastSequence int32 // -1: none known
	LastTime     int64 // ms
	TxnStart     int64 // offset where its open transaction began, -1 for none
}
