package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/require"
)

// packedBatch is one batch with the records packed by a codec.
func packedBatch(codec int16, packed []byte) Batch {
	b := testBatch(1, -1, 0, -1, codec, len(packed))
	copy(b[batchHeader:], packed)
	binary.BigEndian.PutUint32(b[17:], Batch(b).computeCRC())
	return b
}

// pack packs plain in all ways in which clients do: in frames of one, many, or
// flushed blocks, with and without sizes and checksums.
func pack(t testing.TB, plain []byte) map[string]Batch {
	t.Helper()
	out := map[string]Batch{"none": packedBatch(codecNone, plain)}
	add := func(name string, codec int16, w io.WriteCloser, buf *bytes.Buffer, flush int) {
		for p := plain; len(p) > 0; {
			n := min(flush, len(p))
			_, err := w.Write(p[:n])
			require.NoError(t, err)
			if f, ok := w.(interface{ Flush() error }); ok && n < len(p) {
				require.NoError(t, f.Flush())
			}
			p = p[n:]
		}
		require.NoError(t, w.Close())
		out[name] = packedBatch(codec, bytes.Clone(buf.Bytes()))
	}
	for _, flush := range []int{1 << 30, 5000} {
		var g, l, c, z, x bytes.Buffer
		add(fmt.Sprint("gzip ", flush), codecGzip, gzip.NewWriter(&g), &g, flush)
		add(fmt.Sprint("lz4 ", flush), codecLZ4, lz4.NewWriter(&l), &l, flush)
		lw := lz4.NewWriter(&c)
		require.NoError(t, lw.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.BlockChecksumOption(true), lz4.SizeOption(uint64(len(plain)))))
		add(fmt.Sprint("lz4 checksums ", flush), codecLZ4, lw, &c, flush)
		zw, err := zstd.NewWriter(&z)
		require.NoError(t, err)
		add(fmt.Sprint("zstd ", flush), codecZstd, zw, &z, flush)
		xw, err := zstd.NewWriter(&x, zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true))
		require.NoError(t, err)
		add(fmt.Sprint("zstd plain ", flush), codecZstd, xw, &x, flush)
	}
	zw, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	out["zstd at once"] = packedBatch(codecZstd, zw.EncodeAll(plain, nil))
	out["snappy"] = packedBatch(codecSnappy, s2.EncodeSnappy(nil, plain))
	out["snappy xerial"] = packedBatch(codecSnappy, deflateSnappy(plain))
	return out
}

func plainRecords(kind string, n int) []byte {
	p := make([]byte, n)
	switch kind {
	case "random":
		rand.NewChaCha8([32]byte{1}).Read(p)
	case "text":
		for i := range p {
			p[i] = "the same sighting, again and again "[(i+i/977)%35]
		}
	}
	return p
}

// The bound that frames give is one, and the limit is kept to the byte.
func TestExpansion_EveryCodec_LimitIsExact(t *testing.T) {
	t.Parallel()
	atOnce := func(fn func()) { fn() }
	for _, kind := range []string{"zeros", "text", "random"} {
		for _, size := range []int{1, 1000, 300_000} {
			plain := plainRecords(kind, size)
			for name, b := range pack(t, plain) {
				bound, known := expansionBound(b[batchHeader:], b.Attributes()&attrCodec)
				require.True(t, known, "%s", name)
				require.GreaterOrEqual(t, bound, int64(size), "%s of %d %s", name, size, kind)
				require.NoError(t, b.CheckExpansion(int64(size), atOnce), "%s of %d %s", name, size, kind)
				require.ErrorIs(t, b.CheckExpansion(int64(size)-1, atOnce), ErrExpands, "%s of %d %s", name, size, kind)
			}
		}
	}
}

// What clients send is passed by its frames alone.
func TestExpansion_MegabyteOfZeros_IsNotDecompressed(t *testing.T) {
	t.Parallel()
	for name, b := range pack(t, plainRecords("zeros", 1<<20)) {
		require.NoError(t, b.CheckExpansion(64<<20, func(func()) { t.Errorf("%s was decompressed", name) }))
	}
}

// A bomb of 3 GB is refused within little memory.
// It runs alone: the count of allocated bytes is the process's.
func TestExpansion_Bomb_RefusedInBoundedMemory(t *testing.T) {
	zeros := make([]byte, 1<<20)
	many := func(member []byte) []byte { return bytes.Repeat(member, 3000) }
	var g, l bytes.Buffer
	gw, lw := gzip.NewWriter(&g), lz4.NewWriter(&l)
	for _, w := range []io.WriteCloser{gw, lw} {
		w.Write(zeros)
		w.Close()
	}
	zw, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	for name, b := range map[string]Batch{
		"gzip":   packedBatch(codecGzip, many(g.Bytes())),
		"lz4":    packedBatch(codecLZ4, many(l.Bytes())),
		"zstd":   packedBatch(codecZstd, many(zw.EncodeAll(zeros, nil))),
		"snappy": packedBatch(codecSnappy, []byte{0x80, 0x80, 0x80, 0x80, 0x0c, 0}), // it says 3 GB
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		require.ErrorIs(t, b.CheckExpansion(64<<20, func(fn func()) { fn() }), ErrExpands, name)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<20), name)
	}
}

func TestExpansion_WhatCannotBeRead_IsUnreadable(t *testing.T) {
	t.Parallel()
	for _, codec := range []int16{codecGzip, codecLZ4, codecZstd, 5, 6, 7} {
		err := packedBatch(codec, []byte("these are no compressed records")).CheckExpansion(10, func(fn func()) { fn() })
		require.ErrorIs(t, err, ErrUnreadable, "codec %d", codec)
	}
}

// FuzzExpansion: no frame is walked beyond its end, and none that can be
// decompressed is larger than its bound.
func FuzzExpansion(f *testing.F) {
	for _, b := range pack(f, plainRecords("text", 2000)) {
		f.Add(b.Attributes()&attrCodec, []byte(b[batchHeader:]))
	}
	f.Fuzz(func(t *testing.T, codec int16, p []byte) {
		bound, known := expansionBound(p, codec)
		if !known {
			return
		}
		const most = 1 << 20
		plain, err := packedBatch(codec&attrCodec, p).inflateAtMost(most)
		if err == nil && int64(len(plain)) > bound {
			t.Fatalf("%d bytes, bound %d", len(plain), bound)
		}
	})
}

// inflateAtMost decompresses small batches.
func (b Batch) inflateAtMost(most int64) ([]byte, error) {
	n, err := countExpanded(b[batchHeader:], b.Attributes()&attrCodec, most)
	if err != nil || n >= most {
		return nil, err
	}
	return b.inflate()
}

func BenchmarkExpansion(b *testing.B) {
	plain := plainRecords("text", 1<<20)
	for name, batch := range pack(b, plain) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(batch)))
			for b.Loop() {
				if err := batch.CheckExpansion(64<<20, func(fn func()) { fn() }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
