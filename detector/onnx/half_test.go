package onnx

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector"
)

// Each of the 65536 halves is the nearest to itself, and the middle between two
// neighbours goes to the even one.
func TestHalf_AllValues_ConvertBothWays(t *testing.T) {
	t.Parallel()
	for i := range 1 << 16 {
		h := uint16(i)
		v := fromHalf(h)
		if v != v {
			require.Equal(t, uint16(0x7c00), toHalf(v)&0x7c00)
			require.NotZero(t, toHalf(v)&0x3ff)
			continue
		}
		require.Equal(t, h, toHalf(v), "%g", v)
		if next := fromHalf(h + 1); h&0x7fff < 0x7bff {
			even := h + h&1
			require.Equal(t, even, toHalf((v+next)/2), "between %g and %g", v, next)
		}
	}
	require.Equal(t, uint16(0x3555), toHalf(1.0/3))
	require.Equal(t, uint16(0x7bff), toHalf(65519))
	require.Equal(t, uint16(0x7c00), toHalf(65520), "rounds to infinity")
	require.Equal(t, uint16(0xfc00), toHalf(float32(math.Inf(-1))))
	require.Equal(t, uint16(0), toHalf(1e-9))
}

func TestReadable_HalvesOfAFreeSize_AreRefused(t *testing.T) {
	t.Parallel()
	half := func(shape ...int64) detector.TensorInfo {
		return detector.TensorInfo{Name: "output", Shape: shape, Type: detector.Float16}
	}
	require.NoError(t, readable(half(-1, 5, 84)))
	require.Equal(t, []int64{1, 5, 84}, fixedF16(half(-1, 5, 84)))
	for _, t2 := range []detector.TensorInfo{half(1, 5, -1), half(1, 0, 84), half(1, 1<<31, 1<<31)} {
		require.ErrorContains(t, readable(t2), "f16 of a size that is not fixed")
	}
}
