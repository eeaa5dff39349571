package ingest_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/rtsptest"
)

// orientations are the eight, by their value in EXIF (CIPA DC-008, tag 0x0112)
// less one: the matrix a b c d that makes the stored picture upright, and what
// is then seen of WRGB (white and red above green and blue), row by row.
var orientations = []struct {
	name   string
	matrix [4]int32
	seen   string
}{
	{"as stored", [4]int32{1, 0, 0, 1}, "WRGB"},
	{"mirrored", [4]int32{-1, 0, 0, 1}, "RWBG"},
	{"turned by 180", [4]int32{-1, 0, 0, -1}, "BGRW"},
	{"upside down", [4]int32{1, 0, 0, -1}, "GBWR"},
	{"transposed", [4]int32{0, 1, 1, 0}, "WGRB"},
	{"turned by 90", [4]int32{0, 1, -1, 0}, "GWBR"},
	{"transposed and turned by 180", [4]int32{0, -1, -1, 0}, "BRGW"},
	{"turned by 270", [4]int32{0, -1, 1, 0}, "RBWG"},
}

// quadrants draws WRGB; its sides differ, so that a turn shows.
func quadrants() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, 64, 48))
	for y := range 48 {
		for x := range 64 {
			img.Set(x, y, []color.NRGBA{{255, 255, 255, 255}, {255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}}[y/24*2+x/32])
		}
	}
	return img
}

// colours reads a picture of four quadrants as four letters.
func colours(t *testing.T, m *gocv.Mat) (seen string) {
	t.Helper()
	for _, at := range []image.Point{{1, 1}, {3, 1}, {1, 3}, {3, 3}} {
		bgr := m.GetVecbAt(at.Y*m.Rows()/4, at.X*m.Cols()/4)
		key := [3]bool{bgr[0] > 127, bgr[1] > 127, bgr[2] > 127}
		letter := map[[3]bool]string{{true, true, true}: "W", {false, false, true}: "R", {false, true, false}: "G", {true, false, false}: "B"}[key]
		require.NotEmpty(t, letter, "%v", bgr)
		seen += letter
	}
	return seen
}

// requireSeen opens a source and checks its first picture.
func requireSeen(t *testing.T, path, want string, turned bool) {
	t.Helper()
	s := open(t, path, ingest.Options{Pace: ingest.Fast})
	var f ingest.Frame
	require.NoError(t, s.Next(context.Background(), &f))
	size := image.Pt(64, 48)
	if turned {
		size = image.Pt(48, 64)
	}
	require.Equal(t, size, f.Size())
	require.Equal(t, size, s.Info().Size)
	require.Equal(t, want, colours(t, &f.Image))
}

// encodeQuadrants makes an MP4 of five equal frames.
func encodeQuadrants(t *testing.T, args ...string) []byte {
	t.Helper()
	rtsptest.NeedFFmpeg(t)
	path := filepath.Join(t.TempDir(), "quadrants.mp4")
	cmd := exec.Command("ffmpeg", append(append([]string{"-v", "error", "-f", "rawvideo", "-pix_fmt", "rgba", "-s", "64x48", "-r", "25", "-i", "-",
		"-c:v", "libx264", "-preset", "ultrafast", "-qp", "10", "-pix_fmt", "yuv420p"}, args...), path)...)
	cmd.Stdin = bytes.NewReader(bytes.Repeat(quadrants().Pix, 5))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

func TestVideo_AnyDisplayMatrix_IsUpright(t *testing.T) {
	t.Parallel()
	whole := encodeQuadrants(t)
	// The matrix follows 40 bytes of the track header's (version 0).
	at := bytes.Index(whole, []byte("tkhd")) + 4 + 40
	require.Greater(t, at, 44)
	for _, o := range orientations {
		t.Run(o.name, func(t *testing.T) {
			b := bytes.Clone(whole)
			for i, v := range []int32{o.matrix[0] << 16, o.matrix[1] << 16, 0, o.matrix[2] << 16, o.matrix[3] << 16, 0, 0, 0, 1 << 30} {
				binary.BigEndian.PutUint32(b[at+4*i:], uint32(v))
			}
			path := filepath.Join(t.TempDir(), "turned.mp4")
			require.NoError(t, os.WriteFile(path, b, 0o600))
			requireSeen(t, path, o.seen, o.matrix[0] == 0)
		})
	}
}

// H.264 can say in its own stream how to show it.
func TestVideo_DisplayOrientationInTheStream_IsUpright(t *testing.T) {
	t.Parallel()
	for flip, want := range map[string]string{"horizontal": "RWBG", "vertical": "GBWR"} {
		b := encodeQuadrants(t, "-bsf:v", fmt.Sprintf("h264_metadata=display_orientation=insert:flip=%s", flip))
		path := filepath.Join(t.TempDir(), "flipped.mp4")
		require.NoError(t, os.WriteFile(path, b, 0o600))
		requireSeen(t, path, want, false)
	}
}
