package detector

import (
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
)

// palette tells neighbours apart; a track keeps its colour.
var palette = []color.RGBA{
	{R: 64, G: 220, B: 96}, {R: 255, G: 196, B: 0}, {R: 80, G: 170, B: 255}, {R: 255, G: 105, B: 180},
	{R: 255, G: 128, B: 40}, {R: 170, G: 130, B: 255}, {R: 0, G: 215, B: 200}, {R: 240, G: 240, B: 120},
}

// Annotate draws each object's box, label, score and track into the picture,
// which must be BGR with 8 bits a channel.
func Annotate(m *gocv.Mat, objs []event.Object) error {
	if m.Type() != gocv.MatTypeCV8UC3 {
		return errNotBGR
	}
	const font = gocv.FontHersheySimplex
	// Lines and letters grow with the picture.
	unit := max(1, max(m.Cols(), m.Rows())/640)
	scale := 0.4 * float64(unit)
	for i := range objs {
		o := &objs[i]
		colour := palette[o.ClassID%len(palette)]
		text := fmt.Sprintf("%s %.2f", o.Label, o.Score)
		if o.TrackID != nil {
			colour = palette[int(*o.TrackID)%len(palette)]
			text = fmt.Sprintf("#%d %s", *o.TrackID, text)
		}
		box := image.Rect(int(o.Box[0]), int(o.Box[1]), int(o.Box[2]), int(o.Box[3]))
		if err := gocv.Rectangle(m, box, colour, 2*unit); err != nil {
			return fmt.Errorf("annotate: %w", err)
		}
		size := gocv.GetTextSize(text, font, scale, unit)
		at := image.Pt(box.Min.X, box.Min.Y-2*unit)
		if at.Y-size.Y < 0 { // no room above the box
			at.Y = box.Min.Y + size.Y + 3*unit
		}
		at.X = max(0, min(at.X, m.Cols()-size.X))
		back := image.Rect(at.X-unit, at.Y-size.Y-unit, at.X+size.X+unit, at.Y+2*unit)
		if err := gocv.Rectangle(m, back, colour, -1); err != nil {
			return fmt.Errorf("annotate: %w", err)
		}
		if err := gocv.PutText(m, text, at, font, scale, color.RGBA{}, unit); err != nil {
			return fmt.Errorf("annotate: %w", err)
		}
	}
	return nil
}

// SaveJPEG writes the picture to path, whole or not at all; its directory is
// made where it is missing.
func SaveJPEG(path string, m *gocv.Mat) error {
	if m.Empty() {
		return fmt.Errorf("write %s: there is no picture", path)
	}
	b, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, *m, []int{gocv.IMWriteJpegQuality, 90})
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer b.Close()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	part := path + ".part"
	if err := os.WriteFile(part, b.GetBytes(), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
