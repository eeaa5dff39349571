package event

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	json "github.com/go-json-experiment/json/v1"
)

// SchemaCrossing is the schema header of a Crossing.
const SchemaCrossing = "sightlog.crossing.v1"

// Directions of a Crossing. In is from the left of the line to its right, as seen from its
// first point towards its second.
const (
	In  = "in"
	Out = "out"
)

// Crossing is a tracked object's crossing of a line. The Sighting of its frame is a record
// of its own, and so is the Run. A Crossing repeats what the sink needs to create the run's
// row, because it may be consumed before the run's own record.
type Crossing struct {
	SchemaVersion int        `json:"schema_version"`
	EventID       string     `json:"event_id"` // camera/run/seq/track_id/line
	Camera        string     `json:"camera"`
	Run           string     `json:"run"`
	Seq           int64      `json:"seq"` // of the frame in which it was complete
	SourceKind    SourceKind `json:"source_kind"`
	CapturedAt    Time       `json:"captured_at"` // that frame's
	Model         Model      `json:"model"`

	Line      string `json:"line"`
	Direction string `json:"direction"` // In or Out
	TrackID   int64  `json:"track_id"`
	ClassID   int    `json:"class_id"`
	Label     string `json:"label"` // as ClassName spells it
}

// Crossing returns a crossing in the sighting's frame. The caller sets the line,
// the direction and the track.
func (s *Sighting) Crossing() Crossing {
	return Crossing{
		Camera: s.Camera, Run: s.Run, Seq: s.Seq, SourceKind: s.SourceKind, CapturedAt: s.CapturedAt, Model: s.Model,
	}
}

// Schema returns SchemaCrossing.
func (*Crossing) Schema() string { return SchemaCrossing }

func (c *Crossing) id() string {
	return MakeEventID(c.Camera, c.Run, c.Seq) + "/" + strconv.FormatInt(c.TrackID, 10) + "/" + c.Line
}

// Complete fills in what follows from the other fields: SchemaVersion and EventID.
func (c *Crossing) Complete() { c.SchemaVersion, c.EventID = SchemaVersion, c.id() }

// Encode completes the crossing and returns the JSON of schema version 1.
func (c *Crossing) Encode() ([]byte, error) {
	c.Complete()
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode crossing %s: %w", c.EventID, err)
	}
	return b, nil
}

// DecodeCrossing decodes and validates a crossing, its label spelled as
// ClassName does.
func DecodeCrossing(b []byte) (*Crossing, error) {
	var c Crossing
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("decode crossing: %w", err)
	}
	return c.Accept()
}

// Accept validates a decoded crossing and spells its label.
func (c *Crossing) Accept() (*Crossing, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("decode crossing %q: %w", c.EventID, err)
	}
	c.Label = ClassName(c.Label)
	return c, nil
}

// Validate reports the first thing that makes the crossing unusable. The source's kind, the
// model and the class are not checked: they only describe. Nor is TrackID, of which any
// number is one; EventID holds it.
func (c *Crossing) Validate() error {
	switch {
	case c.SchemaVersion != SchemaVersion:
		return fmt.Errorf("schema_version is %d, this program reads %d", c.SchemaVersion, SchemaVersion)
	case !ValidCamera(c.Camera):
		return fmt.Errorf("camera %q is not [a-z0-9_-]{1,64}", c.Camera)
	case c.Run == "" || len(c.Run) > 64:
		return errors.New("run is empty or longer than 64 bytes")
	case c.Seq < 0:
		return fmt.Errorf("seq is %d", c.Seq)
	case c.CapturedAt.Before(minTime) || c.CapturedAt.After(maxTime):
		return fmt.Errorf("captured_at %s is outside 1970..2199", c.CapturedAt.Format(time.RFC3339))
	case c.Line == "" || len(c.Line) > MaxName:
		return fmt.Errorf("line is empty or longer than %d bytes", MaxName)
	case c.Direction != In && c.Direction != Out:
		return fmt.Errorf("direction %q is neither %s nor %s", c.Direction, In, Out)
	case c.EventID != c.id():
		return errors.New("event_id is not camera/run/seq/track_id/line")
	}
	return nil
}
