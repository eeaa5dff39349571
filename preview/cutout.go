package preview

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/detector/zone"
)

// DrawLine draws a line by its ends, as DrawShapes does, with one more arrow where it is nearest to
// each of the points (pixels).
func DrawLine(m *gocv.Mat, name string, ends [2][2]float64, near ...image.Point) error {
	l := zone.Line{Name: name, A: zone.Point{X: ends[0][0], Y: ends[0][1]}, B: zone.Point{X: ends[1][0], Y: ends[1][1]}}
	errs := []error{DrawShapes(m, zone.Options{Lines: []zone.Line{l}})}
	w, h := float64(m.Cols()-1), float64(m.Rows()-1)
	ax, ay, dx, dy := l.A.X*w, l.A.Y*h, (l.B.X-l.A.X)*w, (l.B.Y-l.A.Y)*h
	length := math.Hypot(dx, dy)
	if length == 0 {
		return errors.Join(errs...)
	}
	for _, p := range near {
		along := min(1, max(0, ((float64(p.X)-ax)*dx+(float64(p.Y)-ay)*dy)/(length*length)))
		from := image.Pt(int(ax+along*dx), int(ay+along*dy))
		to := from.Add(image.Pt(int(-dy/length*h/12), int(dx/length*h/12))) // to the right, seen from a to b
		errs = append(errs, gocv.ArrowedLine(m, from, to, lineColour, max(1, max(m.Cols(), m.Rows())/640)))
	}
	return errors.Join(errs...)
}

// Mark draws a box with a text on it, and the path of its feet (pixels of the picture), in the colour of the track.
func Mark(m *gocv.Mat, box image.Rectangle, text string, track int64, path []image.Point) error {
	unit := max(1, max(m.Cols(), m.Rows())/640)
	c := palette[int(track)%len(palette)]
	var errs []error
	for i := 1; i < len(path); i++ {
		errs = append(errs, gocv.Line(m, path[i-1], path[i], c, unit))
	}
	if !box.Empty() {
		errs = append(errs, gocv.Rectangle(m, box, c, 2*unit))
	}
	if text != "" {
		const font = gocv.FontHersheySimplex
		scale := 0.4 * float64(unit)
		size := gocv.GetTextSize(text, font, scale, unit).Add(image.Pt(4*unit, 5*unit))
		above := image.Pt(box.Min.X, box.Min.Y-size.Y)
		at := within(image.Rectangle{Min: above, Max: above.Add(size)}, image.Rect(0, 0, m.Cols(), m.Rows()))
		errs = append(errs, gocv.Rectangle(m, at, c, -1),
			gocv.PutText(m, text, image.Pt(at.Min.X+2*unit, at.Max.Y-3*unit), font, scale, color.RGBA{}, unit))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("mark a box: %w", err)
	}
	return nil
}

// Cutout returns a region of the picture as JPEG, its longer side side pixels at most.
func Cutout(m *gocv.Mat, region image.Rectangle, side int) ([]byte, error) {
	region = region.Intersect(image.Rect(0, 0, m.Cols(), m.Rows()))
	if region.Empty() {
		return nil, errors.New("cut out: the region is outside the picture")
	}
	part := m.Region(region)
	defer part.Close()
	small := gocv.NewMat()
	defer small.Close()
	scale := min(1, float64(side)/float64(max(region.Dx(), region.Dy())))
	size := image.Pt(max(1, int(float64(region.Dx())*scale)), max(1, int(float64(region.Dy())*scale)))
	if err := gocv.Resize(part, &small, size, 0, 0, gocv.InterpolationArea); err != nil {
		return nil, fmt.Errorf("cut out: %w", err)
	}
	b, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, small, []int{gocv.IMWriteJpegQuality, 70})
	if err != nil {
		return nil, fmt.Errorf("cut out: %w", err)
	}
	defer b.Close()
	return append([]byte(nil), b.GetBytes()...), nil
}
