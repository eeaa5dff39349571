package ingest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/usage"
)

func writePNG(t *testing.T, path string, img image.Image) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, png.Encode(f, img))
	require.NoError(t, f.Close())
}

func TestImages_AnyDepth_ReadAsBGR(t *testing.T) {
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

func TestImages_OnePicture_IsASource(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "one.png")
	writePNG(t, path, image.NewGray(image.Rect(0, 0, 20, 10)))
	all, err := drain(t, open(t, path, ingest.Options{}))
	require.ErrorIs(t, err, io.EOF)
	require.Len(t, all, 1)
}

func TestDirectory_NumberedNames_AreReadInTheOrderOfTheirNumbers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names := []string{"1.png", "2.png", "9.png", "010.png", "10.png", "11.png", "99999999999999999999.png", "100000000000000000000.png", "a1-2.png", "a1-10.png", "a01-11.png", "a02.png", "b.png"}
	for i, name := range names {
		grey := image.NewGray(image.Rect(0, 0, 4, 4))
		for j := range grey.Pix {
			grey.Pix[j] = uint8(i)
		}
		writePNG(t, filepath.Join(dir, name), grey)
	}
	all, err := drain(t, open(t, dir, ingest.Options{Pace: ingest.Fast}))
	require.ErrorIs(t, err, io.EOF)
	require.Len(t, all, len(names))
	for i, f := range all {
		require.Equal(t, 3*float64(i), f.mean, names[i])
	}
}

// A run that was interrupted is resumed where the order is the one it began
// in, and begins anew where it is not: its frames would be other pictures.
func TestDirectory_Fingerprint_IsOfTheOrderOfReading(t *testing.T) {
	t.Parallel()
	inBytes := func(dir string) string { // as it was made when the order was that of the bytes
		paths, err := filepath.Glob(filepath.Join(dir, "*.png"))
		require.NoError(t, err)
		slices.Sort(paths)
		h := sha256.New()
		for _, p := range paths {
			st, err := os.Stat(p)
			require.NoError(t, err)
			fmt.Fprintf(h, "%s %d %d\n", filepath.Base(p), st.Size(), st.ModTime().UnixMicro())
		}
		return hex.EncodeToString(h.Sum(nil)[:16])
	}
	padded, bare := t.TempDir(), t.TempDir()
	for i := 1; i <= 11; i++ {
		img := image.NewGray(image.Rect(0, 0, 4, 4))
		writePNG(t, filepath.Join(padded, fmt.Sprintf("%04d.png", i)), img)
		writePNG(t, filepath.Join(bare, fmt.Sprintf("%d.png", i)), img)
	}
	require.True(t, ingest.Continues(ingest.Spec{URI: padded}, inBytes(padded)))
	require.False(t, ingest.Continues(ingest.Spec{URI: bare}, inBytes(bare)))
}

func TestPicture_LargerThanTheLimit_IsDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wide := filepath.Join(dir, "2.png")
	writePNG(t, filepath.Join(dir, "1.png"), image.NewGray(image.Rect(0, 0, ingest.MaxSide, 1)))
	writePNG(t, wide, image.NewGray(image.Rect(0, 0, ingest.MaxSide+1, 1)))
	for uri, good := range map[string]int{dir: 1, wide: 0} {
		all, err := drain(t, open(t, uri, ingest.Options{Pace: ingest.Fast}))
		require.Len(t, all, good)
		var damage *ingest.Damage
		require.ErrorAs(t, err, &damage)
		require.Contains(t, damage.Error(), "2.png: its 16385x1 pixels are more than 16384 a side")
	}
}

func TestPicture_OfSeveral_IsRefused(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"animated.png":  animatedPNG(t),
		"animated.webp": animatedWebP(t),
		"pages.tiff":    twoPages(t),
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, b, 0o600))
		writePNG(t, filepath.Join(dir, "a.png"), image.NewGray(image.Rect(0, 0, 4, 4)))
		for _, uri := range []string{path, dir} {
			_, err := ingest.Open(context.Background(), ingest.Spec{ID: "porch", URI: uri}, ingest.Options{})
			require.Truef(t, usage.Is(err), "%s: %v", name, err)
			require.Contains(t, err.Error(), "porch="+uri)
			require.Contains(t, err.Error(), name)
			require.NotContains(t, err.Error(), "\n")
		}
	}
}

// An animated PNG that says so by its name is a video.
func TestAnimatedPNG_ByItsName_IsReadWhole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.apng")
	require.NoError(t, os.WriteFile(path, animatedPNG(t), 0o600))
	all, err := drain(t, open(t, path, ingest.Options{Pace: ingest.Fast}))
	require.ErrorIs(t, err, io.EOF)
	require.Len(t, all, 3)
	for i, f := range all {
		require.InDelta(t, 3*60*(i+1), f.mean, 6)
		require.Equal(t, time.Duration(i)*time.Second/5, f.pts)
	}
}

// animatedPNG has three grey frames, 5 a second.
func animatedPNG(t *testing.T) []byte {
	t.Helper()
	var out []byte
	sequence := uint32(0)
	for i := range 3 {
		grey := image.NewGray(image.Rect(0, 0, 32, 32))
		for j := range grey.Pix {
			grey.Pix[j] = uint8(60 * (i + 1))
		}
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, grey))
		if i == 0 {
			out = append(out, b.Bytes()[:pngHead]...)
			out = append(out, pngChunk("acTL", []byte{0, 0, 0, 3, 0, 0, 0, 0})...)
		}
		control := binary.BigEndian.AppendUint32(nil, sequence)
		control = append(control, 0, 0, 0, 32, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 5, 0, 0)
		out = append(out, pngChunk("fcTL", control)...)
		sequence++
		data := b.Bytes()[pngHead:]
		data = data[8 : 8+binary.BigEndian.Uint32(data)]
		if i == 0 {
			out = append(out, pngChunk("IDAT", data)...)
			continue
		}
		out = append(out, pngChunk("fdAT", append(binary.BigEndian.AppendUint32(nil, sequence), data...))...)
		sequence++
	}
	return append(out, pngChunk("IEND", nil)...)
}

// animatedWebP has an extended header that says so.
func animatedWebP(t *testing.T) []byte {
	t.Helper()
	b := exifWebP(t, 1)
	b[20] |= 0x02
	return b
}

// twoPages is a TIFF whose second directory is the first again, at its end.
func twoPages(t *testing.T) []byte {
	t.Helper()
	b := exifTIFF(t, 1)
	const first, entries = 8, 11
	second := slices.Clone(b[first : first+2+12*entries+4])
	binary.BigEndian.PutUint32(b[first+2+12*entries:], uint32(len(b)))
	return append(b, second...)
}
