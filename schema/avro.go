package schema

import (
	"errors"
	"fmt"
	"sync"

	"github.com/hamba/avro/v2"

	"github.com/sightlog/sightlog/event"
)

// ours are the Avro schemas of the kinds, which events are written with and read by.
var ours = func() map[string]avro.Schema {
	all := make(map[string]avro.Schema)
	for name, k := range kinds {
		s, err := ParseAvro(k.avro, nil)
		if err != nil {
			panic("schema: " + name + ": " + err.Error()) // it is part of the program
		}
		all[name] = s
	}
	return all
}()

// toAvro returns the encoding of an event that is complete.
func toAvro(e Event) ([]byte, error) {
	var record any
	switch e := e.(type) {
	case *event.Sighting:
		record = avroSightingOf(e)
	case *event.Crossing:
		record = &avroCrossing{
			EventID: e.EventID, Camera: e.Camera, Run: e.Run, Seq: e.Seq, SourceKind: string(e.SourceKind),
			CapturedAt: micros(e.CapturedAt), Model: avroModelOf(e.Model),
			Line: e.Line, Direction: e.Direction, TrackID: e.TrackID, ClassID: e.ClassID, Label: e.Label,
		}
	case *event.Visit:
		v := &avroVisit{
			EventID: e.EventID, Kind: e.Kind, Camera: e.Camera, Run: e.Run, Seq: e.Seq, SourceKind: string(e.SourceKind),
			CapturedAt: micros(e.CapturedAt), Model: avroModelOf(e.Model),
			Zone: e.Zone, TrackID: e.TrackID, ClassID: e.ClassID, Label: e.Label,
			EnteredAt: micros(e.EnteredAt), LeftAt: maybeMicros(e.LeftAt), DwellS: e.DwellS, Thing: e.Thing,
		}
		if e.ThresholdS != 0 {
			v.ThresholdS = &e.ThresholdS
		}
		record = v
	}
	return avro.Marshal(ours[e.Schema()], record)
}

func avroSightingOf(s *event.Sighting) *avroSighting {
	r := &avroSighting{
		EventID: s.EventID, Camera: s.Camera, Run: s.Run, Seq: s.Seq, SourceKind: string(s.SourceKind), PTS: s.PTS,
		CapturedAt: micros(s.CapturedAt), GrabbedAt: maybeMicros(s.GrabbedAt), DecodedAt: maybeMicros(s.DecodedAt),
		InferredAt: maybeMicros(s.InferredAt), ProducedAt: maybeMicros(s.ProducedAt),
		Frame: avroSize{s.Frame.Width, s.Frame.Height}, DroppedBefore: s.DroppedBefore, Model: avroModelOf(s.Model),
		Objects: make([]avroObject, len(s.Objects)),
	}
	for i := range s.Objects {
		o := &s.Objects[i]
		r.Objects[i] = avroObject{
			Index: o.Index, ClassID: o.ClassID, Label: o.Label, Score: o.Score,
			Box: avroBox{o.Box[0], o.Box[1], o.Box[2], o.Box[3]}, TrackID: o.TrackID, State: o.State, Zones: o.Zones,
		}
	}
	return r
}

// fromAvro decodes an event of a kind. resolved is its writer's schema, resolved to ours.
func fromAvro(schema string, resolved avro.Schema, b []byte) (Event, error) {
	var record any
	switch schema {
	case event.SchemaSighting:
		record = new(avroSighting)
	case event.SchemaCrossing:
		record = new(avroCrossing)
	default:
		record = new(avroVisit)
	}
	if err := unmarshalAvro(resolved, b, record); err != nil {
		return nil, fmt.Errorf("decode Avro: %w", err)
	}
	switch r := record.(type) {
	case *avroSighting:
		return r.sighting(), nil
	case *avroCrossing:
		return &event.Crossing{
			SchemaVersion: event.SchemaVersion, EventID: r.EventID, Camera: r.Camera, Run: r.Run, Seq: r.Seq,
			SourceKind: event.SourceKind(r.SourceKind), CapturedAt: fromMicros(r.CapturedAt), Model: r.Model.model(),
			Line: r.Line, Direction: r.Direction, TrackID: r.TrackID, ClassID: r.ClassID, Label: r.Label,
		}, nil
	case *avroVisit:
		v := &event.Visit{
			SchemaVersion: event.SchemaVersion, EventID: r.EventID, Kind: r.Kind, Camera: r.Camera, Run: r.Run, Seq: r.Seq,
			SourceKind: event.SourceKind(r.SourceKind), CapturedAt: fromMicros(r.CapturedAt), Model: r.Model.model(),
			Zone: r.Zone, TrackID: r.TrackID, ClassID: r.ClassID, Label: r.Label,
			EnteredAt: fromMicros(r.EnteredAt), LeftAt: fromMaybe(r.LeftAt), DwellS: r.DwellS, Thing: r.Thing,
		}
		if r.ThresholdS != nil {
			v.ThresholdS = *r.ThresholdS
		}
		return v, nil
	}
	return nil, nil
}

// bounded caches the decoders of what is read by our schemas, and bounds arrays before memory is
// taken for them. The library tells decoders apart by their writers' schemas alone, so it must not
// be used with other readers' schemas.
var bounded = avro.Config{MaxSliceAllocSize: event.MaxObjects}.Freeze()

// readers are those that are not in use.
var readers = sync.Pool{New: func() any { return avro.NewReader(nil, 0, avro.WithReaderConfig(bounded)) }}

// unmarshalAvro decodes a whole record. avro.Unmarshal passes over bytes behind it, and the library
// panics at some lengths of arrays.
func unmarshalAvro(s avro.Schema, b []byte, record any) (err error) {
	r := readers.Get().(*avro.Reader)
	defer readers.Put(r)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	r.Reset(b)
	r.Error = nil
	r.ReadVal(s, record)
	if r.Error != nil {
		return r.Error
	}
	if r.Peek(); r.Error == nil {
		return errors.New("bytes follow the record")
	}
	return nil
}

func (r *avroSighting) sighting() *event.Sighting {
	s := &event.Sighting{
		SchemaVersion: event.SchemaVersion, EventID: r.EventID, Camera: r.Camera, Run: r.Run, Seq: r.Seq,
		SourceKind: event.SourceKind(r.SourceKind), PTS: r.PTS,
		CapturedAt: fromMicros(r.CapturedAt), GrabbedAt: fromMaybe(r.GrabbedAt), DecodedAt: fromMaybe(r.DecodedAt),
		InferredAt: fromMaybe(r.InferredAt), ProducedAt: fromMaybe(r.ProducedAt),
		Frame: event.Size(r.Frame), DroppedBefore: r.DroppedBefore, Model: r.Model.model(), Objects: make([]event.Object, len(r.Objects)),
	}
	for i := range r.Objects {
		o := &r.Objects[i]
		s.Objects[i] = event.Object{
			Index: o.Index, ClassID: o.ClassID, Label: o.Label, Score: o.Score,
			Box: event.Box{o.Box.X1, o.Box.Y1, o.Box.X2, o.Box.Y2}, TrackID: o.TrackID, State: o.State,
		}
		if len(o.Zones) > 0 {
			s.Objects[i].Zones = o.Zones
		}
	}
	return s
}
