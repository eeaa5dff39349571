package e2e_test

import (
	"fmt"
	"image"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/ingest"
)

// details returns the mean difference between neighbouring pixels of a part of a picture, in grey.
func details(t *testing.T, path string, part image.Rectangle) float64 {
	t.Helper()
	m := gocv.IMRead(path, gocv.IMReadGrayScale)
	defer m.Close()
	require.False(t, m.Empty(), path)
	sum := 0
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X + 1; x < part.Max.X; x++ {
			d := int(m.GetUCharAt(y, x)) - int(m.GetUCharAt(y, x-1))
			sum += max(d, -d)
		}
	}
	return float64(sum) / float64(part.Dx()*part.Dy())
}

// Pictures of the test pattern, whose people are known: with privacy the details of heads and coats are
// gone (boxes are drawn at the sides), without it they are there.
func TestPrivacy_TestPattern_NoPersonIsShown(t *testing.T) {
	t.Parallel()
	const uri = "test://people?frames=40&fps=10&people=1"
	pattern, err := ingest.ParsePattern(uri)
	require.NoError(t, err)
	dir := t.TempDir()
	for _, mode := range []string{"off", "faces", "people"} {
		ok(t, sightlog, "run", "--data", filepath.Join(dir, mode+".data"), "--source", "yard="+uri, "--pace", "fast",
			"--privacy", mode, "--preview", filepath.Join(dir, mode))
	}
	frames, sums := 0, make(map[string]float64)
	for seq := range int64(40) {
		box := pattern.Boxes(seq)[0]
		if box.Dx() < 60 || box.Min.X < 5 || box.Max.X > pattern.Size.X-5 { // not whole in the picture
			continue
		}
		head := image.Rect(box.Min.X+box.Dx()/3, box.Min.Y+box.Dy()/30, box.Max.X-box.Dx()/3, box.Min.Y+box.Dy()/6)
		body := image.Rect(box.Min.X+3*box.Dx()/8, box.Min.Y+box.Dy()/2, box.Max.X-3*box.Dx()/8, box.Max.Y-box.Dy()/12)
		of := func(mode string, part image.Rectangle) float64 {
			return details(t, filepath.Join(dir, mode, fmt.Sprintf("%08d.jpg", seq)), part)
		}
		frames++
		require.Less(t, of("faces", head), of("off", head), "head in frame %d", seq)
		require.Less(t, of("people", head), of("off", head), "head in frame %d", seq)
		require.Less(t, of("people", body), of("off", body), "body in frame %d", seq)
		for _, mode := range []string{"off", "faces", "people"} {
			sums[mode+" heads"] += of(mode, head)
			sums[mode+" bodies"] += of(mode, body)
		}
	}
	require.Greater(t, frames, 10)
	t.Log(frames, sums)
	require.Less(t, sums["faces heads"], sums["off heads"]/2)
	require.Less(t, sums["people heads"], sums["off heads"]/2)
	require.Less(t, sums["people bodies"], sums["off bodies"]/2)
	require.Greater(t, sums["faces bodies"], sums["off bodies"]/2, "with faces the bodies are shown")
}
