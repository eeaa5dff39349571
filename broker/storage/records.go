package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Records inside batches are read by compaction, by the search for a timestamp and,
// for topics that are compacted, by Produce, which refuses records without a key. All
// other batches pass unread.

// Codecs, the low bits of a batch's attributes.
const (
	codecNone = iota
	codecGzip
	codecSnappy
	codecLZ4
	codecZstd
)

// maxInflated bounds what one batch may decompress to here. A batch beyond it
// is served and kept like any other, but not looked into.
const maxInflated = 64 << 20

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

var xerialMagic = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

// inflate returns the batch's records, decompressed.
func (b Batch) inflate() ([]byte, error) {
	p := []byte(b[batchHeader:b.size()])
	switch b.Attributes() & attrCodec {
	case codecNone:
		return p, nil
	case codecGzip:
		r, err := gzip.NewReader(bytes.NewReader(p))
		if err != nil {
			return nil, err
		}
		return readBounded(r)
	case codecSnappy:
		return inflateSnappy(p)
	case codecLZ4:
		return readBounded(lz4.NewReader(bytes.NewReader(p)))
	case codecZstd:
		r, err := zstd.NewReader(bytes.NewReader(p), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxInflated))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return readBounded(r)
	}
	return nil, fmt.Errorf("unknown codec %d", b.Attributes()&attrCodec)
}

func readBounded(r io.Reader) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(r, maxInflated+1))
	if err == nil && len(out) > maxInflated {
		err = fmt.Errorf("more than %d bytes", maxInflated)
	}
	return out, err
}

// inflateSnappy decodes a snappy block, or blocks in the framing that Java
// clients use: a header of 16 bytes, then length and block, again and again.
func inflateSnappy(p []byte) ([]byte, error) {
	if len(p) < 16 || !bytes.Equal(p[:8], xerialMagic) {
		return snappyBlock(nil, p)
	}
	var out []byte
	for p = p[16:]; len(p) > 0; {
		if len(p) < 4 {
			return nil, io.ErrUnexpectedEOF
		}
		n := binary.BigEndian.Uint32(p)
		if uint64(n) > uint64(len(p)-4) {
			return nil, io.ErrUnexpectedEOF
		}
		var err error
		if out, err = snappyBlock(out, p[4:4+n]); err != nil {
			return nil, err
		}
		p = p[4+n:]
	}
	return out, nil
}

func snappyBlock(out, p []byte) ([]byte, error) {
	n, err := s2.DecodedLen(p)
	if err != nil {
		return nil, err
	}
	if n > maxInflated-len(out) {
		return nil, fmt.Errorf("more than %d bytes", maxInflated)
	}
	block, err := s2.Decode(nil, p)
	if err != nil {
		return nil, err
	}
	return append(out, block...), nil
}

// deflate compresses records with the codec and returns the codec used: what
// was snappy becomes lz4, as its framing differs among clients.
func deflate(p []byte, codec int16) ([]byte, int16, error) {
	var out bytes.Buffer
	var w io.WriteCloser
	switch codec {
	case codecGzip:
		w = gzip.NewWriter(&out)
	case codecSnappy, codecLZ4:
		codec = codecLZ4
		w = lz4.NewWriter(&out)
	case codecZstd:
		z, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, 0, err
		}
		w = z
	default:
		return p, codecNone, nil
	}
	if _, err := w.Write(p); err != nil {
		return nil, 0, err
	}
	if err := w.Close(); err != nil {
		return nil, 0, err
	}
	return out.Bytes(), codec, nil
}
