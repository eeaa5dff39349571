package occupancy

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/sightlog/sightlog/event"
)

// Bounds of a camera's state.
const (
	maxRuns  = 8    // runs that are remembered
	maxPanes = 120  // panes of a run: Window and Grace, in units of Every
	seqSlots = 1024 // newest frames of a run whose repetition is recognised
)

// maxZones bounds the zones of a pane. People in further ones are not counted there.
const maxZones = event.MaxZones

// cameraState is all that is known of a camera. It is a function of the records of the
// camera's partition so far and of when the camera was idle, and is stored in the state
// topic as JSON, in the transaction that moves the offset.
//
// Each run's frames are counted in panes of Every; a window is the sum of consecutive
// panes, so that a frame is counted once, whatever the number of windows it is in
// (Li et al., No Pane, No Gain, SIGMOD Record 2005).
type cameraState struct {
	Window int64      `json:"window"` // seconds
	Every  int64      `json:"every"`  // seconds
	Late   int64      `json:"late"`   // frames in no window, which the next record reports
	Gone   string     `json:"gone"`   // the greatest id of the runs that were removed from Runs
	Runs   []runState `json:"runs"`   // in the order in which they began, at most maxRuns
}

type runState struct {
	Run       string     `json:"run"`
	Last      int64      `json:"last"`      // greatest seq
	Seqs      []uint64   `json:"seqs"`      // bit seq % seqSlots is set: that frame was counted; for the seqSlots up to Last
	Watermark event.Time `json:"watermark"` // greatest captured_at
	Emitted   int64      `json:"emitted"`   // all windows that end at or before this Unix time were emitted
	Panes     []pane     `json:"panes"`     // with frames, of windows that were not emitted; sorted by Start
}

// pane has the totals of [Start, Start+Every).
type pane struct {
	Start   int64             `json:"start"` // Unix time, a multiple of Every
	Frames  int64             `json:"frames"`
	Picture totals            `json:"picture"`
	Zones   map[string]totals `json:"zones,omitempty"` // zones with people, at most maxZones
	Dropped int64             `json:"dropped"`
	Seconds []uint64          `json:"seconds"` // bit n is set: a frame in second n
}

// totals are the people of frames, in the picture or in a zone.
type totals struct {
	PeopleFrames int64 `json:"people_frames"`
	People       int64 `json:"people"`
	MaxPeople    int64 `json:"max_people"`
}

func (t totals) plus(o totals) totals {
	return totals{t.PeopleFrames + o.PeopleFrames, t.People + o.People, max(t.MaxPeople, o.MaxPeople)}
}

func ofFrame(people int64) totals { return totals{min(people, 1), people, people} }

// outcome is what became of a frame.
type outcome string

const (
	counted  outcome = "counted"
	late     outcome = "late"     // it is in no window: they were emitted
	repeated outcome = "repeated" // it was counted before
)

// windows are the settings of the computation.
type windows struct {
	window, every int64 // seconds
	grace         time.Duration
}

// add counts a frame and calls emit with the windows that it completes.
func (c *cameraState) add(s *event.Sighting, w windows, emit func(event.Occupancy)) outcome {
	i := slices.IndexFunc(c.Runs, func(r runState) bool { return r.Run == s.Run })
	if i < 0 {
		if c.removed(s.Run) {
			c.Late++
			return late
		}
		c.begin(s, w, emit)
		i = len(c.Runs) - 1
	}
	r := &c.Runs[i]
	start := floor(s.CapturedAt.Unix(), w.every)
	switch known, unknown := r.repeats(s.Seq); {
	case known:
		return repeated
	case unknown || start+w.window <= r.Emitted:
		c.Late++
		return late
	}
	r.count(s.Seq)
	r.pane(start, w).add(s)
	if s.CapturedAt.After(r.Watermark.Time) {
		r.Watermark = s.CapturedAt
	}
	c.emitUntil(s.Camera, r, floor(r.Watermark.Add(-w.grace).Unix(), w.every), w, emit)
	return counted
}

// removed reports whether a run that is not in Runs was, before other runs displaced it.
// Ids of other producers are in no order: their runs are taken for new ones.
func (c *cameraState) removed(run string) bool { return run <= c.Gone && sortable(run) }

// sortable reports whether ids of this form are in the order in which the runs started.
func sortable(run string) bool {
	id, err := uuid.Parse(run)
	return err == nil && id.Version() == 7 && id.String() == run
}

// begin adds the run of s and emits all windows of the other ones, which have ended.
func (c *cameraState) begin(s *event.Sighting, w windows, emit func(event.Occupancy)) {
	c.flush(s.Camera, w, emit)
	if len(c.Runs) == maxRuns {
		if id := c.Runs[0].Run; sortable(id) {
			c.Gone = max(c.Gone, id)
		}
		c.Runs = slices.Delete(c.Runs, 0, 1)
	}
	c.Runs = append(c.Runs, runState{Run: s.Run, Last: -1, Seqs: make([]uint64, seqSlots/64), Watermark: s.CapturedAt, Emitted: -w.window})
}

// flush emits every window with a frame.
func (c *cameraState) flush(camera string, w windows, emit func(event.Occupancy)) {
	for i := range c.Runs {
		r := &c.Runs[i]
		if n := len(r.Panes); n > 0 {
			c.emitUntil(camera, r, r.Panes[n-1].Start+w.window, w, emit)
		}
	}
}

// open reports whether a window has frames and was not emitted.
func (c *cameraState) open() bool {
	return slices.ContainsFunc(c.Runs, func(r runState) bool { return len(r.Panes) > 0 })
}

// emitUntil emits the windows of a run that end at or before until, in their order.
func (c *cameraState) emitUntil(camera string, r *runState, until int64, w windows, emit func(event.Occupancy)) {
	if until <= r.Emitted {
		return
	}
	var starts []int64
	for i := range r.Panes {
		for start := r.Panes[i].Start - w.window + w.every; start <= r.Panes[i].Start; start += w.every {
			if end := start + w.window; end > r.Emitted && end <= until {
				starts = append(starts, start)
			}
		}
	}
	slices.Sort(starts)
	for _, start := range slices.Compact(starts) {
		c.emitWindow(camera, r, start, w, emit)
	}
	r.Emitted = until
	r.Panes = slices.DeleteFunc(r.Panes, func(p pane) bool { return p.Start+w.window <= until })
}

// emitWindow emits the records of one window: of the picture, then of the zones by name.
func (c *cameraState) emitWindow(camera string, r *runState, start int64, w windows, emit func(event.Occupancy)) {
	o := event.Occupancy{Camera: camera, Run: r.Run, WindowStart: at(start), WindowEnd: at(start + w.window), Late: c.Late}
	var picture totals
	zones := make(map[string]totals)
	for i := range r.Panes {
		p := &r.Panes[i]
		if p.Start < start || p.Start >= start+w.window {
			continue
		}
		o.Frames += p.Frames
		o.Dropped += p.Dropped
		for _, word := range p.Seconds {
			o.Seconds += int64(bits.OnesCount64(word))
		}
		picture = picture.plus(p.Picture)
		for zone, t := range p.Zones {
			zones[zone] = zones[zone].plus(t)
		}
	}
	c.Late = 0
	emitTotals(o, picture, emit)
	o.Late = 0
	for _, zone := range slices.Sorted(maps.Keys(zones)) {
		o.Zone = zone
		emitTotals(o, zones[zone], emit)
	}
}

func emitTotals(o event.Occupancy, t totals, emit func(event.Occupancy)) {
	o.PeopleFrames, o.People, o.MaxPeople = t.PeopleFrames, t.People, t.MaxPeople
	emit(o)
}

// repeats reports whether a frame was counted; unknown means that it is too old to tell.
func (r *runState) repeats(seq int64) (known, unknown bool) {
	switch {
	case seq > r.Last:
		return false, false
	case seq <= r.Last-seqSlots:
		return false, true
	}
	slot := seq % seqSlots
	return r.Seqs[slot/64]&(1<<(slot%64)) != 0, false
}

// count records that a frame was counted, in a sliding window of seqs (as RFC 4303,
// 3.4.3, does against replays).
func (r *runState) count(seq int64) {
	for skipped := max(r.Last+1, seq-seqSlots+1); skipped < seq; skipped++ {
		slot := skipped % seqSlots
		r.Seqs[slot/64] &^= 1 << (slot % 64)
	}
	slot := seq % seqSlots
	r.Seqs[slot/64] |= 1 << (slot % 64)
	r.Last = max(r.Last, seq)
}

// pane returns the pane that begins at start.
func (r *runState) pane(start int64, w windows) *pane {
	i, found := slices.BinarySearchFunc(r.Panes, start, func(p pane, start int64) int { return cmp.Compare(p.Start, start) })
	if !found {
		r.Panes = slices.Insert(r.Panes, i, pane{Start: start, Seconds: make([]uint64, (w.every+63)/64)})
	}
	return &r.Panes[i]
}

// add counts a frame as the sink does: a person in a zone is a detection labelled so, once
// for each time that its zones name the zone.
func (p *pane) add(s *event.Sighting) {
	p.Frames++
	p.Dropped += s.DroppedBefore
	second := s.CapturedAt.Unix() - p.Start
	p.Seconds[second/64] |= 1 << (second % 64)
	p.Picture = p.Picture.plus(ofFrame(int64(event.People(s.Objects))))
	inZone := make(map[string]int64)
	for i := range s.Objects {
		if s.Objects[i].IsPerson() {
			for _, zone := range s.Objects[i].Zones {
				inZone[zone]++
			}
		}
	}
	for _, zone := range slices.Sorted(maps.Keys(inZone)) {
		if _, known := p.Zones[zone]; !known && len(p.Zones) == maxZones {
			continue
		}
		if p.Zones == nil {
			p.Zones = make(map[string]totals)
		}
		p.Zones[zone] = p.Zones[zone].plus(ofFrame(inZone[zone]))
	}
}

// floor returns the greatest multiple of unit that is not above t.
func floor(t, unit int64) int64 {
	f := t - t%unit
	if f > t {
		f -= unit
	}
	return f
}

func at(unix int64) event.Time { return event.At(time.Unix(unix, 0)) }
