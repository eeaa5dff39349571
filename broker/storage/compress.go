package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Codecs, the low bits of a batch's attributes.
const (
	codecNone = iota
	codecGzip
	codecSnappy
	codecLZ4
	codecZstd
)

// Codecs are the codecs by the names that compression.type has for them.
var Codecs = map[string]int16{
	"uncompressed": codecNone, "gzip": codecGzip, "snappy": codecSnappy, "lz4": codecLZ4, "zstd": codecZstd,
}

// DefaultLevel stands for the level that a codec's library takes by itself.
const DefaultLevel = math.MinInt32

// maxInflated bounds what one batch may decompress to here. A batch beyond it
// is served and kept like any other, but not looked into.
const maxInflated = 64 << 20

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

// deflate compresses records with the codec. Snappy is framed as by Java's clients, which
// is what brokers write (Kafka's SnappyOutputStream).
func deflate(p []byte, codec int16, level int) ([]byte, error) {
	var out bytes.Buffer
	var w io.WriteCloser
	var err error
	switch codec {
	case codecNone:
		return p, nil
	case codecGzip:
		if level == DefaultLevel {
			level = gzip.DefaultCompression
		}
		w, err = gzip.NewWriterLevel(&out, level)
	case codecSnappy:
		return deflateSnappy(p), nil
	case codecLZ4:
		z := lz4.NewWriter(&out)
		if level != DefaultLevel {
			err = z.Apply(lz4.CompressionLevelOption(lz4Level(level)))
		}
		w = z
	case codecZstd:
		options := []zstd.EOption{zstd.WithEncoderConcurrency(1)}
		if level != DefaultLevel {
			options = append(options, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)))
		}
		w, err = zstd.NewWriter(&out, options...)
	default:
		return nil, fmt.Errorf("unknown codec %d", codec)
	}
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(p); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// lz4Level is the library's level for one of Kafka's, 1 to 17: it has ten.
func lz4Level(level int) lz4.CompressionLevel {
	levels := [...]lz4.CompressionLevel{
		lz4.Fast, lz4.Level1, lz4.Level2, lz4.Level3, lz4.Level4, lz4.Level5, lz4.Level6, lz4.Level7, lz4.Level8, lz4.Level9,
	}
	return levels[min(max(level-1, 0), len(levels)-1)]
}

// deflateSnappy makes blocks of 32 KiB behind a header of 16 bytes.
func deflateSnappy(p []byte) []byte {
	out := append(bytes.Clone(xerialMagic), 0, 0, 0, 1, 0, 0, 0, 1) // version, and the oldest that reads it
	for len(p) > 0 {
		n := min(32<<10, len(p))
		block := s2.EncodeSnappy(nil, p[:n])
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(block))), block...)
		p = p[n:]
	}
	return out
}

// Compressed returns the batch with its records compressed by the codec: b itself if they
// are already. It fails with ErrUnreadable if they cannot be decompressed.
func (b Batch) Compressed(codec int16, level int) (Batch, error) {
	if b.Attributes()&attrCodec == codec {
		return b, nil
	}
	plain, err := b.inflate()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	packed, err := deflate(plain, codec, level)
	if err != nil {
		return nil, fmt.Errorf("compress batch: %w", err)
	}
	return b.withRecords(packed, codec), nil
}

// withRecords returns a batch with b's header and other compressed records. The CRC is
// that of the new batch; a caller who changes more of it computes it again.
func (b Batch) withRecords(packed []byte, codec int16) Batch {
	out := Batch(append(append(make([]byte, 0, batchHeader+len(packed)), b[:batchHeader]...), packed...))
	binary.BigEndian.PutUint32(out[8:], uint32(len(out)-batchPrefix))
	binary.BigEndian.PutUint16(out[21:], uint16(b.Attributes()&^attrCodec|codec))
	binary.BigEndian.PutUint32(out[17:], out.computeCRC())
	return out
}
