package event

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	json "github.com/go-json-experiment/json/v1"
)

// SchemaVersion is the version of the encodings in this package.
const SchemaVersion = 1

// Headers of every record, so that a consumer can choose a decoder without
// decoding the value.
const (
	HeaderSchema      = "schema"
	HeaderContentType = "content-type"
	SchemaSighting    = "sightlog.sighting.v1"
	SchemaRun         = "sightlog.run.v1"
	ContentTypeJSON   = "application/json"
)

// SourceKind is the kind of source that a run reads.
type SourceKind string

// The kinds of source.
const (
	SourceFile   SourceKind = "file"
	SourceWebcam SourceKind = "webcam"
	SourceStream SourceKind = "stream"
	SourceImages SourceKind = "images"
	SourceTest   SourceKind = "test"
)

// Live reports whether the source cannot be read again: it drops frames
// rather than fall behind, and its runs are never resumed.
func (k SourceKind) Live() bool { return k == SourceWebcam || k == SourceStream }

// Size is a width and a height in pixels.
type Size struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// Model is the model that processed a frame, and how it was run.
type Model struct {
	Name     string `json:"name"`
	SHA256   string `json:"sha256"`
	Input    [2]int `json:"input"`    // width, height of the model's input in pixels
	Provider string `json:"provider"` // "cpu", "cuda", …
}

// Box is x1, y1, x2, y2 in the source frame's pixels, clipped to it: the left,
// top, right and bottom edges.
type Box [4]float32

// States of a tracked object; one that moves, or is not tracked, has none.
const (
	StateNew        = "new"        // has not moved since it appeared; it is counted
	StateStationary = "stationary" // has not moved for ten seconds, but did before
	StateThing      = "thing"      // a thing that the detector takes for a person: it never moved; it is not counted
)

// Object is one detection.
type Object struct {
	Index   int     `json:"index"` // position in Sighting.Objects, by falling score
	ClassID int     `json:"class_id"`
	Label   string  `json:"label"` // as ClassName spells it
	Score   float32 `json:"score"` // 0..1
	Box     Box     `json:"box"`
	TrackID *int64  `json:"track_id,omitempty"` // unique within the run
	State   string  `json:"state,omitempty"`    // StateNew, StateStationary, StateThing or none
	// Zones are the names of those that the feet are in, as configured.
	Zones []string `json:"zones,omitempty"`
}

// Sighting holds the detections of one frame. Empty Objects means that the
// detector ran and found none.
type Sighting struct {
	SchemaVersion int        `json:"schema_version"`
	EventID       string     `json:"event_id"` // camera/run/seq
	Camera        string     `json:"camera"`
	Run           string     `json:"run"`
	Seq           int64      `json:"seq"` // index of the frame in its source, from 0
	SourceKind    SourceKind `json:"source_kind"`
	PTS           int64      `json:"pts_us"` // position in the source, microseconds

	CapturedAt Time `json:"captured_at"`
	GrabbedAt  Time `json:"grabbed_at"`
	DecodedAt  Time `json:"decoded_at"`
	InferredAt Time `json:"inferred_at"`
	ProducedAt Time `json:"produced_at"`

	Frame         Size     `json:"frame"`
	DroppedBefore int64    `json:"dropped_before"` // frames dropped since the sighting before: those for which detection was too slow
	Model         Model    `json:"model"`
	Objects       []Object `json:"objects"`
}

// MakeEventID names a sighting: camera/run/seq.
func MakeEventID(camera, run string, seq int64) string {
	return camera + "/" + run + "/" + strconv.FormatInt(seq, 10)
}

// Schema returns SchemaSighting.
func (*Sighting) Schema() string { return SchemaSighting }

// Complete fills in what follows from the other fields: SchemaVersion and EventID.
func (s *Sighting) Complete() {
	s.SchemaVersion = SchemaVersion
	s.EventID = MakeEventID(s.Camera, s.Run, s.Seq)
	if s.Objects == nil {
		s.Objects = []Object{}
	}
}

// Encode completes the sighting and returns the JSON of schema version 1.
func (s *Sighting) Encode() ([]byte, error) {
	s.Complete()
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode sighting %s: %w", s.EventID, err)
	}
	return b, nil
}

// ValidCamera reports whether id can name a camera: [a-z0-9_-], at most 64.
func ValidCamera(id string) bool {
	for i := range len(id) {
		switch b := id[i]; {
		case b >= 'a' && b <= 'z', b >= '0' && b <= '9', b == '_', b == '-':
		default:
			return false
		}
	}
	return len(id) >= 1 && len(id) <= 64
}

// Times outside these years are a broken clock, not an event.
var minTime, maxTime = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// Bounds: the detections of one frame, the zones of one of them, and the bytes
// in the name of a zone or line.
const (
	MaxObjects = 10_000
	MaxZones   = 256
	MaxName    = 64
)

// Validate reports the first thing that makes the sighting unusable.
func (s *Sighting) Validate() error {
	switch {
	case s.SchemaVersion != SchemaVersion:
		return fmt.Errorf("schema_version is %d, this program reads %d", s.SchemaVersion, SchemaVersion)
	case !ValidCamera(s.Camera):
		return fmt.Errorf("camera %q is not [a-z0-9_-]{1,64}", s.Camera)
	case s.Run == "" || len(s.Run) > 64:
		return errors.New("run is empty or longer than 64 bytes")
	case s.Seq < 0:
		return fmt.Errorf("seq is %d", s.Seq)
	case !s.idFits():
		return errors.New("event_id is not camera/run/seq")
	case s.CapturedAt.Before(minTime) || s.CapturedAt.After(maxTime):
		return fmt.Errorf("captured_at %s is outside 1970..2199", s.CapturedAt.Format(time.RFC3339))
	case !s.GrabbedAt.possible(), !s.DecodedAt.possible(), !s.InferredAt.possible(), !s.ProducedAt.possible():
		return errors.New("the time of a stage is outside 1970..2199")
	case s.Frame.Width <= 0 || s.Frame.Height <= 0:
		return fmt.Errorf("frame is %dx%d", s.Frame.Width, s.Frame.Height)
	case len(s.Objects) > MaxObjects:
		return fmt.Errorf("%d objects, at most %d", len(s.Objects), MaxObjects)
	}
	for i, o := range s.Objects {
		if err := o.validate(i); err != nil {
			return err
		}
	}
	return nil
}

// idFits reports whether EventID is that of MakeEventID, without making it.
func (s *Sighting) idFits() bool {
	n := len(s.Camera) + 1 + len(s.Run) + 1
	if len(s.EventID) < n || s.EventID[:len(s.Camera)] != s.Camera || s.EventID[len(s.Camera)] != '/' ||
		s.EventID[len(s.Camera)+1:n-1] != s.Run || s.EventID[n-1] != '/' {
		return false
	}
	var digits [20]byte
	return s.EventID[n:] == string(strconv.AppendInt(digits[:0], s.Seq, 10))
}

// possible reports whether a time is not known or may be true.
func (t Time) possible() bool {
	return t.IsZero() || !t.Before(minTime) && !t.After(maxTime)
}

func (o *Object) validate(i int) error {
	if o.Index != i {
		return fmt.Errorf("object %d has index %d", i, o.Index)
	}
	for _, v := range [...]float32{o.Score, o.Box[0], o.Box[1], o.Box[2], o.Box[3]} {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("object %d has a score or box that is not a number", i)
		}
	}
	switch {
	case o.Score < 0 || o.Score > 1:
		return fmt.Errorf("object %d has score %g, not 0 to 1", i, o.Score)
	case o.Box[2] < o.Box[0] || o.Box[3] < o.Box[1]:
		return fmt.Errorf("object %d has box %v: its right or lower edge lies before the other", i, o.Box)
	case o.State != "" && o.State != StateNew && o.State != StateStationary && o.State != StateThing:
		return fmt.Errorf("object %d has the unknown state %q", i, o.State)
	case len(o.Zones) > MaxZones:
		return fmt.Errorf("object %d is in %d zones, at most %d", i, len(o.Zones), MaxZones)
	}
	for _, z := range o.Zones {
		if z == "" || len(z) > MaxName {
			return fmt.Errorf("object %d is in a zone whose name is empty or longer than %d bytes", i, MaxName)
		}
	}
	return nil
}

// IsPerson reports whether the object counts as a person.
func (o *Object) IsPerson() bool { return o.Label == Person && o.State != StateThing }

// People counts the objects that are people.
func People(objects []Object) (n int) {
	for i := range objects {
		if objects[i].IsPerson() {
			n++
		}
	}
	return n
}
