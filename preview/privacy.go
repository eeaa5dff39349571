package preview

import (
	"errors"
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
)

// Privacy is which part of a person pictures do not show.
type Privacy string

// The values of --privacy. Any other hides people: what is not known must not be shown.
const (
	PrivacyOff    Privacy = "off"
	PrivacyFaces  Privacy = "faces"
	PrivacyPeople Privacy = "people"
)

// Veil is what has to be hidden in the pictures of one frame. The nil Veil hides nothing.
// It is not changed after it was made, and may be used by several goroutines.
type Veil struct {
	mode  Privacy
	frame event.Size
	hide  []image.Rectangle // pixels of the frame
}

// Hides returns what it hides: PrivacyFaces, PrivacyPeople, or "" for nothing.
func (v *Veil) Hides() Privacy {
	switch {
	case v == nil:
		return ""
	case v.mode == PrivacyFaces:
		return PrivacyFaces
	}
	return PrivacyPeople
}

// errNoVeil is returned for a picture of which nobody knows what to hide; it must not be shown.
var errNoVeil = errors.New("hide people: the size of the frame is not known")

// Blur hides people in m, which shows the whole frame at any size. After an error m must not
// be shown.
func (v *Veil) Blur(m *gocv.Mat) error {
	if v == nil {
		return nil
	}
	return v.BlurPart(m, image.Rect(0, 0, v.frame.Width, v.frame.Height))
}

// BlurPart hides people in m, which shows a part of the frame at any size. After an error m
// must not be shown.
func (v *Veil) BlurPart(m *gocv.Mat, part image.Rectangle) error {
	if v == nil {
		return nil
	}
	if v.frame.Width <= 0 || v.frame.Height <= 0 || part.Empty() || m.Empty() {
		return errNoVeil
	}
	sx, sy := float64(m.Cols())/float64(part.Dx()), float64(m.Rows())/float64(part.Dy())
	for _, r := range v.hide {
		r = r.Sub(part.Min)
		// Rounded outwards, so that no edge of a person stays at a smaller size.
		at := image.Rect(int(float64(r.Min.X)*sx)-1, int(float64(r.Min.Y)*sy)-1, int(float64(r.Max.X)*sx)+2, int(float64(r.Max.Y)*sy)+2)
		if err := pixelate(m, at); err != nil {
			return fmt.Errorf("hide people: %w", err)
		}
	}
	return nil
}

// pixelate replaces a rectangle of the picture by cells of one colour each, two on its shorter
// side: a face is never wider than that side, and so is in four cells, of which nothing can be
// restored. A blur keeps what it has averaged and can be undone; these cells keep a colour each.
func pixelate(m *gocv.Mat, at image.Rectangle) error {
	cell := max(1, (min(at.Dx(), at.Dy())+1)/2)
	at = at.Intersect(image.Rect(0, 0, m.Cols(), m.Rows()))
	if at.Empty() {
		return nil
	}
	part := m.Region(at)
	defer part.Close()
	cells := gocv.NewMat()
	defer cells.Close()
	size := image.Pt((at.Dx()+cell-1)/cell, (at.Dy()+cell-1)/cell)
	if err := gocv.Resize(part, &cells, size, 0, 0, gocv.InterpolationArea); err != nil {
		return err
	}
	// part has the size and type that Resize writes, so it writes into m.
	return gocv.Resize(cells, &part, at.Size(), 0, 0, gocv.InterpolationNearestNeighbor)
}
