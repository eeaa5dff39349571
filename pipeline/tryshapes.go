package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/detector/zone"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/sink"
)

// Trial is what zones and lines would have counted in stored detections.
type Trial struct {
	Since      time.Time   `json:"since"`
	Until      time.Time   `json:"until"`
	Frames     int64       `json:"frames"`
	Detections int64       `json:"detections"` // all that are stored
	Masked     int64       `json:"masked"`     // of them those in a mask
	Outside    int64       `json:"outside"`    // of them those outside the region
	Zones      []TrialZone `json:"zones"`      // as ShapesOf orders them
	Lines      []TrialLine `json:"lines"`
}

// TrialZone is what a zone would have counted.
type TrialZone struct {
	Name   string `json:"name"`
	Visits int    `json:"visits"` // that began
	Most   int    `json:"most"`   // in one frame
}

// TrialLine is what a line would have counted.
type TrialLine struct {
	Name string `json:"name"`
	In   int    `json:"in"`
	Out  int    `json:"out"`
}

// TryShapes counts the newest stored detections of a camera, those of the last span, with
// the shapes of its settings: as a run does, and a recount. The detections are those that
// were made with the masks and the region of then: what they hid stays hidden.
func TryShapes(ctx context.Context, pool *pgxpool.Pool, camera string, c config.CameraSettings, span time.Duration) (*Trial, error) {
	shapes, err := ShapesOf(camera, c, true)
	if err != nil {
		return nil, err
	}
	t := trial{shapes: shapes, region: c.Region, zones: map[string]*TrialZone{}, lines: map[string]*TrialLine{}}
	t.Zones, t.Lines = make([]TrialZone, len(shapes.Zones)), make([]TrialLine, len(shapes.Lines))
	for i, z := range shapes.Zones {
		t.Zones[i].Name = z.Name
		t.zones[z.Name] = &t.Zones[i]
	}
	for i, l := range shapes.Lines {
		t.Lines[i].Name = l.Name
		t.lines[l.Name] = &t.Lines[i]
	}
	var newest time.Time
	err = pool.QueryRow(ctx, "SELECT l.captured_at FROM latest_sightings l JOIN cameras c ON c.id = l.camera_id WHERE c.name = $1", camera).Scan(&newest)
	if errors.Is(err, pgx.ErrNoRows) {
		return &t.Trial, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the newest sighting of camera %s: %w", camera, err)
	}
	t.Since, t.Until = newest.Add(-span), newest.Add(time.Microsecond)
	if err := sink.EachSighting(ctx, pool, camera, t.Since, t.Until, t.count); err != nil {
		return nil, err
	}
	t.end()
	return &t.Trial, nil
}

// trial is a Trial in progress.
type trial struct {
	Trial
	shapes zone.Options
	region []float64
	zones  map[string]*TrialZone
	lines  map[string]*TrialLine

	run     string
	counter counter
	visits  *zone.Visits
}

// count counts a sighting.
func (t *trial) count(s *event.Sighting) error {
	if s.Run != t.run {
		t.end()
		m, err := zone.New(s.Camera, t.shapes)
		if err != nil {
			return err
		}
		t.run, t.counter, t.visits = s.Run, counter{shapes: m, crossings: zone.NewCrossings(t.shapes.Lines)}, zone.NewVisits(t.shapes.Zones)
	}
	t.Frames++
	all := len(s.Objects)
	t.Detections += int64(all)
	s.Objects = t.counter.shapes.Mask(s.Objects, s.Frame)
	t.Masked += int64(all - len(s.Objects))
	inside := s.Objects[:0]
	for _, o := range s.Objects {
		if t.outside(o.Box, s.Frame) {
			t.Outside++
			continue
		}
		o.Index = len(inside)
		inside = append(inside, o)
	}
	s.Objects = inside
	t.crossed(t.counter.Count(s))
	there := map[string]int{}
	for _, o := range s.Objects {
		for _, z := range o.Zones {
			there[z]++
			t.zones[z].Most = max(t.zones[z].Most, there[z])
		}
	}
	for _, v := range t.visits.Events(s) {
		if v.Kind == event.Entered {
			t.zones[v.Zone].Visits++
		}
	}
	return nil
}

// end counts what the end of a run completes.
func (t *trial) end() {
	if t.run != "" {
		t.crossed(t.counter.End())
	}
}

func (t *trial) crossed(all []event.Crossing) {
	for _, c := range all {
		if c.Direction == event.In {
			t.lines[c.Line].In++
		} else {
			t.lines[c.Line].Out++
		}
	}
}

// outside reports whether the middle of a box is outside the region, in which alone the
// detector looks.
func (t *trial) outside(b event.Box, frame event.Size) bool {
	if t.region == nil {
		return false
	}
	x, y := float64(b[0]+b[2])/2/float64(max(frame.Width, 1)), float64(b[1]+b[3])/2/float64(max(frame.Height, 1))
	return x < t.region[0] || y < t.region[1] || x > t.region[2] || y > t.region[3]
}
