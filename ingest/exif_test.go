package ingest_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"
)

// exif is a TIFF structure with one tag, the orientation.
func exif(orientation int) []byte {
	b := []byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01")
	b = binary.BigEndian.AppendUint32(b, uint32(orientation)<<16)
	return append(b, 0, 0, 0, 0)
}

func exifJPEG(t *testing.T, orientation int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, quadrants(), &jpeg.Options{Quality: 95}))
	app1 := append([]byte("Exif\x00\x00"), exif(orientation)...)
	head := binary.BigEndian.AppendUint16([]byte{0xFF, 0xD8, 0xFF, 0xE1}, uint16(len(app1)+2))
	return append(append(head, app1...), b.Bytes()[2:]...)
}

// pngChunk is length, type, data, CRC.
func pngChunk(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

const pngHead = 8 + 25 // signature and IHDR

func exifPNG(t *testing.T, orientation int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, quadrants()))
	whole := b.Bytes()
	return append(append(bytes.Clone(whole[:pngHead]), pngChunk("eXIf", exif(orientation))...), whole[pngHead:]...)
}

// riffChunk is type, length, data, padding.
func riffChunk(kind string, data []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(data)))
	b = append(b, data...)
	return append(b, make([]byte, len(b)%2)...)
}

func exifWebP(t *testing.T, orientation int) []byte {
	t.Helper()
	m, err := gocv.NewMatFromBytes(48, 64, gocv.MatTypeCV8UC3, bgrQuadrants())
	require.NoError(t, err)
	defer m.Close()
	buf, err := gocv.IMEncode(".webp", m)
	require.NoError(t, err)
	defer buf.Close()
	simple := bytes.Clone(buf.GetBytes())
	vp8x := riffChunk("VP8X", []byte{0x08, 0, 0, 0, 63, 0, 0, 47, 0, 0}) // EXIF; 64x48
	body := append(append(append([]byte("WEBP"), vp8x...), simple[12:]...), riffChunk("EXIF", exif(orientation))...)
	return riffChunk("RIFF", body)
}

func bgrQuadrants() []byte {
	img := quadrants()
	var b []byte
	for i := 0; i < len(img.Pix); i += 4 {
		b = append(b, img.Pix[i+2], img.Pix[i+1], img.Pix[i])
	}
	return b
}

// exifTIFF is an uncompressed picture of 8 bits a channel in one strip.
func exifTIFF(_ *testing.T, orientation int) []byte {
	var pixels []byte
	img := quadrants()
	for i := 0; i < len(img.Pix); i += 4 {
		pixels = append(pixels, img.Pix[i:i+3]...)
	}
	const entries = 11
	const bits, data = 8 + 2 + 12*entries + 4, 8 + 2 + 12*entries + 4 + 6
	b := []byte("MM\x00*\x00\x00\x00\x08\x00\x0b")
	entry := func(tag, kind uint16, count, value uint32) {
		b = binary.BigEndian.AppendUint16(b, tag)
		b = binary.BigEndian.AppendUint16(b, kind)
		b = binary.BigEndian.AppendUint32(b, count)
		if kind == 3 && count == 1 {
			value <<= 16
		}
		b = binary.BigEndian.AppendUint32(b, value)
	}
	entry(256, 3, 1, 64)
	entry(257, 3, 1, 48)
	entry(258, 3, 3, bits)
	entry(259, 3, 1, 1)
	entry(262, 3, 1, 2)
	entry(273, 4, 1, data)
	entry(274, 3, 1, uint32(orientation))
	entry(277, 3, 1, 3)
	entry(278, 3, 1, 48)
	entry(279, 4, 1, uint32(len(pixels)))
	entry(284, 3, 1, 1)
	b = append(b, 0, 0, 0, 0, 0, 8, 0, 8, 0, 8)
	return append(b, pixels...)
}

func TestPicture_AnyExifOrientation_IsUpright(t *testing.T) {
	t.Parallel()
	for name, encode := range map[string]func(*testing.T, int) []byte{
		"a.jpg": exifJPEG, "a.png": exifPNG, "a.webp": exifWebP, "a.tiff": exifTIFF,
	} {
		for i, o := range orientations {
			t.Run(name+" "+o.name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), name)
				require.NoError(t, os.WriteFile(path, encode(t, i+1), 0o600))
				requireSeen(t, path, o.seen, i >= 4)
			})
		}
	}
}
