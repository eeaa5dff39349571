package snapshot

import (
	"fmt"
	"image"
	"math"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
)

// maxHeight and maxWidth bound a picture, in pixels; jpegQuality is that of its encoding.
const (
	maxHeight   = 320
	maxWidth    = 480
	jpegQuality = 80
)

// rectangle returns the pixels that a box covers.
func rectangle(b event.Box) image.Rectangle {
	return image.Rect(int(b[0]), int(b[1]), int(math.Ceil(float64(b[2]))), int(math.Ceil(float64(b[3]))))
}

// boxOf is the opposite of rectangle.
func boxOf(r image.Rectangle) event.Box {
	return event.Box{float32(r.Min.X), float32(r.Min.Y), float32(r.Max.X), float32(r.Max.Y)}
}

// around returns a box with a margin, in parts of its height, within the frame.
func around(b event.Box, frame event.Size, margin float64) image.Rectangle {
	r := rectangle(b)
	return r.Inset(-int(margin * float64(r.Dy()))).Intersect(image.Rect(0, 0, frame.Width, frame.Height))
}

// cut returns a region of the frame, scaled down to fit into a size. m shows the whole frame, at any size.
func cut(m *gocv.Mat, frame event.Size, region image.Rectangle, width, height int) (gocv.Mat, error) {
	sx, sy := float64(m.Cols())/float64(frame.Width), float64(m.Rows())/float64(frame.Height)
	at := image.Rect(int(float64(region.Min.X)*sx), int(float64(region.Min.Y)*sy),
		int(float64(region.Max.X)*sx), int(float64(region.Max.Y)*sy)).
		Intersect(image.Rect(0, 0, m.Cols(), m.Rows()))
	out := gocv.NewMat()
	if at.Empty() {
		return out, fmt.Errorf("cut a snapshot: the region %v is outside the frame", region)
	}
	part := m.Region(at)
	defer part.Close()
	return out, shrink(part, &out, width, height)
}

// shrink copies a picture, scaled down to fit into a size.
func shrink(from gocv.Mat, to *gocv.Mat, width, height int) error {
	scale := min(1, float64(width)/float64(from.Cols()), float64(height)/float64(from.Rows()))
	if scale == 1 {
		return from.CopyTo(to)
	}
	size := image.Pt(max(1, int(float64(from.Cols())*scale)), max(1, int(float64(from.Rows())*scale)))
	how := gocv.InterpolationArea
	if scale > 0.5 { // a quarter of the time, and as good as long as no pixel is left out
		how = gocv.InterpolationLinear
	}
	return gocv.Resize(from, to, size, 0, 0, how)
}

// sharpness is the standard deviation of the Laplacian of a part of a picture, in grey: the contrast of
// its edges. It is measured at the size at which the picture is shown, so that objects of all sizes compare.
func sharpness(m *gocv.Mat, part image.Rectangle) (float64, error) {
	part = part.Intersect(image.Rect(0, 0, m.Cols(), m.Rows()))
	if part.Empty() {
		return 0, nil
	}
	region := m.Region(part)
	defer region.Close()
	grey, edges, mean, deviation := gocv.NewMat(), gocv.NewMat(), gocv.NewMat(), gocv.NewMat()
	defer grey.Close()
	defer edges.Close()
	defer mean.Close()
	defer deviation.Close()
	err := gocv.CvtColor(region, &grey, gocv.ColorBGRToGray)
	if err == nil {
		err = gocv.Laplacian(grey, &edges, gocv.MatTypeCV16S, 1, 1, 0, gocv.BorderDefault)
	}
	if err == nil {
		err = gocv.MeanStdDev(edges, &mean, &deviation)
	}
	if err != nil {
		return 0, fmt.Errorf("measure sharpness: %w", err)
	}
	return deviation.GetDoubleAt(0, 0), nil
}

// worth is the part of the quality that is known without looking at the picture: how large the object is,
// how sure, and whether an edge of the frame cuts it.
func worth(o *event.Object, frame event.Size) float64 {
	b := o.Box
	w := min(1, float64(b[3]-b[1])/maxHeight) * float64(o.Score)
	const edge = 2
	if b[0] <= edge || b[1] <= edge || b[2] >= float32(frame.Width)-edge || b[3] >= float32(frame.Height)-edge {
		w *= 0.3
	}
	return w
}
