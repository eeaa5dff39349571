package sink

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Bounds of what batches expand to. A batch beyond maxExpanded is a dead
// letter; our broker takes none. The bytes and structures of all batches that
// are fetched and not written yet stay below maxHeld, or are of one batch.
const (
	maxExpanded = 64 << 20
	maxHeld     = 64 << 20
	maxCost     = 256 << 20 // of one batch, with its structures
)

// errExpanderFull says that a batch has to wait for those before it.
var errExpanderFull = errors.New("more is fetched than is held in memory at a time")

// expander decompresses batches for a client, within bounds. The client calls
// it from several goroutines.
type expander struct {
	zstd *zstd.Decoder

	mu   sync.Mutex // guards the following
	held int64      // cost of what was expanded since reset
}

func newExpander() *expander {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxExpanded))
	if err != nil {
		panic(err) // cannot be: the options are constants
	}
	return &expander{zstd: d}
}

// reset is called when all that was expanded has been taken from the client.
func (e *expander) reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.held = 0
}

// Decompress implements kgo.Decompressor. A batch that does not decompress
// within the bounds will never: the client is told ErrMaxDecompress, which
// makes it say where the batch ends.
func (e *expander) Decompress(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	if codec == kgo.CodecNone {
		return src, nil
	}
	out, err := e.expand(src, codec)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", kgo.ErrMaxDecompress, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	c := cost(out)
	if c > maxCost {
		return nil, fmt.Errorf("%w: its records take more than %d bytes", kgo.ErrMaxDecompress, maxCost)
	}
	if e.held > 0 && e.held+c > maxHeld {
		return nil, errExpanderFull
	}
	e.held += c
	return out, nil
}

var errTooLarge = fmt.Errorf("more than %d bytes", maxExpanded)

// expand returns src decompressed.
func (e *expander) expand(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	switch codec {
	case kgo.CodecNone:
		return src, nil
	case kgo.CodecGzip:
		r, err := gzip.NewReader(bytes.NewReader(src))
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		return readBounded("gzip", r)
	case kgo.CodecSnappy:
		return expandSnappy(src)
	case kgo.CodecLz4:
		return readBounded("lz4", lz4.NewReader(bytes.NewReader(src)))
	case kgo.CodecZstd:
		out, err := e.zstd.DecodeAll(src, nil)
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
			err = errTooLarge
		}
		if err != nil {
			return nil, fmt.Errorf("zstd: %w", err)
		}
		return out, nil
	}
	return nil, fmt.Errorf("codec %d is not known", codec)
}

func readBounded(name string, r io.Reader) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(r, maxExpanded+1))
	if err == nil && len(out) > maxExpanded {
		err = errTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

// xerial is how a stream of Java's snappy library begins: then come 8 bytes of
// versions and blocks, each with its length before it.
var xerial = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

func expandSnappy(src []byte) (out []byte, err error) {
	blocks := [][]byte{src}
	if bytes.HasPrefix(src, xerial) && len(src) >= 16 {
		blocks = nil
		for rest := src[16:]; len(rest) > 0; {
			if len(rest) < 4 || uint64(binary.BigEndian.Uint32(rest)) > uint64(len(rest)-4) {
				return nil, fmt.Errorf("snappy: a block ends early")
			}
			n := 4 + int(binary.BigEndian.Uint32(rest))
			blocks = append(blocks, rest[4:n])
			rest = rest[n:]
		}
	}
	for _, b := range blocks {
		n, err := s2.DecodedLen(b)
		if err == nil && n > maxExpanded-len(out) {
			err = errTooLarge
		}
		var plain []byte
		if err == nil {
			plain, err = s2.Decode(nil, b)
		}
		if err != nil {
			return nil, fmt.Errorf("snappy: %w", err)
		}
		if len(blocks) == 1 {
			return plain, nil
		}
		out = append(out, plain...)
	}
	return out, nil
}

// What the client makes of each record and header, in bytes, about.
const (
	recordCost = 256
	headerCost = 40
	minRecord  = 6 // bytes, behind its length
)

// cost is the memory that a batch's records take, with the structures that
// hold them: seven bytes in a batch are 256 in memory.
func cost(records []byte) int64 {
	c := int64(len(records))
	for rest := records; len(rest) > 0; {
		n, used := binary.Varint(rest)
		if used <= 0 || n < minRecord || n > int64(len(rest)-used) {
			break // the client stops here, too
		}
		c += recordCost + headerCost*headers(rest[used:used+int(n)])
		rest = rest[used+int(n):]
	}
	return c
}

// headers is how many headers a record says that it has.
func headers(rec []byte) int64 {
	if len(rec) < 1 {
		return 0
	}
	rec = rec[1:] // attributes
	skip := func(bytes bool) int64 {
		n, used := binary.Varint(rec)
		if used <= 0 {
			rec = nil
			return 0
		}
		rec = rec[used:]
		if bytes {
			rec = rec[min(max(n, 0), int64(len(rec))):]
		}
		return n
	}
	skip(false) // timestamp
	skip(false) // offset
	skip(true)  // key
	skip(true)  // value
	n := skip(false)
	return min(max(n, 0), int64(len(rec))) // each takes a byte at least
}
