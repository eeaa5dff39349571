package sink

import (
	"context"
	"errors"

	"github.com/sightlog/sightlog/event"
)

// collect returns the rows of entries. Where a cached id turns out to be one of emptied
// tables, it clears the caches and begins again.
func (s *Sink) collect(ctx context.Context, items []entry) (*rows, error) {
	r, err := s.resolve(ctx, items)
	if errors.Is(err, errNoRow) || sqlstate(err) == missingReference {
		s.forgetIDs()
		r, err = s.resolve(ctx, items)
	}
	return r, err
}

// forgetIDs clears the caches of ids and days.
func (s *Sink) forgetIDs() {
	s.idCache.forget()
	s.dayPartitions.forget()
}

// resolve resolves names and days and returns the rows of entries.
func (s *Sink) resolve(ctx context.Context, items []entry) (*rows, error) {
	r := &rows{compared: true, lastSeq: make(map[int32]int64)}
	for i := range items {
		switch it := &items[i]; {
		case it.sighting != nil:
			r.compared = r.compared && it.compared
			if err := s.addSighting(ctx, r, it.sighting); err != nil {
				return nil, err
			}
		case it.crossing != nil:
			if err := s.addCrossing(ctx, r, it.crossing); err != nil {
				return nil, err
			}
		case it.snapshot != nil:
			if err := s.addSnapshot(ctx, r, it.snapshot); err != nil {
				return nil, err
			}
		case it.erased != nil:
			r.eraseSnapshot(it.erased)
		case it.run != nil:
			camera, err := s.idCache.camera(ctx, it.run.Camera)
			if err != nil {
				return nil, err
			}
			r.runs = append(r.runs, runRow{camera, it.run})
		}
	}
	return r, nil
}

func (s *Sink) addSighting(ctx context.Context, r *rows, g *event.Sighting) error {
	camera, err := s.idCache.camera(ctx, g.Camera)
	if err != nil {
		return err
	}
	run, err := s.idCache.run(ctx, camera, g)
	if err != nil {
		return err
	}
	stored := s.cfg.Store.has(g)
	if stored {
		if err := s.dayPartitions.ensure(ctx, g.CapturedAt.Time); err != nil {
			return err
		}
	}
	row := sightingRow{Sighting: g, camera: camera, run: run, people: int32(event.People(g.Objects))}
	for i := range g.Objects {
		o := &g.Objects[i]
		if i == 0 || o.ClassID != g.Objects[i-1].ClassID { // most are of one class
			if err := s.idCache.class(ctx, run, *o); err != nil {
				return err
			}
		}
		if len(o.Zones) == 0 {
			continue
		}
		set, err := s.idCache.zoneSet(ctx, o.Zones)
		if err != nil {
			return err
		}
		if row.zoneSets == nil {
			row.zoneSets = make([]*int32, len(g.Objects))
		}
		row.zoneSets[i] = &set
	}
	r.sightings = append(r.sightings, row)
	if stored {
		r.stored = append(r.stored, row)
	} else {
		last, follows := r.lastSeq[run]
		r.unordered = r.unordered || follows && g.Seq <= last
		r.lastSeq[run] = g.Seq
	}
	r.people += int(row.people)
	r.detections += len(g.Objects)
	if !g.GrabbedAt.IsZero() {
		r.endToEnd = append(r.endToEnd, g.GrabbedAt)
	}
	return nil
}

func (s *Sink) addCrossing(ctx context.Context, r *rows, x *event.Crossing) error {
	camera, err := s.idCache.camera(ctx, x.Camera)
	if err != nil {
		return err
	}
	// The topic of crossings may be read before that of the run and the sightings.
	run, err := s.idCache.run(ctx, camera, &event.Sighting{Camera: x.Camera, Run: x.Run, SourceKind: x.SourceKind, Model: x.Model})
	if err != nil {
		return err
	}
	r.crossings = append(r.crossings, crossingRow{x, camera, run})
	return nil
}

// addSnapshot adds a snapshot, in place of a worse one of the same key: a statement changes no row twice.
func (s *Sink) addSnapshot(ctx context.Context, r *rows, n *event.Snapshot) error {
	camera, err := s.idCache.camera(ctx, n.Camera)
	if err != nil {
		return err
	}
	run, err := s.idCache.run(ctx, camera, &event.Sighting{Camera: n.Camera, Run: n.Run, SourceKind: n.SourceKind, Model: n.Model})
	if err != nil {
		return err
	}
	key := n.Key()
	for i := range r.snapshots {
		if r.snapshots[i].Key() == key {
			if n.Quality > r.snapshots[i].Quality {
				r.snapshots[i].Snapshot = n
			}
			return nil
		}
	}
	r.snapshots = append(r.snapshots, snapshotRow{n, camera, run})
	return nil
}
