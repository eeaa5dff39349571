package schema

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/schema/pb"
)

// toProtobuf returns the message of an event that is complete.
func toProtobuf(e Event) proto.Message {
	switch e := e.(type) {
	case *event.Sighting:
		return sightingMessage(e)
	case *event.Crossing:
		return &pb.Crossing{
			EventId: e.EventID, Camera: e.Camera, Run: e.Run, Seq: e.Seq, SourceKind: string(e.SourceKind),
			CapturedAt: timestamp(e.CapturedAt), Model: modelMessage(e.Model),
			Line: e.Line, Direction: e.Direction, TrackId: e.TrackID, ClassId: int32(e.ClassID), Label: e.Label,
		}
	case *event.Visit:
		m := &pb.Visit{
			EventId: e.EventID, Kind: e.Kind, Camera: e.Camera, Run: e.Run, Seq: e.Seq, SourceKind: string(e.SourceKind),
			CapturedAt: timestamp(e.CapturedAt), Model: modelMessage(e.Model),
			Zone: e.Zone, TrackId: e.TrackID, ClassId: int32(e.ClassID), Label: e.Label,
			EnteredAt: timestamp(e.EnteredAt), LeftAt: timestamp(e.LeftAt), DwellS: e.DwellS, Thing: e.Thing,
		}
		if e.ThresholdS != 0 {
			m.ThresholdS = &e.ThresholdS
		}
		return m
	}
	return nil
}

func sightingMessage(s *event.Sighting) *pb.Sighting {
	m := &pb.Sighting{
		EventId: s.EventID, Camera: s.Camera, Run: s.Run, Seq: s.Seq, SourceKind: string(s.SourceKind), PtsUs: s.PTS,
		CapturedAt: timestamp(s.CapturedAt), GrabbedAt: timestamp(s.GrabbedAt), DecodedAt: timestamp(s.DecodedAt),
		InferredAt: timestamp(s.InferredAt), ProducedAt: timestamp(s.ProducedAt),
		Frame:         &pb.Size{Width: int32(s.Frame.Width), Height: int32(s.Frame.Height)},
		DroppedBefore: s.DroppedBefore, Model: modelMessage(s.Model), Objects: make([]*pb.Object, len(s.Objects)),
	}
	for i := range s.Objects {
		o := &s.Objects[i]
		m.Objects[i] = &pb.Object{
			Index: int32(o.Index), ClassId: int32(o.ClassID), Label: o.Label, Score: o.Score,
			Box:     &pb.Box{X1: o.Box[0], Y1: o.Box[1], X2: o.Box[2], Y2: o.Box[3]},
			TrackId: o.TrackID, State: o.State, Zones: o.Zones,
		}
	}
	return m
}

func modelMessage(m event.Model) *pb.Model {
	return &pb.Model{
		Name: m.Name, Sha256: m.SHA256, Provider: m.Provider,
		Input: &pb.Size{Width: int32(m.Input[0]), Height: int32(m.Input[1])},
	}
}

// timestamp is a time, absent if it is not known.
func timestamp(t event.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t.Time)
}

// fromProtobuf decodes the message of a kind of event.
func fromProtobuf(schema string, b []byte) (Event, error) {
	var m proto.Message
	switch schema {
	case event.SchemaSighting:
		m = new(pb.Sighting)
	case event.SchemaCrossing:
		m = new(pb.Crossing)
	default:
		m = new(pb.Visit)
	}
	if err := proto.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("decode Protobuf: %w", err)
	}
	switch m := m.(type) {
	case *pb.Sighting:
		return sightingOf(m), nil
	case *pb.Crossing:
		return &event.Crossing{
			SchemaVersion: event.SchemaVersion, EventID: m.GetEventId(), Camera: m.GetCamera(), Run: m.GetRun(), Seq: m.GetSeq(),
			SourceKind: event.SourceKind(m.GetSourceKind()), CapturedAt: timeOf(m.GetCapturedAt()), Model: modelOf(m.GetModel()),
			Line: m.GetLine(), Direction: m.GetDirection(), TrackID: m.GetTrackId(), ClassID: int(m.GetClassId()), Label: m.GetLabel(),
		}, nil
	case *pb.Visit:
		return &event.Visit{
			SchemaVersion: event.SchemaVersion, EventID: m.GetEventId(), Kind: m.GetKind(),
			Camera: m.GetCamera(), Run: m.GetRun(), Seq: m.GetSeq(), SourceKind: event.SourceKind(m.GetSourceKind()),
			CapturedAt: timeOf(m.GetCapturedAt()), Model: modelOf(m.GetModel()),
			Zone: m.GetZone(), TrackID: m.GetTrackId(), ClassID: int(m.GetClassId()), Label: m.GetLabel(),
			EnteredAt: timeOf(m.GetEnteredAt()), LeftAt: timeOf(m.GetLeftAt()),
			DwellS: m.GetDwellS(), ThresholdS: m.GetThresholdS(), Thing: m.GetThing(),
		}, nil
	}
	return nil, nil
}

func sightingOf(m *pb.Sighting) *event.Sighting {
	s := &event.Sighting{
		SchemaVersion: event.SchemaVersion, EventID: m.GetEventId(), Camera: m.GetCamera(), Run: m.GetRun(), Seq: m.GetSeq(),
		SourceKind: event.SourceKind(m.GetSourceKind()), PTS: m.GetPtsUs(),
		CapturedAt: timeOf(m.GetCapturedAt()), GrabbedAt: timeOf(m.GetGrabbedAt()), DecodedAt: timeOf(m.GetDecodedAt()),
		InferredAt: timeOf(m.GetInferredAt()), ProducedAt: timeOf(m.GetProducedAt()),
		Frame:         event.Size{Width: int(m.GetFrame().GetWidth()), Height: int(m.GetFrame().GetHeight())},
		DroppedBefore: m.GetDroppedBefore(), Model: modelOf(m.GetModel()), Objects: make([]event.Object, len(m.GetObjects())),
	}
	for i, o := range m.GetObjects() {
		box := o.GetBox()
		s.Objects[i] = event.Object{
			Index: int(o.GetIndex()), ClassID: int(o.GetClassId()), Label: o.GetLabel(), Score: o.GetScore(),
			Box:     event.Box{box.GetX1(), box.GetY1(), box.GetX2(), box.GetY2()},
			TrackID: o.TrackId, State: o.GetState(), Zones: o.GetZones(),
		}
	}
	return s
}

func modelOf(m *pb.Model) event.Model {
	return event.Model{
		Name: m.GetName(), SHA256: m.GetSha256(), Provider: m.GetProvider(),
		Input: [2]int{int(m.GetInput().GetWidth()), int(m.GetInput().GetHeight())},
	}
}

// timeOf is the time of a timestamp. One that is out of bounds is a time that Validate refuses.
func timeOf(t *timestamppb.Timestamp) event.Time {
	if t == nil {
		return event.Time{}
	}
	return event.At(time.Unix(t.GetSeconds(), int64(t.GetNanos())))
}
