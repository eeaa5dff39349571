package track_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector/zone"
	"github.com/sightlog/sightlog/eval"
	"github.com/sightlog/sightlog/event"
)

// Lines and zones on vtest.avi: upright, across, diagonal, at both sides. They leave out the
// far road, where the truth does not have everybody.
var (
	countedLines = []zone.Line{
		{Name: "middle", A: zone.Point{X: .5, Y: .2}, B: zone.Point{X: .5, Y: 1}},
		{Name: "left", A: zone.Point{X: .25, Y: .3}, B: zone.Point{X: .25, Y: 1}},
		{Name: "right", A: zone.Point{X: .75, Y: .2}, B: zone.Point{X: .75, Y: 1}},
		{Name: "across", A: zone.Point{X: .15, Y: .5}, B: zone.Point{X: .9, Y: .5}},
		{Name: "rising", A: zone.Point{X: .2, Y: .9}, B: zone.Point{X: .8, Y: .3}},
		{Name: "falling", A: zone.Point{X: .2, Y: .3}, B: zone.Point{X: .9, Y: .9}},
		{Name: "left side", A: zone.Point{X: .03, Y: .3}, B: zone.Point{X: .03, Y: 1}},
		{Name: "right side", A: zone.Point{X: .97, Y: .2}, B: zone.Point{X: .97, Y: 1}},
	}
	countedZones = []zone.Zone{
		{Name: "left", Polygon: []zone.Point{{X: 0, Y: .3}, {X: .35, Y: .3}, {X: .35, Y: 1}, {X: 0, Y: 1}}},
		{Name: "front", Polygon: []zone.Point{{X: .3, Y: .62}, {X: 1, Y: .62}, {X: 1, Y: 1}, {X: .3, Y: 1}}},
		{Name: "rhombus", Polygon: []zone.Point{{X: .5, Y: .3}, {X: .7, Y: .55}, {X: .5, Y: .8}, {X: .3, Y: .55}}},
		{Name: "right side", Polygon: []zone.Point{{X: .8, Y: .3}, {X: 1, Y: .3}, {X: 1, Y: .8}, {X: .8, Y: .8}}},
	}
)

// count is what was counted: of each line in and out, of each zone the visits.
type count map[string]int

func (c count) sum() (n int) {
	for _, k := range c {
		n += k
	}
	return n
}

// wrong is how much of got is too much or missing.
func (c count) wrong(got count) (n int) {
	for k := range c {
		n += max(c[k]-got[k], got[k]-c[k])
	}
	for k := range got {
		if _, ok := c[k]; !ok {
			n += got[k]
		}
	}
	return n
}

// counted counts a run of frames. No track may cross a line, return and cross it again within
// three seconds: nobody on the clip does.
func counted(t *testing.T, frames []event.Sighting) (lines, visits count) {
	t.Helper()
	m, err := zone.New("street", zone.Options{Zones: countedZones})
	require.NoError(t, err)
	crossings, stays := zone.NewCrossings(countedLines), zone.NewVisits(countedZones)
	lines, visits = count{}, count{}
	type way struct {
		line  string
		track int64
	}
	last := map[way][]event.Crossing{}
	cross := func(all []event.Crossing) {
		for _, x := range all {
			lines[x.Line+" "+x.Direction]++
			w := way{x.Line, x.TrackID}
			last[w] = append(last[w], x)
			if n := len(last[w]); n >= 3 {
				require.Greater(t, x.CapturedAt.Sub(last[w][n-3].CapturedAt.Time), 3*time.Second, "%v counts double", w)
			}
		}
	}
	for i := range frames {
		s := &frames[i]
		for k := range s.Objects {
			if s.Objects[k].State != event.StateThing {
				s.Objects[k].Zones = m.Zones(nil, &s.Objects[k], s.Frame)
			}
		}
		cross(crossings.Events(s))
		for _, v := range stays.Events(s) {
			if v.Kind == event.Entered {
				visits[v.Zone]++
			}
		}
	}
	cross(crossings.End())
	return lines, visits
}

// shown returns a frame of vtest.avi.
func shown(seq int64, objs []event.Object) event.Sighting {
	at := time.Duration(seq) * 100 * time.Millisecond
	return event.Sighting{
		Camera: "street", Run: "r", Seq: seq, PTS: at.Microseconds(), CapturedAt: event.At(time.Unix(0, 0).Add(at)),
		Frame: event.Size{Width: 768, Height: 576}, Objects: append([]event.Object(nil), objs...),
	}
}

// truthFrames are the frames of the ground truth. The boxes are low, so that the hysteresis is
// a pixel or so: whoever goes over a line crosses it. The truth begins when somebody is well
// inside the picture, and ends before they have left it: one box at the side, in the frame
// before or after, says where they came from or went.
func truthFrames(truth eval.Tracks) (frames []event.Sighting) {
	const near, width = 60, 768
	boxes := make([][]eval.TrackBox, len(truth))
	first, last := map[int64]int{}, map[int64]int{}
	for i := range truth {
		for _, b := range truth[i] {
			if _, ok := first[b.ID]; !ok {
				first[b.ID] = i
			}
			last[b.ID] = i
		}
	}
	for i := range truth {
		for _, b := range truth[i] {
			boxes[i] = append(boxes[i], b)
			side := b
			switch {
			case b.Left < near:
				side.Left = 0
			case b.Left+b.Width > width-near:
				side.Left = width - b.Width
			default:
				continue
			}
			if i > 0 && first[b.ID] == i {
				boxes[i-1] = append(boxes[i-1], side)
			}
			if i+1 < len(truth) && last[b.ID] == i {
				boxes[i+1] = append(boxes[i+1], side)
			}
		}
	}
	for i, all := range boxes {
		var objs []event.Object
		for _, b := range all {
			low := float32(b.Top + b.Height)
			objs = append(objs, event.Object{Label: "person", TrackID: &b.ID, Box: event.Box{float32(b.Left), low - 12, float32(b.Left + b.Width), low}})
		}
		frames = append(frames, shown(int64(i), objs))
	}
	return frames
}

// countsRight compares the counts of frames with those of the truth. person-nano has 2, 2 and
// 7 of 196 crossings wrong at 10, 5 and 2 frames a second, and 3, 3 and 2 of 76 visits.
func countsRight(t *testing.T, truth eval.Tracks, frames []event.Sighting, ours bool) {
	t.Helper()
	wantLines, wantVisits := counted(t, truthFrames(truth))
	lines, visits := counted(t, frames)
	t.Logf("%d of %d crossings wrong, %d of %d visits", wantLines.wrong(lines), wantLines.sum(), wantVisits.wrong(visits), wantVisits.sum())
	mostLines, mostVisits := .08, .1
	if ours {
		mostLines, mostVisits = .05, .05
	}
	require.LessOrEqual(t, float64(wantLines.wrong(lines)), mostLines*float64(wantLines.sum()), "%v, want %v", lines, wantLines)
	require.LessOrEqual(t, float64(wantVisits.wrong(visits)), mostVisits*float64(wantVisits.sum()), "%v, want %v", visits, wantVisits)
}
