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

// takeSnapshots reads the pictures of the units that were kept when they were counted.
func (a *auditSample) takeSnapshots(ctx context.Context) error {
	a.pictures = make([][]audit.Picture, len(a.units))
	for i, u := range a.units {
		all, err := a.population.Snapshots(ctx, a.db, u)
		if err != nil {
			return err
		}
		for _, s := range all {
			jpeg, err := a.drawSnapshot(u, s)
			if err != nil {
				return fmt.Errorf("draw the line into a picture: %w", err)
			}
			a.pictures[i] = append(a.pictures[i], audit.Picture{At: s.At, JPEG: jpeg})
		}
	}
	return nil
}

// drawSnapshot draws the line and the box into a snapshot. Privacy was applied when it was taken.
func (a *auditSample) drawSnapshot(u audit.Unit, s audit.Snapshot) ([]byte, error) {
	m, err := gocv.IMDecode(s.JPEG, gocv.IMReadColor)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	left, top := float64(s.Region[0]), float64(s.Region[1])
	width, height := float64(s.Region[2])-left, float64(s.Region[3])-top
	if width <= 0 || height <= 0 || m.Empty() {
		return nil, fmt.Errorf("it shows no part of the frame")
	}
	var line [2][2]float64
	for i, p := range a.subject.Points {
		line[i] = [2]float64{(p[0]*float64(s.Frame.Width) - left) / width, (p[1]*float64(s.Frame.Height) - top) / height}
	}
	var crossed []image.Point
	var box image.Rectangle
	if s.Box != (event.Box{}) {
		x, y := float64(m.Cols())/width, float64(m.Rows())/height
		at := func(i int) (px, py int) {
			return int((float64(s.Box[i]) - left) * x), int((float64(s.Box[i+1]) - top) * y)
		}
		x1, y1 := at(0)
		x2, y2 := at(2)
		box = image.Rect(x1, y1, x2, y2)
		crossed = append(crossed, feet(box))
	}
	if err := preview.DrawLine(&m, a.subject.Line, line, crossed...); err != nil {
		return nil, err
	}
	if err := preview.Mark(&m, box, "", u.TrackID, nil); err != nil {
		return nil, err
	}
	return preview.Cutout(&m, image.Rect(0, 0, m.Cols(), m.Rows()), pictureSide)
}
