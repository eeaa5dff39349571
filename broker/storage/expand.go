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

// How large a batch's records are decompressed. A few kilobytes can become
// gigabytes in whoever reads them.
//
// Nearly every batch is passed by what its codec's frames say of themselves,
// without a byte being decompressed: lengths are read block by block, and a
// block counts for the most that its format allows. Only a batch that could be
// too large by that, or whose frames are none that are known here, is
// decompressed, and counted, through a window.

// ErrExpands says that a batch's records are too large decompressed.
var ErrExpands = errors.New("records of the batch expand too much")

// CheckExpansion returns ErrExpands if the records of b, a whole batch, take more
// than limit bytes decompressed, ErrUnreadable if they had to be decompressed and
// cannot be. slow is called around a decompression that may take much memory, at
// most 128 MiB, the largest window of a codec.
func (b Batch) CheckExpansion(limit int64, slow func(decompress func())) error {
	p, codec := []byte(b[batchHeader:b.size()]), b.Attributes()&attrCodec
	if n, known := expansionBound(p, codec); known && n <= limit {
		return nil
	}
	var n int64
	var err error
	count := func() { n, err = countExpanded(p, codec, limit+1) }
	if codec == codecGzip { // whose window is 32 KiB
		count()
	} else {
		slow(count)
	}
	switch {
	case n > limit:
		return fmt.Errorf("%w: more than %d bytes", ErrExpands, limit)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return nil
}

// expansionBound returns a size that the records do not exceed, or false if the
// frames are not understood.
func expansionBound(p []byte, codec int16) (n int64, known bool) {
	switch codec {
	case codecNone:
		return int64(len(p)), true
	case codecGzip:
		return int64(len(p)) * 1032, true // the most that deflate expands
	case codecSnappy:
		return snappySize(p)
	case codecLZ4:
		return lz4Bound(p)
	case codecZstd:
		return zstdBound(p)
	}
	return 0, false
}

// countExpanded decompresses up to limit bytes and counts them.
func countExpanded(p []byte, codec int16, limit int64) (int64, error) {
	in := bytes.NewReader(p)
	var r io.Reader
	switch codec {
	case codecNone:
		return int64(len(p)), nil
	case codecGzip:
		z, err := gzip.NewReader(in)
		if err != nil {
			return 0, err
		}
		r = z
	case codecSnappy: // each block says how large it is, and is no larger
		if n, known := snappySize(p); known {
			return n, nil
		}
		return 0, errors.New("not snappy")
	case codecLZ4:
		r = lz4.NewReader(in)
	case codecZstd:
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return 0, err
		}
		defer z.Close()
		r = z
	default:
		return 0, fmt.Errorf("unknown codec %d", codec)
	}
	return io.Copy(io.Discard, io.LimitReader(r, limit))
}

// snappySize adds up what the blocks say: see inflateSnappy.
func snappySize(p []byte) (total int64, known bool) {
	if len(p) < 16 || !bytes.Equal(p[:8], xerialMagic) {
		n, err := s2.DecodedLen(p)
		return int64(n), err == nil
	}
	for p = p[16:]; len(p) > 0; {
		if len(p) < 4 {
			return 0, false
		}
		size := uint64(binary.BigEndian.Uint32(p))
		if size > uint64(len(p)-4) {
			return 0, false
		}
		n, err := s2.DecodedLen(p[4 : 4+size])
		if err != nil {
			return 0, false
		}
		total += int64(n)
		p = p[4+size:]
	}
	return total, true
}

// lz4Bound walks LZ4 frames (LZ4 Frame Format 1.6.4): magic, flags, maximum block
// size, optional content size and dictionary, checksum; then blocks.
func lz4Bound(p []byte) (total int64, known bool) {
	const magic, raw = 0x184D2204, 1 << 31
	for len(p) > 0 {
		if len(p) < 7 || binary.LittleEndian.Uint32(p) != magic {
			return 0, false
		}
		flags, largest := p[4], int64(1)<<(8+2*(p[5]>>4&7))
		head := 7
		if flags&8 != 0 {
			head += 8
		}
		if flags&1 != 0 {
			head += 4
		}
		if flags>>6 != 1 || largest < 64<<10 || len(p) < head {
			return 0, false
		}
		for p = p[head:]; ; {
			if len(p) < 4 {
				return 0, false
			}
			size := int64(binary.LittleEndian.Uint32(p))
			p = p[4:]
			if size == 0 {
				break
			}
			n := min(255*size, largest) // the most that a block expands
			if size&raw != 0 {
				size &^= raw
				n = size
			}
			if flags&16 != 0 {
				size += 4 // its checksum
			}
			if size > int64(len(p)) {
				return 0, false
			}
			total += n
			p = p[size:]
		}
		if flags&4 != 0 {
			if len(p) < 4 {
				return 0, false
			}
			p = p[4:]
		}
	}
	return total, true
}

// zstdBound walks Zstandard frames (RFC 8878): magic, a descriptor that says
// which fields the header has; then blocks, of at most 128 KiB each.
func zstdBound(p []byte) (total int64, known bool) {
	const magic, skippable, largest = 0xFD2FB528, 0x184D2A50, 128 << 10
	for len(p) > 0 {
		if len(p) < 8 {
			return 0, false
		}
		m := binary.LittleEndian.Uint32(p)
		if m&^0xF == skippable {
			size := uint64(binary.LittleEndian.Uint32(p[4:]))
			if size > uint64(len(p)-8) {
				return 0, false
			}
			p = p[8+size:]
			continue
		}
		d := p[4]
		head := 5 + []int{0, 1, 2, 4}[d&3] + []int{0, 2, 4, 8}[d>>6]
		if single := d&(1<<5) != 0; !single || d>>6 == 0 {
			head++ // the window's size, or a content size of one byte
		}
		if m != magic || len(p) < head {
			return 0, false
		}
		p = p[head:]
		for last := false; !last; {
			if len(p) < 3 {
				return 0, false
			}
			v := int(p[0]) | int(p[1])<<8 | int(p[2])<<16
			size, n := v>>3, int64(v>>3)
			last = v&1 != 0
			switch v >> 1 & 3 {
			case 1: // one byte, repeated
				size = 1
			case 2:
				n = largest
			case 3:
				return 0, false
			}
			if p = p[3:]; size > len(p) {
				return 0, false
			}
			total += n
			p = p[size:]
		}
		if d&(1<<2) != 0 {
			if len(p) < 4 {
				return 0, false
			}
			p = p[4:]
		}
	}
	return total, true
}
