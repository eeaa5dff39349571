package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// SchemaVisit is the schema header of a Visit.
const SchemaVisit = "sightlog.visit.v1"

// VisitGap is the longest absence of a track from a zone within a visit: the next detection
// later than that begins another.
const VisitGap = 10 * time.Second

// Kinds of a Visit. A visit has one event of Entered, one of Loitering at most, and one of
// Left, in this order.
const (
	Entered   = "entered"   // the first detection in the zone
	Loitering = "loitering" // the visit has lasted as long as the zone's threshold
	Left      = "left"      // no detection in the zone for more than VisitGap, or the run has ended
)

// Visit is an event in the stay of a tracked object in a zone. As a Crossing it repeats the
// fields of its frame that a consumer needs without the Sighting.
type Visit struct {
	SchemaVersion int        `json:"schema_version"`
	EventID       string     `json:"event_id"` // camera/run/track_id/zone/entered_at/kind
	Kind          string     `json:"kind"`
	Camera        string     `json:"camera"`
	Run           string     `json:"run"`
	Seq           int64      `json:"seq"` // of the frame that gave the event; at the run's end its last
	SourceKind    SourceKind `json:"source_kind"`
	CapturedAt    Time       `json:"captured_at"` // that frame's
	Model         Model      `json:"model"`

	Zone    string `json:"zone"`
	TrackID int64  `json:"track_id"`
	ClassID int    `json:"class_id"` // of its last detection in the zone
	Label   string `json:"label"`    // as ClassName spells it

	EnteredAt  Time    `json:"entered_at"`            // of the first detection in the zone
	LeftAt     Time    `json:"left_at,omitzero"`      // of the last one; only of Left
	DwellS     float64 `json:"dwell_s"`               // seconds from EnteredAt: of Left to LeftAt, of others to CapturedAt
	ThresholdS float64 `json:"threshold_s,omitempty"` // the zone's threshold in seconds; only of Loitering
	Thing      bool    `json:"thing,omitempty"`       // it was a thing after all (StateThing); only of Left
}

// Visit returns a visit with the fields of the sighting's frame. The caller sets the others.
func (s *Sighting) Visit() Visit {
	return Visit{
		Camera: s.Camera, Run: s.Run, Seq: s.Seq, SourceKind: s.SourceKind, CapturedAt: s.CapturedAt, Model: s.Model,
	}
}

// Schema returns SchemaVisit.
func (*Visit) Schema() string { return SchemaVisit }

func (v *Visit) id() string {
	return v.Camera + "/" + v.Run + "/" + strconv.FormatInt(v.TrackID, 10) + "/" + v.Zone + "/" +
		v.EnteredAt.UTC().Format(timeLayout) + "/" + v.Kind
}

// dwell returns the seconds from EnteredAt. A host's clock that was set back makes none
// negative.
func (v *Visit) dwell() float64 {
	until := v.CapturedAt
	if v.Kind == Left {
		until = v.LeftAt
	}
	return max(0, float64(until.Sub(v.EnteredAt.Time)/time.Microsecond)/1e6)
}

// Complete fills in what follows from the other fields: SchemaVersion, EventID and DwellS.
func (v *Visit) Complete() { v.SchemaVersion, v.EventID, v.DwellS = SchemaVersion, v.id(), v.dwell() }

// Encode completes the visit and returns the JSON of schema version 1.
func (v *Visit) Encode() ([]byte, error) {
	v.Complete()
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode visit %s: %w", v.EventID, err)
	}
	return b, nil
}

// DecodeVisit decodes and validates a visit, its label spelled as ClassName does.
func DecodeVisit(b []byte) (*Visit, error) {
	var v Visit
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, fmt.Errorf("decode visit: %w", err)
	}
	return v.Accept()
}

// Accept validates a decoded visit and spells its label.
func (v *Visit) Accept() (*Visit, error) {
	if err := v.Validate(); err != nil {
		return nil, fmt.Errorf("decode visit %q: %w", v.EventID, err)
	}
	v.Label = ClassName(v.Label)
	return v, nil
}

// Validate reports the first thing that makes the visit unusable. As of a Crossing, the
// source's kind, the model and the class are not checked.
func (v *Visit) Validate() error {
	switch {
	case v.SchemaVersion != SchemaVersion:
		return fmt.Errorf("schema_version is %d, this program reads %d", v.SchemaVersion, SchemaVersion)
	case !ValidCamera(v.Camera):
		return fmt.Errorf("camera %q is not [a-z0-9_-]{1,64}", v.Camera)
	case v.Run == "" || len(v.Run) > 64:
		return errors.New("run is empty or longer than 64 bytes")
	case v.Seq < 0:
		return fmt.Errorf("seq is %d", v.Seq)
	case v.Zone == "" || len(v.Zone) > MaxName:
		return fmt.Errorf("zone is empty or longer than %d bytes", MaxName)
	case v.Kind != Entered && v.Kind != Loitering && v.Kind != Left:
		return fmt.Errorf("kind %q is none of %s, %s and %s", v.Kind, Entered, Loitering, Left)
	}
	return v.validateTimes()
}

func (v *Visit) validateTimes() error {
	for name, at := range map[string]Time{"captured_at": v.CapturedAt, "entered_at": v.EnteredAt} {
		if at.Before(minTime) || at.After(maxTime) {
			return fmt.Errorf("%s %s is outside 1970..2199", name, at.Format(time.RFC3339))
		}
	}
	switch {
	case v.Kind == Left && (v.LeftAt.Before(v.EnteredAt.Time) || v.LeftAt.After(maxTime)):
		return errors.New("left_at is before entered_at, missing or after 2199")
	case v.Kind != Left && !v.LeftAt.IsZero():
		return fmt.Errorf("left_at of kind %s", v.Kind)
	case v.Kind == Loitering && !(v.ThresholdS > 0 && v.DwellS >= v.ThresholdS):
		return fmt.Errorf("dwell_s is %g, threshold_s %g", v.DwellS, v.ThresholdS)
	case v.Kind != Left && v.Thing:
		return fmt.Errorf("thing of kind %s", v.Kind)
	case v.Kind != Loitering && v.ThresholdS != 0:
		return fmt.Errorf("threshold_s of kind %s", v.Kind)
	case v.DwellS != v.dwell():
		return fmt.Errorf("dwell_s is %g, not the seconds from entered_at", v.DwellS)
	case v.EventID != v.id():
		return errors.New("event_id is not camera/run/track_id/zone/entered_at/kind")
	}
	return nil
}
