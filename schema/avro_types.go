package schema

import (
	"time"

	"github.com/sightlog/sightlog/event"
)

// The records of the Avro schemas. Times are microseconds since 1970.

type avroSize struct {
	Width  int `avro:"width"`
	Height int `avro:"height"`
}

type avroModel struct {
	Name     string   `avro:"name"`
	SHA256   string   `avro:"sha256"`
	Input    avroSize `avro:"input"`
	Provider string   `avro:"provider"`
}

type avroBox struct {
	X1 float32 `avro:"x1"`
	Y1 float32 `avro:"y1"`
	X2 float32 `avro:"x2"`
	Y2 float32 `avro:"y2"`
}

type avroObject struct {
	Index   int      `avro:"index"`
	ClassID int      `avro:"class_id"`
	Label   string   `avro:"label"`
	Score   float32  `avro:"score"`
	Box     avroBox  `avro:"box"`
	TrackID *int64   `avro:"track_id"`
	State   string   `avro:"state"`
	Zones   []string `avro:"zones"`
}

type avroSighting struct {
	EventID       string       `avro:"event_id"`
	Camera        string       `avro:"camera"`
	Run           string       `avro:"run"`
	Seq           int64        `avro:"seq"`
	SourceKind    string       `avro:"source_kind"`
	PTS           int64        `avro:"pts_us"`
	CapturedAt    int64        `avro:"captured_at"`
	GrabbedAt     *int64       `avro:"grabbed_at"`
	DecodedAt     *int64       `avro:"decoded_at"`
	InferredAt    *int64       `avro:"inferred_at"`
	ProducedAt    *int64       `avro:"produced_at"`
	Frame         avroSize     `avro:"frame"`
	DroppedBefore int64        `avro:"dropped_before"`
	Model         avroModel    `avro:"model"`
	Objects       []avroObject `avro:"objects"`
}

type avroCrossing struct {
	EventID    string    `avro:"event_id"`
	Camera     string    `avro:"camera"`
	Run        string    `avro:"run"`
	Seq        int64     `avro:"seq"`
	SourceKind string    `avro:"source_kind"`
	CapturedAt int64     `avro:"captured_at"`
	Model      avroModel `avro:"model"`
	Line       string    `avro:"line"`
	Direction  string    `avro:"direction"`
	TrackID    int64     `avro:"track_id"`
	ClassID    int       `avro:"class_id"`
	Label      string    `avro:"label"`
}

type avroVisit struct {
	EventID    string    `avro:"event_id"`
	Kind       string    `avro:"kind"`
	Camera     string    `avro:"camera"`
	Run        string    `avro:"run"`
	Seq        int64     `avro:"seq"`
	SourceKind string    `avro:"source_kind"`
	CapturedAt int64     `avro:"captured_at"`
	Model      avroModel `avro:"model"`
	Zone       string    `avro:"zone"`
	TrackID    int64     `avro:"track_id"`
	ClassID    int       `avro:"class_id"`
	Label      string    `avro:"label"`
	EnteredAt  int64     `avro:"entered_at"`
	LeftAt     *int64    `avro:"left_at"`
	DwellS     float64   `avro:"dwell_s"`
	ThresholdS *float64  `avro:"threshold_s"`
	Thing      bool      `avro:"thing"`
}

func micros(t event.Time) int64 { return t.UnixMicro() }

// maybeMicros is micros, nil if the time is not known.
func maybeMicros(t event.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	at := t.UnixMicro()
	return &at
}

func fromMicros(at int64) event.Time { return event.At(time.UnixMicro(at)) }

func fromMaybe(at *int64) event.Time {
	if at == nil {
		return event.Time{}
	}
	return fromMicros(*at)
}

func avroModelOf(m event.Model) avroModel {
	return avroModel{m.Name, m.SHA256, avroSize{m.Input[0], m.Input[1]}, m.Provider}
}

func (m avroModel) model() event.Model {
	return event.Model{Name: m.Name, SHA256: m.SHA256, Input: [2]int{m.Input.Width, m.Input.Height}, Provider: m.Provider}
}
