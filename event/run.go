package event

import (
	"errors"
	"fmt"
	"time"

	json "github.com/go-json-experiment/json/v1"
)

// Outcome is how a run ended.
type Outcome string

// The outcomes.
const (
	OutcomeFinished Outcome = "finished" // the source came to its end, or a live source was stopped
	OutcomeDamaged  Outcome = "damaged"  // the source ended with frames missing, see Damage
)

// Run is one opening of one source. It is written when it starts and again,
// with FinishedAt, when it ends; a file's run without FinishedAt is resumed by
// the next opening of the same file. A file's run is written a third time,
// without JobOpen, when every source of its job has ended.
type Run struct {
	SchemaVersion int        `json:"schema_version"`
	ID            string     `json:"run"` // UUIDv7, sorts by start
	Camera        string     `json:"camera"`
	SourceKind    SourceKind `json:"source_kind"`
	Source        string     `json:"source"`      // URI without credentials
	Fingerprint   string     `json:"fingerprint"` // of the content as it was opened last; same fingerprint: a run may be resumed
	Model         Model      `json:"model"`
	StartedAt     Time       `json:"started_at"`
	CapturedFrom  Time       `json:"captured_from,omitzero"` // captured_at of the file's beginning, where that is not StartedAt
	FinishedAt    Time       `json:"finished_at"`            // null while it runs
	Outcome       Outcome    `json:"outcome,omitempty"`
	Damage        string     `json:"damage,omitempty"`
	// The end of the camera's partition when the run started: its sightings
	// are at or after it. Partition -1 is "not known".
	LogPartition int32 `json:"log_partition"`
	LogOffset    int64 `json:"log_offset"`

	Frames  int64 `json:"frames,omitempty"`  // sightings produced, over all openings
	Dropped int64 `json:"dropped,omitempty"` // frames of a live source for which detection was too slow

	// JobOpen: the source has ended and its job, the sources that were started
	// together, has not. The next start with this source continues that job,
	// in which it has had its turn.
	JobOpen bool `json:"job_open,omitempty"`

	// Shapes are the zones and lines of the camera. A run that is resumed has those of
	// its last opening.
	Shapes []Shape `json:"shapes,omitempty"`

	// Privacy is what its pictures do not show, faces or people, likewise of its last opening.
	Privacy string `json:"privacy,omitempty"`

	// Stretches is of how many stretches a day (StretchDrawn) pictures are kept, likewise.
	Stretches int `json:"stretches,omitempty"`
}

// The kinds of Shape.
const (
	ShapeZone = "zone"
	ShapeLine = "line"
)

// Shape is a zone or line of a camera.
type Shape struct {
	Kind   string       `json:"kind"` // ShapeZone or ShapeLine
	Name   string       `json:"name"`
	Points [][2]float64 `json:"points"` // x, y in parts of the frame's width and height: a zone's corners, a line's ends

	LoiteringS float64 `json:"loitering_s,omitempty"` // of a zone: the seconds from which a visit is loitering
}

func (s *Shape) validate() error {
	switch {
	case s.Kind != ShapeZone && s.Kind != ShapeLine:
		return fmt.Errorf("shape %q is of kind %q, neither %s nor %s", s.Name, s.Kind, ShapeZone, ShapeLine)
	case s.Name == "" || len(s.Name) > MaxName:
		return fmt.Errorf("the name of a %s is empty or longer than %d bytes", s.Kind, MaxName)
	}
	return nil
}

// validPrivacy reports whether pictures can hide that; "" is nothing.
func validPrivacy(s string) bool { return s == "" || s == "faces" || s == "people" }

// CapturedAt returns the event time of a file's frame at pts, the same however
// often the run is resumed.
func (r *Run) CapturedAt(pts time.Duration) Time {
	if r.CapturedFrom.IsZero() {
		return At(r.StartedAt.Add(pts))
	}
	return At(r.CapturedFrom.Add(pts))
}

// Encode returns the JSON of schema version 1 and fills in SchemaVersion.
func (r *Run) Encode() ([]byte, error) {
	r.SchemaVersion = SchemaVersion
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode run %s: %w", r.ID, err)
	}
	return b, nil
}

// DecodeRun decodes and validates a run.
func DecodeRun(b []byte) (*Run, error) {
	var r Run
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("decode run: %w", err)
	}
	switch {
	case r.SchemaVersion != SchemaVersion:
		return nil, fmt.Errorf("decode run: schema_version is %d, this program reads %d", r.SchemaVersion, SchemaVersion)
	case r.ID == "" || len(r.ID) > 64:
		return nil, errors.New("decode run: run is empty or longer than 64 bytes")
	case !validPrivacy(r.Privacy):
		return nil, fmt.Errorf("decode run %s: privacy is %.20q", r.ID, r.Privacy)
	case !ValidCamera(r.Camera):
		return nil, fmt.Errorf("decode run %s: camera %q is not [a-z0-9_-]{1,64}", r.ID, r.Camera)
	case r.StartedAt.Before(minTime) || r.StartedAt.After(maxTime):
		return nil, fmt.Errorf("decode run %s: started_at is outside 1970..2199", r.ID)
	case !r.CapturedFrom.possible():
		return nil, fmt.Errorf("decode run %s: captured_from is outside 1970..2199", r.ID)
	case !r.FinishedAt.possible():
		return nil, fmt.Errorf("decode run %s: finished_at is outside 1970..2199", r.ID)
	case len(r.Shapes) > MaxZones:
		return nil, fmt.Errorf("decode run %s: %d shapes, at most %d", r.ID, len(r.Shapes), MaxZones)
	}
	for i := range r.Shapes {
		if err := r.Shapes[i].validate(); err != nil {
			return nil, fmt.Errorf("decode run %s: %w", r.ID, err)
		}
	}
	return &r, nil
}
