package event

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	json "github.com/go-json-experiment/json/v1"
)

// SchemaOccupancy is the schema header of an Occupancy.
const SchemaOccupancy = "sightlog.occupancy.v1"

// MaxWindow is the longest window of an Occupancy.
const MaxWindow = 24 * time.Hour

// Occupancy holds the totals of one run of a camera over a window of event time
// (CapturedAt), in the whole picture or in a zone.
type Occupancy struct {
	SchemaVersion int    `json:"schema_version"`
	EventID       string `json:"event_id"` // camera/run/window_start/seconds of the window/zone
	Camera        string `json:"camera"`
	Run           string `json:"run"`
	Zone          string `json:"zone"`         // "": the whole picture
	WindowStart   Time   `json:"window_start"` // whole seconds
	WindowEnd     Time   `json:"window_end"`   // exclusive

	Frames       int64   `json:"frames"`        // processed frames in the window, also those without people
	PeopleFrames int64   `json:"people_frames"` // those with at least one person (in the zone)
	People       int64   `json:"people"`        // sum over the frames
	MaxPeople    int64   `json:"max_people"`    // most people in a frame
	AvgPeople    float64 `json:"avg_people"`    // People / Frames, rounded to two decimals
	Seconds      int64   `json:"seconds"`       // seconds of the window of which a frame was processed
	Dropped      int64   `json:"dropped"`       // frames of a live source for which detection was too slow

	// Late counts frames that are in no window, since the camera's record before:
	// they came after their windows were emitted. It is 0 in records of zones.
	Late int64 `json:"late"`
}

func (o *Occupancy) id() string {
	return o.Camera + "/" + o.Run + "/" + o.WindowStart.UTC().Format(time.RFC3339) + "/" +
		strconv.FormatInt(int64(o.length()/time.Second), 10) + "/" + o.Zone
}

func (o *Occupancy) length() time.Duration { return o.WindowEnd.Sub(o.WindowStart.Time) }

// average returns People / Frames, rounded half up to two decimals as PostgreSQL
// rounds a numeric.
func (o *Occupancy) average() float64 {
	return float64((200*o.People+o.Frames)/(2*o.Frames)) / 100
}

// Encode returns the JSON of schema version 1 and fills in SchemaVersion, EventID and
// AvgPeople. Frames must not be 0.
func (o *Occupancy) Encode() ([]byte, error) {
	o.SchemaVersion, o.EventID, o.AvgPeople = SchemaVersion, o.id(), o.average()
	b, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode occupancy %s: %w", o.EventID, err)
	}
	return b, nil
}

// DecodeOccupancy decodes and validates an occupancy.
func DecodeOccupancy(b []byte) (*Occupancy, error) {
	var o Occupancy
	if err := json.Unmarshal(b, &o); err != nil {
		return nil, fmt.Errorf("decode occupancy: %w", err)
	}
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("decode occupancy %q: %w", o.EventID, err)
	}
	return &o, nil
}

// maxCount bounds Frames and People, so that no sum or average of them overflows.
const maxCount = 1 << 48

// Validate reports the first thing that makes the occupancy unusable.
func (o *Occupancy) Validate() error {
	switch {
	case o.SchemaVersion != SchemaVersion:
		return fmt.Errorf("schema_version is %d, this program reads %d", o.SchemaVersion, SchemaVersion)
	case !ValidCamera(o.Camera):
		return fmt.Errorf("camera %q is not [a-z0-9_-]{1,64}", o.Camera)
	case o.Run == "" || len(o.Run) > 64:
		return errors.New("run is empty or longer than 64 bytes")
	case len(o.Zone) > MaxName:
		return fmt.Errorf("zone is longer than %d bytes", MaxName)
	case o.WindowEnd.Before(minTime) || o.WindowEnd.After(maxTime.Add(MaxWindow)):
		return fmt.Errorf("window_end %s is outside 1970..2199", o.WindowEnd.Format(time.RFC3339))
	case o.length() < time.Second || o.length() > MaxWindow:
		return fmt.Errorf("the window is %s, not 1s to %s", o.length(), MaxWindow)
	case o.WindowStart.Nanosecond() != 0 || o.WindowEnd.Nanosecond() != 0:
		return errors.New("the window does not begin and end with a second")
	case o.EventID != o.id():
		return errors.New("event_id is not camera/run/window_start/seconds/zone")
	}
	return o.validateCounts()
}

func (o *Occupancy) validateCounts() error {
	switch {
	case o.Frames < 1 || o.Frames > maxCount:
		return fmt.Errorf("frames is %d", o.Frames)
	case o.PeopleFrames < 0 || o.PeopleFrames > o.Frames:
		return fmt.Errorf("people_frames is %d, frames %d", o.PeopleFrames, o.Frames)
	case o.People < o.PeopleFrames || o.People > maxCount:
		return fmt.Errorf("people is %d, people_frames %d", o.People, o.PeopleFrames)
	case o.MaxPeople < 0 || o.MaxPeople > o.People || (o.MaxPeople == 0) != (o.People == 0):
		return fmt.Errorf("max_people is %d, people %d", o.MaxPeople, o.People)
	case o.AvgPeople != o.average():
		return fmt.Errorf("avg_people is %g, not people / frames, rounded to two decimals", o.AvgPeople)
	case o.Seconds < 1 || o.Seconds > o.Frames || o.Seconds > int64(o.length()/time.Second):
		return fmt.Errorf("seconds is %d", o.Seconds)
	case o.Late < 0 || o.Zone != "" && o.Late != 0:
		return fmt.Errorf("late is %d", o.Late)
	}
	return nil
}
