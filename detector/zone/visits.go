package zone

import (
	"cmp"
	"slices"
	"time"

	"github.com/sightlog/sightlog/event"
)

// Visits follows the visits of a run's tracks in zones. A visit begins with the first
// sighting of a track in a zone and ends with the last before it was not there for more
// than event.VisitGap, which a later sighting or the run's end shows. It belongs to one
// goroutine.
type Visits struct {
	loitering map[string]time.Duration // by zone; of those that have a threshold
	open      map[place]*stay
	frame     event.Visit // the fields of the last sighting's frame
}

// place is a track in a zone.
type place struct {
	track int64
	zone  string
}

// stay is a visit that has not ended.
type stay struct {
	entered, left event.Time // left: of the last detection so far
	classID       int
	label         string
	loitered      bool // it has reached the zone's threshold
	thing         bool // it has turned out to be a thing, which is in no zone
}

// NewVisits returns the visits of a run that begins.
func NewVisits(zones []Zone) *Visits {
	v := &Visits{loitering: make(map[string]time.Duration), open: make(map[place]*stay)}
	for _, z := range zones {
		if z.Loitering > 0 {
			v.loitering[z.Name] = z.Loitering
		}
	}
	return v
}

// Events returns the visits that have ended before the sighting, and those that begin or
// become loitering with it. The sightings of a run come in order.
func (v *Visits) Events(s *event.Sighting) []event.Visit {
	v.frame = s.Visit()
	all := v.end(func(o *stay) bool { return s.CapturedAt.Sub(o.left.Time) > event.VisitGap })
	for i := range s.Objects {
		o := &s.Objects[i]
		if o.TrackID == nil {
			continue
		}
		if o.State == event.StateThing {
			v.things(*o.TrackID)
		}
		for _, zone := range o.Zones {
			all = v.see(all, o, zone)
		}
	}
	return all
}

// things marks the visits of a track as those of a thing.
func (v *Visits) things(track int64) {
	for at, o := range v.open {
		if at.track == track {
			o.thing = true
		}
	}
}

// End returns the ends of all visits: the run ends with the sighting before.
func (v *Visits) End() []event.Visit {
	return v.end(func(*stay) bool { return true })
}

// end removes the visits that are over and returns their ends, those that were entered first
// before others.
func (v *Visits) end(over func(*stay) bool) (all []event.Visit) {
	for at, o := range v.open {
		if over(o) {
			delete(v.open, at)
			e := v.event(event.Left, at, o)
			e.LeftAt, e.Thing = o.left, o.thing
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b event.Visit) int {
		return cmp.Or(a.EnteredAt.Compare(b.EnteredAt.Time), cmp.Compare(a.TrackID, b.TrackID), cmp.Compare(a.Zone, b.Zone))
	})
	return all
}

// see continues or begins the visit of an object in a zone, and appends the events of that.
func (v *Visits) see(all []event.Visit, object *event.Object, zone string) []event.Visit {
	at, now := place{*object.TrackID, zone}, v.frame.CapturedAt
	o := v.open[at]
	begins := o == nil
	if begins {
		o = &stay{entered: now, left: now}
		v.open[at] = o
	}
	o.classID, o.label = object.ClassID, object.Label
	if now.After(o.left.Time) {
		o.left = now
	}
	if begins {
		all = append(all, v.event(event.Entered, at, o))
	}
	threshold := v.loitering[zone]
	if threshold > 0 && !o.loitered && now.Sub(o.entered.Time) >= threshold {
		o.loitered = true
		e := v.event(event.Loitering, at, o)
		e.ThresholdS = threshold.Seconds()
		all = append(all, e)
	}
	return all
}

// event returns an event of a visit, in the frame of the last sighting.
func (v *Visits) event(kind string, at place, o *stay) event.Visit {
	e := v.frame
	e.Kind, e.Zone, e.TrackID, e.ClassID, e.Label, e.EnteredAt = kind, at.zone, at.track, o.classID, o.label, o.entered
	return e
}
