package sink

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/sightlog/sightlog/event"
)

// Watcher looks at the sightings and crossings of some cameras. Watch is called in the
// transaction that writes them, after its statements, with those of one transaction in the
// order of their log; an error rolls it back, and it is tried again. Once it is committed,
// committed is called. Sightings that the tables have already are not among them, crossings
// may be.
type Watcher interface {
	Wants(camera string) bool // its sightings
	WantsLine(camera, line string) bool
	Watch(ctx context.Context, tx pgx.Tx, sightings []*event.Sighting, crossings []*event.Crossing) (committed func(), err error)
}

// watched are the events of a transaction that the watcher wants.
type watched struct {
	sightings []*event.Sighting
	crossings []*event.Crossing
}

// watched returns the events that the watcher wants; none without one.
func (r *rows) watched(w Watcher) (all watched) {
	if w == nil {
		return all
	}
	for i := range r.sightings {
		if s := r.sightings[i].Sighting; w.Wants(s.Camera) {
			all.sightings = append(all.sightings, s)
		}
	}
	for i := range r.crossings {
		if x := r.crossings[i].Crossing; w.WantsLine(x.Camera, x.Line) {
			all.crossings = append(all.crossings, x)
		}
	}
	return all
}

func (w *watched) none() bool { return len(w.sightings) == 0 && len(w.crossings) == 0 }
