package ingest

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"
)

// ramp is the grey level at column x: neighbours differ, and so do columns
// that are 8 or 16 apart.
func ramp(x int) uint8 { return uint8(40 + x*7%150) }

const rampRows = 5

// y4m writes one frame of the ramp as YUV4MPEG2, ITU-R BT.601 in its limited
// range. subX and subY divide the chroma planes; 0 is grey alone, which
// libswscale takes to be of full range. deep is the number of bits above 8.
func y4m(w int, space string, subX, subY, deep int) []byte {
	b := fmt.Appendf(nil, "YUV4MPEG2 W%d H%d F25:1 Ip A1:1 C%s\nFRAME\n", w, rampRows, space)
	sample := func(v uint8) {
		if deep == 0 {
			b = append(b, v)
			return
		}
		wide := uint16(v) << deep
		b = append(b, byte(wide), byte(wide>>8))
	}
	for range rampRows {
		for x := range w {
			if subX == 0 {
				sample(ramp(x))
			} else {
				sample(uint8(16 + (int(ramp(x))*219+127)/255))
			}
		}
	}
	if subX > 0 {
		for range 2 * ((w + subX - 1) / subX) * ((rampRows + subY - 1) / subY) {
			sample(128)
		}
	}
	return b
}

// encoded returns the ramp in a colour model of Go's.
func encoded(t *testing.T, w int, model color.Model, encode func(*bytes.Buffer, image.Image) error) []byte {
	t.Helper()
	r := image.Rect(0, 0, w, rampRows)
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
	for y := range rampRows {
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

// TestRetrieve_AnyWidthAndFormat_FillsThePictureAndNothingElse retrieves into
// a picture that another row follows in memory.
func TestRetrieve_AnyWidthAndFormat_FillsThePictureAndNothingElse(t *testing.T) {
	t.Parallel()
	prepareLibraries()
	for name, c := range map[string]func(w int) []byte{
		"yuv420p":     func(w int) []byte { return y4m(w, "420jpeg", 2, 2, 0) },
		"yuv422p":     func(w int) []byte { return y4m(w, "422", 2, 1, 0) },
		"yuv444p":     func(w int) []byte { return y4m(w, "444", 1, 1, 0) },
		"yuv420p10le": func(w int) []byte { return y4m(w, "420p10", 2, 2, 2) },
		"yuv422p10le": func(w int) []byte { return y4m(w, "422p10", 2, 1, 2) },
		"gray y4m":    func(w int) []byte { return y4m(w, "mono", 0, 0, 0) },
		"gray":        func(w int) []byte { return encoded(t, w, color.GrayModel, toPNG) },
		"rgba":        func(w int) []byte { return encoded(t, w, color.NRGBAModel, toPNG) },
		"rgb48be":     func(w int) []byte { return encoded(t, w, color.RGBA64Model, toPNG) },
		"pal8":        func(w int) []byte { return encoded(t, w, greys, toPNG) },
		"gray jpeg":   func(w int) []byte { return encoded(t, w, color.GrayModel, toJPEG) },
		"yuvj420p":    func(w int) []byte { return encoded(t, w, color.NRGBAModel, toJPEG) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "frame")
			for w := 2; w <= 130; w++ {
				require.NoError(t, os.WriteFile(path, c(w), 0o600))
				retrieveGuarded(t, path, w)
			}
		})
	}
}

func retrieveGuarded(t *testing.T, path string, w int) {
	t.Helper()
	const unwritten = 0xA5
	c := fileLibav(path)
	require.NoError(t, c.open(10*time.Second))
	defer c.close()
	require.NoError(t, c.grab(0))

	memory := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(unwritten, unwritten, unwritten, 0), rampRows+1, w, gocv.MatTypeCV8UC3)
	defer memory.Close()
	m := memory.RowRange(0, rampRows)
	defer m.Close()
	require.True(t, c.retrieve(&m))
	require.Equal(t, image.Pt(w, rampRows), image.Pt(m.Cols(), m.Rows()))

	all, err := memory.DataPtrUint8()
	require.NoError(t, err)
	picture, guard := all[:3*w*rampRows], all[3*w*rampRows:]
	require.Equal(t, bytes.Repeat([]byte{unwritten}, 3*w), guard, "width %d: written past the picture", w)
	for i, v := range picture {
		x := i / 3 % w
		require.InDelta(t, ramp(x), v, 4, "width %d: column %d, row %d", w, x, i/3/w)
	}
}
