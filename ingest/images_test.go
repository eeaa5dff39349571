package ingest_test

import (
	"context"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
)

func writePNG(t *testing.T, path string, img image.Image) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, png.Encode(f, img))
	require.NoError(t, f.Close())
}

func TestImagesOfAnyDepthAreReadAsBGRInTheOrderOfTheirNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	grey := image.NewGray(image.Rect(0, 0, 7, 5))
	grey.SetGray(0, 0, color.Gray{Y: 200})
	deep := image.NewGray16(image.Rect(0, 0, 1, 1))
	deep.SetGray16(0, 0, color.Gray16{Y: 0x8000})
	alpha := image.NewNRGBA(image.Rect(0, 0, 33, 3))
	alpha.SetNRGBA(0, 0, color.NRGBA{R: 255, G: 10, B: 20, A: 128})
	writePNG(t, filepath.Join(dir, "c.png"), alpha)
	writePNG(t, filepath.Join(dir, "a.PNG"), grey)
	writePNG(t, filepath.Join(dir, "b.png"), deep)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("no picture"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.jpg"), []byte("no picture either"), 0o600))

	s := open(t, dir, ingest.Options{Pace: ingest.Fast})
	require.Equal(t, event.SourceImages, s.Info().Kind)
	require.EqualValues(t, 4, s.Info().Frames)
	var first [][3]uint8
	var sizes []image.Point
	var err error
	for {
		var f ingest.Frame
		if err = s.Next(context.Background(), &f); err != nil {
			break
		}
		require.Equal(t, gocv.MatTypeCV8UC3, f.Image.Type())
		first = append(first, [3]uint8(f.Image.GetVecbAt(0, 0)))
		sizes = append(sizes, f.Size())
	}
	var damage *ingest.Damage
	require.ErrorAs(t, err, &damage)
	require.Contains(t, damage.Error(), "d.jpg")
	require.Equal(t, []image.Point{{7, 5}, {1, 1}, {33, 3}}, sizes)
	require.Equal(t, [][3]uint8{{200, 200, 200}, {128, 128, 128}, {20, 10, 255}}, first)
}

func TestOnePictureIsASource(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "one.png")
	writePNG(t, path, image.NewGray(image.Rect(0, 0, 20, 10)))
	all, err := drain(t, open(t, path, ingest.Options{}))
	require.ErrorIs(t, err, io.EOF)
	require.Len(t, all, 1)
}
