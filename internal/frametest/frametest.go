// Package frametest has frames for tests.
package frametest

import (
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// Noise returns a frame of random pixels, the same for the same size.
func Noise(t testing.TB, w, h int) *ingest.Frame {
	t.Helper()
	m := gocv.NewMatWithSize(h, w, gocv.MatTypeCV8UC3)
	t.Cleanup(func() { m.Close() })
	pix, err := m.DataPtrUint8()
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	for i := range pix {
		pix[i] = uint8(rng.Uint32())
	}
	return &ingest.Frame{Image: m}
}

// Each calls do for every step-th frame of a clip, named as for testenv.Data,
// and returns how many those were.
func Each(t testing.TB, clip string, step int64, do func(f *ingest.Frame)) (frames int) {
	t.Helper()
	s, err := ingest.Open(t.Context(), ingest.Spec{ID: "test", URI: testenv.Data(t, clip)}, ingest.Options{Pace: ingest.Fast})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	for {
		var f ingest.Frame
		err := s.Next(t.Context(), &f)
		if errors.Is(err, io.EOF) {
			return frames
		}
		require.NoError(t, err)
		if f.Seq%step == 0 {
			do(&f)
			frames++
		}
	}
}
