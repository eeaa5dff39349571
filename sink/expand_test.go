package sink

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// xerialOf frames text as Java's snappy streams do, in blocks of n bytes.
func xerialOf(text []byte, n int) []byte {
	out := append(bytes.Clone(xerial), 0, 0, 0, 1, 0, 0, 0, 1)
	for len(text) > 0 {
		block := s2.EncodeSnappy(nil, text[:min(n, len(text))])
		text = text[min(n, len(text)):]
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(block))), block...)
	}
	return out
}

func TestExpander_EachCodec_GivesWhatWasCompressed(t *testing.T) {
	t.Parallel()
	text := []byte(strings.Repeat("people pass the porch; ", 5000))
	var z, g, l bytes.Buffer
	zw, err := zstd.NewWriter(&z)
	require.NoError(t, err)
	for _, w := range []interface {
		Write([]byte) (int, error)
		Close() error
	}{zw, gzip.NewWriter(&g), lz4.NewWriter(&l)} {
		_, err := w.Write(text)
		require.NoError(t, err)
		require.NoError(t, w.Close())
	}
	for name, c := range map[string]struct {
		codec kgo.CompressionCodecType
		src   []byte
	}{
		"none": {kgo.CodecNone, text}, "gzip": {kgo.CodecGzip, g.Bytes()}, "lz4": {kgo.CodecLz4, l.Bytes()}, "zstd": {kgo.CodecZstd, z.Bytes()},
		"snappy": {kgo.CodecSnappy, s2.EncodeSnappy(nil, text)}, "snappy of java": {kgo.CodecSnappy, xerialOf(text, 1000)},
	} {
		e := newExpander()
		out, err := e.Decompress(c.src, c.codec)
		require.NoError(t, err, name)
		require.Equal(t, text, out, name)
		if c.codec != kgo.CodecNone { // cut short it is refused, once and for all
			_, err = e.Decompress(c.src[:len(c.src)-3], c.codec)
			require.ErrorIs(t, err, kgo.ErrMaxDecompress, name)
		}
	}
}

func TestExpander_WhatGrowsBeyondTheBounds_IsRefused(t *testing.T) {
	t.Parallel()
	e := newExpander()
	block := s2.EncodeSnappy(nil, make([]byte, maxExpanded/2))
	stream := append(bytes.Clone(xerial), make([]byte, 8)...)
	for range 3 {
		stream = append(binary.BigEndian.AppendUint32(stream, uint32(len(block))), block...)
	}
	// Small records, with many headers: few bytes, much memory.
	rec := binary.AppendVarint([]byte{0, 0, 0, 1, 1}, 20_000)
	rec = append(rec, make([]byte, 40_000)...)
	rec = append(binary.AppendVarint(nil, int64(len(rec))), rec...)
	for name, src := range map[string][]byte{
		"blocks":  stream,
		"records": s2.EncodeSnappy(nil, bytes.Repeat([]byte{12, 0, 0, 0, 1, 1, 0}, 2_000_000)),
		"headers": s2.EncodeSnappy(nil, bytes.Repeat(rec, 400)),
		"claim":   binary.AppendUvarint(nil, 1<<31),
	} {
		_, err := e.Decompress(src, kgo.CodecSnappy)
		require.ErrorIs(t, err, kgo.ErrMaxDecompress, name)
	}
}

func TestExpander_ManyBatches_AreHeldBelowTheBound(t *testing.T) {
	t.Parallel()
	e := newExpander()
	src := s2.EncodeSnappy(nil, make([]byte, maxHeld/4))
	took := 0
	for range 20 {
		_, err := e.Decompress(src, kgo.CodecSnappy)
		if err != nil {
			require.ErrorIs(t, err, errExpanderFull)
			require.NotErrorIs(t, err, kgo.ErrMaxDecompress, "it is read later")
			break
		}
		took++
	}
	require.Less(t, took, 4+1)
	require.Positive(t, took)
	e.reset()
	_, err := e.Decompress(s2.EncodeSnappy(nil, make([]byte, maxExpanded)), kgo.CodecSnappy)
	require.NoError(t, err, "one alone may be as large as any")
}

func FuzzExpand(f *testing.F) {
	f.Add([]byte("x"), int8(1))
	f.Add(xerialOf([]byte("some text"), 4), int8(kgo.CodecSnappy))
	f.Fuzz(func(t *testing.T, src []byte, codec int8) {
		e := newExpander()
		defer e.zstd.Close()
		out, err := e.expand(src, kgo.CompressionCodecType(codec))
		require.True(t, err != nil || len(out) <= max(maxExpanded, len(src)))
		require.GreaterOrEqual(t, cost(src), int64(len(src)))
		if b, err := firstBatch(src, 0); err == nil {
			require.GreaterOrEqual(t, len(b), rawHeader)
		}
	})
}
