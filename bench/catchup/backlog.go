package catchup

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
)

// origin is when the runs of the backlog began.
var origin = time.Date(2024, 3, 2, 12, 0, 0, 0, time.UTC)

// interval is the time between two frames of a camera.
const interval = 40 * time.Millisecond

// sighting is the n-th of a run of all cameras, taken in turn: people who walk, one in a
// zone, new ones every 20 seconds.
func (r *run) sighting(run string, n int, at time.Time) *event.Sighting {
	camera, frame := fmt.Sprintf("cam-%03d", n%r.Cameras), n/r.Cameras
	s := &event.Sighting{
		Camera: camera, Run: run + "-" + camera, Seq: int64(frame), SourceKind: event.SourceFile, PTS: (time.Duration(frame) * interval).Microseconds(),
		CapturedAt: event.At(at), GrabbedAt: event.At(at), DecodedAt: event.At(at.Add(time.Millisecond)),
		InferredAt: event.At(at.Add(6 * time.Millisecond)), ProducedAt: event.At(at.Add(7 * time.Millisecond)),
		Frame: event.Size{Width: 768, Height: 576},
		Model: event.Model{Name: "none", SHA256: "none", Input: [2]int{320, 256}, Provider: "cpu"},
	}
	for i := range r.People {
		x := float32(7*i) + float32(frame%500)/2
		track := int64(frame/500*r.People + i + 1)
		s.Objects = append(s.Objects, event.Object{
			Index: i, Label: event.Person, Score: 0.91234, Box: event.Box{x, 20.125, x + 50.37, 160.75}, TrackID: &track,
		})
	}
	if r.People > 0 {
		s.Objects[0].Zones = []string{"door"}
	}
	return s
}

func record(s *event.Sighting) (*kgo.Record, error) {
	b, err := s.Encode()
	if err != nil {
		return nil, fmt.Errorf("make a sighting: %w", err)
	}
	return &kgo.Record{
		Topic: kafka.Sightings, Key: []byte(s.Camera), Value: b,
		Headers: []kgo.RecordHeader{{Key: event.HeaderSchema, Value: []byte(event.SchemaSighting)}},
	}, nil
}

// produce writes the backlog into the log.
func (r *run) produce(ctx context.Context) error {
	var failed error // written by one goroutine of the client, read after Flush
	for n := range r.Sightings {
		rec, err := record(r.sighting("backlog", n, origin.Add(time.Duration(n/r.Cameras)*interval)))
		if err != nil {
			return err
		}
		r.log.Produce(ctx, rec, func(_ *kgo.Record, err error) {
			if err != nil && failed == nil {
				failed = fmt.Errorf("produce the backlog: %w", err)
			}
		})
	}
	if err := r.log.Flush(ctx); err != nil {
		return err
	}
	return failed
}
