package ingest

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"
)

// ramp is the grey level at column x: neighbours differ, and so do columns
// that are 8 or 16 apart.
func ramp(x int) uint8 { return uint8(40 + x*7%150) }

// y4m writes one frame of the ramp as YUV4MPEG2, ITU-R BT.601 in its limited
// range. subX and subY divide the chroma planes; 0 is grey alone, which
// libswscale takes to be of full range. deep is the number of bits above 8.
func y4m(w, rows int, space string, subX, subY, deep int) []byte {
	b := fmt.Appendf(nil, "YUV4MPEG2 W%d H%d F25:1 Ip A1:1 C%s\nFRAME\n", w, rows, space)
	sample := func(v uint8) {
		if deep == 0 {
			b = append(b, v)
			return
		}
		wide := uint16(v) << deep
		b = append(b, byte(wide), byte(wide>>8))
	}
	for range rows {
		for x := range w {
			if subX == 0 {
				sample(ramp(x))
			} else {
				sample(uint8(16 + (int(ramp(x))*219+127)/255))
			}
		}
	}
	if subX > 0 {
		for range 2 * ((w + subX - 1) / subX) * ((rows + subY - 1) / subY) {
			sample(128)
		}
	}
	return b
}

// encoded returns the ramp in a colour model of Go's.
func encoded(t *testing.T, w, rows int, model color.Model, encode func(*bytes.Buffer, image.Image) error) []byte {
	t.Helper()
	r := image.Rect(0, 0, w, rows)
	var img interface {
		image.Image
		Set(x, y int, c color.Color)
	}
	switch model {
	case color.GrayModel:
		img = image.NewGray(r)
	case color.NRGBAModel:
		img = image.NewNRGBA(r)
	case color.RGBA64Model:
		img = image.NewRGBA64(r)
	default:
		img = image.NewPaletted(r, model.(color.Palette))
	}
	for y := range rows {
		for x := range w {
			img.Set(x, y, color.Gray{Y: ramp(x)})
		}
	}
	if m, ok := img.(*image.NRGBA); ok && w > 1 {
		m.Pix[3] = 254 // one that is not opaque keeps the alpha channel
	}
	var b bytes.Buffer
	require.NoError(t, encode(&b, img))
	return b.Bytes()
}

var greys = func() (p color.Palette) {
	for v := range 256 {
		p = append(p, color.Gray{Y: uint8(v)})
	}
	return p
}()

func toPNG(b *bytes.Buffer, img image.Image) error { return png.Encode(b, img) }
func toJPEG(b *bytes.Buffer, img image.Image) error {
	return jpeg.Encode(b, img, &jpeg.Options{Quality: 100})
}

// rampFormats are the formats of pixels, each with a frame in it.
func rampFormats(t *testing.T) map[string]func(w, rows int) []byte {
	t.Helper()
	return map[string]func(w, rows int) []byte{
		"yuv420p":     func(w, rows int) []byte { return y4m(w, rows, "420jpeg", 2, 2, 0) },
		"yuv422p":     func(w, rows int) []byte { return y4m(w, rows, "422", 2, 1, 0) },
		"yuv444p":     func(w, rows int) []byte { return y4m(w, rows, "444", 1, 1, 0) },
		"yuv420p10le": func(w, rows int) []byte { return y4m(w, rows, "420p10", 2, 2, 2) },
		"yuv422p10le": func(w, rows int) []byte { return y4m(w, rows, "422p10", 2, 1, 2) },
		"gray y4m":    func(w, rows int) []byte { return y4m(w, rows, "mono", 0, 0, 0) },
		"gray":        func(w, rows int) []byte { return encoded(t, w, rows, color.GrayModel, toPNG) },
		"rgba":        func(w, rows int) []byte { return encoded(t, w, rows, color.NRGBAModel, toPNG) },
		"rgb48be":     func(w, rows int) []byte { return encoded(t, w, rows, color.RGBA64Model, toPNG) },
		"pal8":        func(w, rows int) []byte { return encoded(t, w, rows, greys, toPNG) },
		"gray jpeg":   func(w, rows int) []byte { return encoded(t, w, rows, color.GrayModel, toJPEG) },
		"yuvj420p":    func(w, rows int) []byte { return encoded(t, w, rows, color.NRGBAModel, toJPEG) },
	}
}

// TestRetrieve_AnyWidthAndFormat_FillsThePictureAndNothingElse retrieves into
// a picture that another row follows in memory.
func TestRetrieve_AnyWidthAndFormat_FillsThePictureAndNothingElse(t *testing.T) {
	t.Parallel()
	prepareLibraries()
	for name, frame := range rampFormats(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "frame")
			for w := 2; w <= 130; w++ {
				require.NoError(t, os.WriteFile(path, frame(w, 5), 0o600))
				retrieveGuarded(t, path, w, 5)
			}
		})
	}
}

// TestRetrieve_RandomSizes_FillsThePictureAndNothingElse draws size and format,
// SIGHTLOG_CYCLES times.
func TestRetrieve_RandomSizes_FillsThePictureAndNothingElse(t *testing.T) {
	t.Parallel()
	prepareLibraries()
	cycles := 200
	if v := os.Getenv("SIGHTLOG_CYCLES"); v != "" {
		n, err := strconv.Atoi(v)
		require.NoError(t, err, "SIGHTLOG_CYCLES")
		cycles = n
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	formats := rampFormats(t)
	names := slices.Sorted(maps.Keys(formats))
	path := filepath.Join(t.TempDir(), "frame")
	for range cycles {
		name, w, rows := names[random.IntN(len(names))], 2+random.IntN(700), 2+random.IntN(23)
		require.NoError(t, os.WriteFile(path, formats[name](w, rows), 0o600))
		retrieveGuarded(t, path, w, rows)
		if t.Failed() {
			t.Fatalf("%s %dx%d", name, w, rows)
		}
	}
}

func retrieveGuarded(t *testing.T, path string, w, rows int) {
	t.Helper()
	const unwritten = 0xA5
	c := fileLibav(path)
	require.NoError(t, c.open(10*time.Second))
	require.NoError(t, c.analyse(10*time.Second))
	defer c.close()
	require.NoError(t, c.grab(0))

	memory := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(unwritten, unwritten, unwritten, 0), rows+1, w, gocv.MatTypeCV8UC3)
	defer memory.Close()
	m := memory.RowRange(0, rows)
	defer m.Close()
	require.True(t, c.retrieve(&m))
	require.Equal(t, image.Pt(w, rows), image.Pt(m.Cols(), m.Rows()))

	all, err := memory.DataPtrUint8()
	require.NoError(t, err)
	picture, guard := all[:3*w*rows], all[3*w*rows:]
	require.Equal(t, bytes.Repeat([]byte{unwritten}, 3*w), guard, "width %d: written past the picture", w)
	for i, v := range picture {
		x := i / 3 % w
		if want := ramp(x); max(v, want)-min(v, want) > 4 {
			require.Failf(t, "a wrong pixel", "width %d: column %d, row %d is %d, not %d", w, x, i/3/w, v, want)
		}
	}
}
