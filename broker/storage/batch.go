package storage

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// Record batch, format v2 (KIP-98), all integers big endian:
//
//	 0  base offset        int64   patched when appended
//	 8  length             int32   of what follows this field
//	12  leader epoch       int32   patched when appended
//	16  magic              int8    2
//	17  crc                uint32  CRC-32C of everything from 21
//	21  attributes         int16   0-2 codec, 3 log append time, 4 transactional, 5 control
//	23  last offset delta  int32
//	27  first timestamp    int64   ms
//	35  max timestamp      int64   ms
//	43  producer id        int64   -1: not idempotent
//	51  producer epoch     int16
//	53  base sequence      int32
//	57  record count       int32
//	61  records
const (
	batchPrefix = 12 // what the length field does not count
	batchHeader = 61

	attrCodec         = 0x07
	attrLogAppendTime = 1 << 3
	attrTransactional = 1 << 4
	attrControl       = 1 << 5
)

// What CheckBatch finds wrong with a batch.
var (
	ErrBatchShort = errors.New("record batch: short or with trailing bytes")
	ErrBatchMagic = errors.New("record batch: magic is not 2")
	ErrBatchCRC   = errors.New("record batch: crc mismatch")
	ErrBatchCount = errors.New("record batch: offsets do not match the record count")
)

// Batch is a view of the header of one record batch in wire format.
type Batch []byte

func (b Batch) base() int64         { return int64(binary.BigEndian.Uint64(b)) }
func (b Batch) size() int           { return batchPrefix + int(int32(binary.BigEndian.Uint32(b[8:]))) }
func (b Batch) leaderEpoch() int32  { return int32(binary.BigEndian.Uint32(b[12:])) }
func (b Batch) magic() int8         { return int8(b[16]) }
func (b Batch) crc() uint32         { return binary.BigEndian.Uint32(b[17:]) }
func (b Batch) lastDelta() int32    { return int32(binary.BigEndian.Uint32(b[23:])) }
func (b Batch) last() int64         { return b.base() + int64(b.lastDelta()) }
func (b Batch) firstTime() int64    { return int64(binary.BigEndian.Uint64(b[27:])) }
func (b Batch) maxTime() int64      { return int64(binary.BigEndian.Uint64(b[35:])) }
func (b Batch) transactional() bool { return b.Attributes()&attrTransactional != 0 }
func (b Batch) control() bool       { return b.Attributes()&attrControl != 0 }
func (b Batch) baseSequence() int32 { return int32(binary.BigEndian.Uint32(b[53:])) }

// Attributes returns the attribute bits.
func (b Batch) Attributes() int16 { return int16(binary.BigEndian.Uint16(b[21:])) }

// ProducerID returns the producer id, -1 for none.
func (b Batch) ProducerID() int64 { return int64(binary.BigEndian.Uint64(b[43:])) }

// ProducerEpoch returns the producer's epoch.
func (b Batch) ProducerEpoch() int16 { return int16(binary.BigEndian.Uint16(b[51:])) }

// Records returns the number of records.
func (b Batch) Records() int32 { return int32(binary.BigEndian.Uint32(b[57:])) }

// Transactional reports whether the batch is part of a transaction.
func (b Batch) Transactional() bool { return b.transactional() }

// Control reports whether the batch holds transaction markers.
func (b Batch) Control() bool { return b.control() }

// FirstTime returns the first record's timestamp in milliseconds.
func (b Batch) FirstTime() int64 { return b.firstTime() }

// MaxTime returns the largest timestamp in milliseconds.
func (b Batch) MaxTime() int64 { return b.maxTime() }

// Base returns the base offset.
func (b Batch) Base() int64 { return b.base() }

// Last returns the last offset.
func (b Batch) Last() int64 { return b.last() }

// Size returns the bytes of the whole batch as its length field says.
func (b Batch) Size() int { return b.size() }

func (b Batch) computeCRC() uint32 { return crc32.Checksum(b[21:b.size()], castagnoli) }

// stamp patches what a broker patches: both fields lie outside the CRC.
func (b Batch) stamp(base int64, epoch int32) {
	binary.BigEndian.PutUint64(b, uint64(base))
	binary.BigEndian.PutUint32(b[12:], uint32(epoch))
}

// stampTime makes the batch one of log append time, which the CRC covers.
func (b Batch) stampTime(now int64) {
	binary.BigEndian.PutUint16(b[21:], uint16(b.Attributes()|attrLogAppendTime))
	binary.BigEndian.PutUint64(b[35:], uint64(now))
	binary.BigEndian.PutUint32(b[17:], b.computeCRC())
}

// CheckBatch reports whether p is exactly one whole record batch that a producer
// may have sent. It does not decompress.
func CheckBatch(p []byte) error {
	b := Batch(p)
	switch {
	case len(p) < batchHeader:
		if len(p) > 16 && b.magic() != 2 {
			return ErrBatchMagic
		}
		return ErrBatchShort
	case b.magic() != 2:
		return ErrBatchMagic
	case b.size() != len(p):
		return ErrBatchShort
	case b.crc() != b.computeCRC():
		return ErrBatchCRC
	case b.Records() <= 0 || b.lastDelta() != b.Records()-1:
		return ErrBatchCount
	}
	return nil
}

// checkStored reports whether p begins with one whole batch as the log keeps it.
// A compacted batch has fewer records than offsets.
func checkStored(p []byte) error {
	if err := checkHeader(p); err != nil {
		return err
	}
	switch b := Batch(p); {
	case b.size() > len(p):
		return ErrBatchShort
	case b.crc() != b.computeCRC():
		return ErrBatchCRC
	}
	return nil
}

// checkHeader checks the header of a batch that was stored.
func checkHeader(p []byte) error {
	b := Batch(p)
	switch {
	case len(p) < batchHeader || b.size() < batchHeader:
		return ErrBatchShort
	case b.magic() != 2:
		return ErrBatchMagic
	case b.lastDelta() < 0 || b.Records() < 0:
		return ErrBatchCount
	}
	return nil
}

// markerBatch builds the control batch that ends a transaction in one log.
func markerBatch(pid int64, epoch int16, commit bool, coordinatorEpoch int32, now int64) Batch {
	kind := byte(0)
	if commit {
		kind = 1
	}
	record := []byte{
		0,             // attributes
		0,             // timestamp delta
		0,             // offset delta
		8,             // key length 4, zigzag
		0, 0, 0, kind, // key: version 0, type
		12,   // value length 6, zigzag
		0, 0, // value: version 0
	}
	record = binary.BigEndian.AppendUint32(record, uint32(coordinatorEpoch))
	record = append(record, 0) // no headers
	b := make([]byte, batchHeader, batchHeader+1+len(record))
	b = binary.AppendVarint(b, int64(len(record)))
	b = append(b, record...)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-batchPrefix))
	b[16] = 2
	binary.BigEndian.PutUint16(b[21:], attrTransactional|attrControl)
	binary.BigEndian.PutUint64(b[27:], uint64(now))
	binary.BigEndian.PutUint64(b[35:], uint64(now))
	binary.BigEndian.PutUint64(b[43:], uint64(pid))
	binary.BigEndian.PutUint16(b[51:], uint16(epoch))
	binary.BigEndian.PutUint32(b[53:], 0xffffffff)
	binary.BigEndian.PutUint32(b[57:], 1)
	binary.BigEndian.PutUint32(b[17:], Batch(b).computeCRC())
	return b
}

// markerCommits reports whether a control batch commits rather than aborts.
func (b Batch) markerCommits() bool {
	const kind = batchHeader + 1 + 3 + 1 + 3 // length, three zero bytes, key length, key
	return len(b) > kind && b[kind] == 1
}
