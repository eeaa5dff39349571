package full

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/audit"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/preview"
)

// Pictures of a unit are pictureEvery apart, and their longer side is pictureSide pixels at most.
const (
	pictureEvery = 500 * time.Millisecond
	pictureSide  = 480
)

// shot is a picture to take: the first frame at or after a position.
type shot struct {
	unit int // index in the sample
	at   time.Duration
}

// auditSample is a sample with its pictures.
type auditSample struct {
	db         *pgxpool.Pool
	privacy    preview.Privacy
	subject    *audit.Subject
	population *audit.Population
	seed       uint64
	units      []audit.Unit
	pictures   [][]audit.Picture // of each unit, in the order of time
}

// takePictures reads the pictures of the units from the files of the runs, by their ids.
func (a *auditSample) takePictures(ctx context.Context, files map[int32]string) error {
	runs := a.population.Runs
	a.pictures = make([][]audit.Picture, len(a.units))
	shots, scenes := make([][]shot, len(runs)), make([]auditScene, len(a.units))
	for i, u := range a.units {
		tracks, err := a.population.Tracks(ctx, a.db, a.subject, u)
		if err != nil {
			return err
		}
		scenes[i] = auditScene{subject: a.subject, unit: u, tracks: tracks}
		for _, at := range scenes[i].moments() {
			shots[u.Run] = append(shots[u.Run], shot{i, at})
		}
	}
	for i, run := range runs {
		slices.SortStableFunc(shots[i], func(a, b shot) int { return cmp.Compare(a.at, b.at) })
		err := readFrames(ctx, files[run.ID], shots[i], func(s shot, f *ingest.Frame) error {
			size := event.Size{Width: f.Size().X, Height: f.Size().Y}
			veil, err := storedVeil(ctx, a.db, a.privacy, run.ID, run.Began.Add(f.PTS), size)
			if err != nil {
				return err
			}
			jpeg, err := scenes[s.unit].draw(f, veil)
			a.pictures[s.unit] = append(a.pictures[s.unit], audit.Picture{At: f.PTS, JPEG: jpeg})
			return err
		})
		if err != nil {
			return fmt.Errorf("read pictures of %s: %w", files[run.ID], err)
		}
	}
	for i, u := range a.units {
		if len(a.pictures[i]) == 0 {
			return fmt.Errorf("read pictures of %s: it has no frame at %s", files[runs[u.Run].ID], u.From)
		}
	}
	return nil
}

// moments returns the positions of which a unit has pictures: of a crossing three before and
// three after it too.
func (s *auditScene) moments() (all []time.Duration) {
	from, until := s.unit.From, s.unit.Until
	if s.unit.Kind != audit.Stretch {
		at := s.unit.From
		if len(s.tracks) > 0 {
			at = s.tracks[0].At
		}
		from, until = at-3*pictureEvery, at+3*pictureEvery
	}
	for at := from; at <= until; at += pictureEvery {
		if at >= 0 {
			all = append(all, at)
		}
	}
	return all
}

// readFrames reads a file once and calls take for each shot with its frame. Shots behind the end of the
// file have none.
func readFrames(ctx context.Context, path string, shots []shot, take func(shot, *ingest.Frame) error) error {
	if len(shots) == 0 {
		return nil
	}
	spec, err := ingest.ParseSpec("audit="+path, 0)
	if err != nil {
		return err
	}
	src, err := ingest.Open(ctx, spec, ingest.Options{Pace: ingest.Fast})
	if err != nil {
		return err
	}
	defer src.Close()
	var f ingest.Frame
	for len(shots) > 0 {
		err := src.Next(ctx, &f)
		var damage *ingest.Damage
		if errors.Is(err, io.EOF) || errors.As(err, &damage) {
			return nil
		}
		if err != nil {
			return err
		}
		for len(shots) > 0 && f.PTS+time.Millisecond > shots[0].at { // positions in the tables are cut to microseconds
			if err := take(shots[0], &f); err != nil {
				return err
			}
			shots = shots[1:]
		}
	}
	return nil
}

// auditScene draws the pictures of a unit.
type auditScene struct {
	subject *audit.Subject
	unit    audit.Unit
	tracks  []audit.Track
}

// draw returns the part of a frame around the line or the crossing, with the line and the boxes of
// counted crossings, and without what the veil hides.
func (s *auditScene) draw(f *ingest.Frame, veil *preview.Veil) ([]byte, error) {
	m := f.Image.Clone()
	defer m.Close()
	if err := veil.Blur(&m); err != nil {
		return nil, err
	}
	size := f.Size()
	var crossed []image.Point
	if spot, ok := s.crossing(); ok {
		crossed = append(crossed, feet(scaled(spot, size)))
	}
	if err := preview.DrawLine(&m, s.subject.Line, s.subject.Points, crossed...); err != nil {
		return nil, err
	}
	for _, t := range s.tracks {
		spot, ok := t.Nearest(f.PTS)
		if !ok {
			continue
		}
		var path []image.Point
		for _, p := range t.Spots {
			path = append(path, feet(scaled(p, size)))
		}
		text := ""
		if s.unit.Kind == audit.Stretch {
			text = "counted " + string(t.Kind)
		}
		if err := preview.Mark(&m, scaled(spot, size), text, t.ID, path); err != nil {
			return nil, err
		}
	}
	return preview.Cutout(&m, s.region(size), pictureSide)
}

// crossing returns where the crossing that the unit is was complete; ok is false of a stretch.
func (s *auditScene) crossing() (spot audit.Spot, ok bool) {
	if s.unit.Kind == audit.Stretch || len(s.tracks) == 0 {
		return spot, false
	}
	return s.tracks[0].Nearest(s.tracks[0].At)
}

// feet returns the middle of a box's lower edge.
func feet(b image.Rectangle) image.Point { return image.Pt((b.Min.X+b.Max.X)/2, b.Max.Y) }

// scaled returns a box in a frame of a size.
func scaled(s audit.Spot, size image.Point) image.Rectangle {
	x := float32(size.X) / float32(max(s.Frame.Width, 1))
	y := float32(size.Y) / float32(max(s.Frame.Height, 1))
	return image.Rect(int(s.Box[0]*x), int(s.Box[1]*y), int(s.Box[2]*x), int(s.Box[3]*y))
}

// region is the part of the frame to show, the same in all pictures of a unit: around the way of a
// crossing's track, or around the line.
func (s *auditScene) region(size image.Point) image.Rectangle {
	if _, ok := s.crossing(); !ok {
		a, b := s.subject.Points[0], s.subject.Points[1]
		at := func(p [2]float64) image.Point { return image.Pt(int(p[0]*float64(size.X)), int(p[1]*float64(size.Y))) }
		r := image.Rectangle{Min: at(a), Max: at(b)}.Canon()
		return image.Rect(r.Min.X-size.X/4, r.Min.Y-size.Y/4, r.Max.X+size.X/4, r.Max.Y+size.Y/4).Intersect(image.Rectangle{Max: size})
	}
	var way image.Rectangle
	margin := size.Y / 8
	for _, spot := range s.tracks[0].Spots {
		box := scaled(spot, size)
		way, margin = way.Union(box), max(margin, box.Dy()/2)
	}
	return way.Inset(-margin).Intersect(image.Rectangle{Max: size})
}
