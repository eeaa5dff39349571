package detector

import (
	"encoding/binary"
	"image"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever a graph answers, a decoder gives candidates that are wanted, or an
// error; it neither panics nor reads beyond the tensors.
func FuzzDecoders(f *testing.F) {
	f.Add(uint8(0), int64(21), int64(7), int64(4), []byte{0, 0, 128, 63})
	f.Add(uint8(2), int64(6), int64(9), int64(2), []byte{0, 0, 192, 127, 0, 0, 128, 127})
	f.Fuzz(func(t *testing.T, which uint8, a, b, c int64, data []byte) {
		names := Decoders()
		d, err := newDecoder(Spec{Decoder: names[int(which)%len(names)], Classes: []string{"a", "b", "c"}})
		require.NoError(t, err)
		fill := func(name string, shape ...int64) Tensor {
			n := int64(1)
			for _, v := range shape {
				if v < 0 || v > 64 {
					return Tensor{Name: name, Shape: shape}
				}
				n *= v
			}
			out := Tensor{Name: name, Shape: shape, F32: make([]float32, n)}
			for i := range out.F32 {
				if len(data) >= 4 {
					k := i * 4 % (len(data) - 3)
					out.F32[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[k:]))
				}
			}
			return out
		}
		labels := Tensor{Name: "labels", Shape: []int64{1, max(min(a, 64), 0)}, I64: make([]int64, max(min(a, 64), 0))}
		for i := range labels.I64 {
			labels.I64[i] = c
		}
		for _, out := range [][]Tensor{
			{fill("o", 1, a, b)},
			{fill("boxes", 1, a, 4), fill("scores", 1, a, c)},
			{fill("dets", 1, a, 5), labels},
			{fill("dets", 1, a, 4), fill("labels", 1, a, b)},
			{labels, fill("boxes", 1, a, 4), fill("scores", 1, a)},
			{fill("s", 1, 16, b), fill("d", 1, 16, 32), fill("s", 1, 4, b), fill("d", 1, 4, 32), fill("s", 1, 1, b), fill("d", 1, 1, 32)},
		} {
			q := query{score: 0.3, class: []bool{true, false, true}, in: image.Pt(32, 32)}
			got, err := d.decode(nil, out, &q)
			if err != nil {
				continue
			}
			for _, k := range got {
				require.GreaterOrEqual(t, k.score, float32(0.3))
				require.LessOrEqual(t, k.score, float32(1))
				require.True(t, k.class == 0 || k.class == 2)
			}
			sortByScore(got)
			suppress(got[:min(len(got), maxCandidates)], 0.5)
		}
	})
}
