package preview

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"slices"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/atomicfile"
)

// thingColour is that of things that were taken for people.
var thingColour = color.RGBA{R: 160, G: 160, B: 160}

// palette has colours that differ; a track has the same colour in all frames.
var palette = []color.RGBA{
	{R: 64, G: 220, B: 96}, {R: 255, G: 196, B: 0}, {R: 80, G: 170, B: 255}, {R: 255, G: 105, B: 180},
	{R: 255, G: 128, B: 40}, {R: 170, G: 130, B: 255}, {R: 0, G: 215, B: 200}, {R: 240, G: 240, B: 120},
}

// Annotate draws each object's box, track and score into the picture, which
// must be BGR with 8 bits a channel, and its class where not all have the same; of a thing, that it is one.
func Annotate(m *gocv.Mat, objs []event.Object) error {
	if m.Type() != gocv.MatTypeCV8UC3 {
		return errors.New("annotate: the picture is not BGR with 8 bits a channel")
	}
	const font = gocv.FontHersheySimplex
	// Lines and letters grow with the picture.
	unit := max(1, max(m.Cols(), m.Rows())/640)
	scale := 0.4 * float64(unit)
	texts := captionTexts(objs)
	boxes, sizes := make([]image.Rectangle, len(objs)), make([]image.Point, len(objs))
	for i := range objs {
		b := objs[i].Box
		boxes[i] = image.Rect(int(b[0]), int(b[1]), int(b[2]), int(b[3]))
		sizes[i] = gocv.GetTextSize(texts[i], font, scale, unit).Add(image.Pt(4*unit, 5*unit))
		if err := gocv.Rectangle(m, boxes[i], colourOf(&objs[i]), 2*unit); err != nil {
			return fmt.Errorf("annotate: %w", err)
		}
	}
	for i, at := range captions(image.Rect(0, 0, m.Cols(), m.Rows()), boxes, sizes) {
		if err := gocv.Rectangle(m, at, colourOf(&objs[i]), -1); err != nil {
			return fmt.Errorf("annotate: %w", err)
		}
		if err := gocv.PutText(m, texts[i], image.Pt(at.Min.X+2*unit, at.Max.Y-3*unit), font, scale, color.RGBA{}, unit); err != nil {
			return fmt.Errorf("annotate: %w", err)
		}
	}
	return nil
}

func colourOf(o *event.Object) color.RGBA {
	if o.State == event.StateThing {
		return thingColour
	}
	if o.TrackID != nil {
		return palette[int(*o.TrackID)%len(palette)]
	}
	return palette[o.ClassID%len(palette)]
}

// captionTexts returns, for each object, its track and score, with the name of its class
// where not all have the same.
func captionTexts(objs []event.Object) []string {
	mixed := slices.ContainsFunc(objs, func(o event.Object) bool { return o.Label != objs[0].Label })
	texts := make([]string, len(objs))
	for i := range objs {
		o := &objs[i]
		if o.TrackID != nil {
			texts[i] = fmt.Sprintf("#%d ", *o.TrackID)
		}
		switch {
		case o.State == event.StateThing:
			texts[i] += "thing "
		case mixed:
			texts[i] += o.Label + " "
		}
		texts[i] += fmt.Sprintf("%.2f", o.Score)
	}
	return texts
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
	if err := atomicfile.Write(path, b.GetBytes(), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
