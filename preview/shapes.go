package preview

import (
	"errors"
	"image"
	"image/color"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/detector/zone"
)

var (
	zoneColour = color.RGBA{R: 90, G: 200, B: 255}
	maskColour = color.RGBA{R: 128, G: 128, B: 128}
	lineColour = color.RGBA{R: 255, G: 80, B: 80}
)

// DrawShapes draws zones, masks and lines into the picture, with their names; a
// line's arrow shows the way that is "in".
func DrawShapes(m *gocv.Mat, o zone.Options) error {
	at := func(p zone.Point) image.Point {
		return image.Pt(int(p.X*float64(m.Cols()-1)), int(p.Y*float64(m.Rows()-1)))
	}
	unit := max(1, max(m.Cols(), m.Rows())/640)
	name := func(text string, p image.Point, c color.RGBA) error {
		return gocv.PutText(m, text, p.Add(image.Pt(3*unit, 12*unit)), gocv.FontHersheySimplex, 0.4*float64(unit), c, unit)
	}
	var errs []error
	area := func(z zone.Zone, c color.RGBA) {
		points := make([]image.Point, len(z.Polygon))
		for i, p := range z.Polygon {
			points[i] = at(p)
		}
		v := gocv.NewPointsVectorFromPoints([][]image.Point{points})
		defer v.Close()
		errs = append(errs, gocv.Polylines(m, v, true, c, unit), name(z.Name, points[0], c))
	}
	for _, z := range o.Masks {
		area(z, maskColour)
	}
	for _, z := range o.Zones {
		area(z, zoneColour)
	}
	for _, l := range o.Lines {
		a, b := at(l.A), at(l.B)
		d := b.Sub(a)
		middle := a.Add(b).Div(2)
		in := middle.Add(image.Pt(-d.Y, d.X).Div(8)) // to the right, seen from a to b
		errs = append(errs, gocv.Line(m, a, b, lineColour, 2*unit), gocv.ArrowedLine(m, middle, in, lineColour, unit),
			name(l.Name, a, lineColour))
	}
	return errors.Join(errs...)
}
