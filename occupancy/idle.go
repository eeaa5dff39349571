package occupancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sightlog/sightlog/kafka"
)

// emitIdle emits the windows of the cameras of which nothing has come for Idle. The ends
// of the partitions prove that nothing waits to be read: time passes also while the log
// does not answer.
func (s *session) emitIdle(ctx context.Context, tx *transaction) {
	idle := make(map[*part][]string)
	for _, p := range s.parts {
		for camera, state := range p.cameras {
			if time.Since(p.seen[camera]) >= s.cfg.Idle && state.open() {
				idle[p] = append(idle[p], camera)
			}
		}
	}
	if len(idle) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	starts, startErr := s.adm.ListStartOffsets(ctx, kafka.Sightings)
	ends, endErr := s.adm.ListEndOffsets(ctx, kafka.Sightings)
	if err := errors.Join(startErr, starts.Error(), endErr, ends.Error()); err != nil {
		s.health.Failed(fmt.Errorf("list offsets of %s: %w", kafka.Sightings, err))
		s.postponeIdle()
		return
	}
	for p, cameras := range idle {
		start, _ := starts.Lookup(kafka.Sightings, p.number)
		end, ok := ends.Lookup(kafka.Sightings, p.number)
		if !ok || max(p.next, start.Offset) < end.Offset {
			continue
		}
		tx.parts[p.number] = p
		for _, camera := range cameras {
			p.cameras[camera].flush(camera, tx.windows, tx.emitTo(p))
			tx.changed(p, camera)
		}
	}
}

// postponeIdle begins the time of every camera again, because its records could not come.
func (s *session) postponeIdle() {
	for _, p := range s.parts {
		for camera := range p.seen {
			p.seen[camera] = time.Now()
		}
	}
}
