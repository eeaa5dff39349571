package full

import (
	"context"
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/audit"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/preview"
)

// takeSnapshots reads the pictures of the units that were kept.
func (a *auditSample) takeSnapshots(ctx context.Context) error {
	a.pictures = make([][]audit.Picture, len(a.units))
	for i, u := range a.units {
		all, err := a.population.Snapshots(ctx, a.db, u)
		if err != nil {
			return err
		}
		var tracks []audit.Track
		if u.Kind == audit.Stretch {
			if tracks, err = a.population.Tracks(ctx, a.db, a.subject, u); err != nil {
				return err
			}
		}
		for _, s := range all {
			jpeg, err := a.drawSnapshot(u, s, tracks)
			if err != nil {
				return fmt.Errorf("draw the line into a picture: %w", err)
			}
			a.pictures[i] = append(a.pictures[i], audit.Picture{At: s.At, JPEG: jpeg})
		}
	}
	return nil
}

// drawSnapshot draws the line and the boxes of crossings that were counted into a snapshot. Privacy
// was applied when it was taken.
func (a *auditSample) drawSnapshot(u audit.Unit, s audit.Snapshot, tracks []audit.Track) ([]byte, error) {
	m, err := gocv.IMDecode(s.JPEG, gocv.IMReadColor)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	in := shown{region: s.Region, size: image.Pt(m.Cols(), m.Rows())}
	if s.Region[0] >= s.Region[2] || s.Region[1] >= s.Region[3] || m.Empty() {
		return nil, fmt.Errorf("it shows no part of the frame")
	}
	var crossed []image.Point
	if s.Box != (event.Box{}) {
		crossed = append(crossed, feet(in.box(s.Box)))
	}
	if err := preview.DrawLine(&m, a.subject.Line, in.line(a.subject.Points, s.Frame), crossed...); err != nil {
		return nil, err
	}
	if u.Kind != audit.Stretch {
		if err := preview.Mark(&m, in.box(s.Box), "", u.TrackID, nil); err != nil {
			return nil, err
		}
		return preview.Cutout(&m, image.Rectangle{Max: in.size}, pictureSide)
	}
	for _, t := range tracks {
		spot, ok := t.Nearest(s.At)
		if !ok {
			continue
		}
		var path []image.Point
		for _, p := range t.Spots {
			path = append(path, feet(in.box(p.Box)))
		}
		if err := preview.Mark(&m, in.box(spot.Box), "counted "+string(t.Kind), t.ID, path); err != nil {
			return nil, err
		}
	}
	return preview.Cutout(&m, image.Rectangle{Max: in.size}, stretchSide)
}

// stretchSide is the longer side of a picture of a stretch: what is kept of it.
const stretchSide = 640

// shown is a picture that shows a region of the frame.
type shown struct {
	region event.Box
	size   image.Point
}

// at returns where a point of the frame is, in parts of the picture.
func (p shown) at(x, y float64) [2]float64 {
	left, top := float64(p.region[0]), float64(p.region[1])
	return [2]float64{(x - left) / (float64(p.region[2]) - left), (y - top) / (float64(p.region[3]) - top)}
}

func (p shown) line(l audit.Line, frame event.Size) (line [2][2]float64) {
	for i, end := range l {
		line[i] = p.at(end[0]*float64(frame.Width), end[1]*float64(frame.Height))
	}
	return line
}

// box returns a box of the frame in pixels of the picture; an empty one stays so.
func (p shown) box(b event.Box) image.Rectangle {
	if b == (event.Box{}) {
		return image.Rectangle{}
	}
	from, to := p.at(float64(b[0]), float64(b[1])), p.at(float64(b[2]), float64(b[3]))
	w, h := float64(p.size.X), float64(p.size.Y)
	return image.Rect(int(from[0]*w), int(from[1]*h), int(to[0]*w), int(to[1]*h))
}
