package event

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	json "github.com/go-json-experiment/json/v1"
)

// SchemaSnapshot is the schema header of a Snapshot.
const SchemaSnapshot = "sightlog.snapshot.v1"

// BestOfTrack is the Crossing of a snapshot that is the best picture of its track.
const BestOfTrack = -1

// maxSnapshot bounds the JPEG of a snapshot, in bytes.
const maxSnapshot = 512 << 10

// Snapshot is a picture of a tracked object: the best of its track, of which a better one
// takes the place, or one of those around a crossing of a line; or it shows what is around the
// lines in a stretch of time (StretchTrack). Its record's key is Key.
type Snapshot struct {
	SchemaVersion int        `json:"schema_version"`
	Camera        string     `json:"camera"`
	Run           string     `json:"run"`
	TrackID       int64      `json:"track_id"`
	Crossing      int64      `json:"crossing"` // seq of the crossing that it shows, or BestOfTrack
	Step          int        `json:"step"`     // of a crossing: -1 before, 0 at, 1 after it
	Seq           int64      `json:"seq"`      // of its frame
	SourceKind    SourceKind `json:"source_kind"`
	CapturedAt    Time       `json:"captured_at"`
	Model         Model      `json:"model"`

	Score   float32 `json:"score"`
	Quality float32 `json:"quality"` // of two pictures of a track the greater is the better
	Box     Box     `json:"box"`     // of the object, in pixels of the frame
	Region  Box     `json:"region"`  // the part of the frame that the picture shows
	Frame   Size    `json:"frame"`
	Size    Size    `json:"size"`              // of the picture
	Privacy string  `json:"privacy,omitempty"` // what it does not show: faces or people
	JPEG    []byte  `json:"jpeg"`
}

// Key is the record's key: camera/run/track_id, and of a crossing or stretch /seq/step.
func (s *Snapshot) Key() string {
	key := s.Camera + "/" + s.Run + "/" + strconv.FormatInt(s.TrackID, 10)
	if s.Crossing != BestOfTrack {
		key += "/" + strconv.FormatInt(s.Crossing, 10) + "/" + strconv.Itoa(s.Step)
	}
	return key
}

// ParseSnapshotKey returns a snapshot with the fields of a key.
func ParseSnapshotKey(key string) (*Snapshot, error) {
	invalid := fmt.Errorf("%.80q is no key of a snapshot: camera/run/track_id", key)
	parts := strings.Split(key, "/")
	if len(parts) != 3 && len(parts) != 5 {
		return nil, invalid
	}
	s := &Snapshot{Camera: parts[0], Run: parts[1], Crossing: BestOfTrack}
	var err error
	if s.TrackID, err = strconv.ParseInt(parts[2], 10, 64); err != nil {
		return nil, invalid
	}
	if len(parts) == 5 {
		var crossing, step error
		s.Crossing, crossing = strconv.ParseInt(parts[3], 10, 64)
		s.Step, step = strconv.Atoi(parts[4])
		if crossing != nil || step != nil {
			return nil, invalid
		}
	}
	if s.Key() != key || !ValidCamera(s.Camera) {
		return nil, invalid
	}
	return s, nil
}

// Encode returns the JSON of schema version 1 and fills in SchemaVersion.
func (s *Snapshot) Encode() ([]byte, error) {
	s.SchemaVersion = SchemaVersion
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode snapshot %s: %w", s.Key(), err)
	}
	return b, nil
}

// DecodeSnapshot decodes and validates a snapshot.
func DecodeSnapshot(b []byte) (*Snapshot, error) {
	var s Snapshot
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("decode snapshot: %w", err)
	}
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("decode snapshot %.80q: %w", s.Key(), err)
	}
	return &s, nil
}

func (s *Snapshot) validStep() bool {
	switch {
	case s.Crossing == BestOfTrack:
		return s.Step == 0
	case s.TrackID == StretchTrack:
		return s.Step >= 0 && s.Step < stretchPictures
	}
	return s.Step >= -1 && s.Step <= 1
}

// Validate reports the first thing that makes the snapshot unusable.
func (s *Snapshot) Validate() error {
	switch {
	case s.SchemaVersion != SchemaVersion:
		return fmt.Errorf("schema_version is %d, this program reads %d", s.SchemaVersion, SchemaVersion)
	case !ValidCamera(s.Camera):
		return fmt.Errorf("camera %q is not [a-z0-9_-]{1,64}", s.Camera)
	case s.Run == "" || len(s.Run) > 64 || strings.Contains(s.Run, "/"):
		return errors.New("run is empty, has a slash, or is longer than 64 bytes")
	case s.Seq < 0 || s.Crossing < BestOfTrack:
		return fmt.Errorf("seq is %d, crossing is %d", s.Seq, s.Crossing)
	case !s.validStep():
		return fmt.Errorf("step is %d", s.Step)
	case s.CapturedAt.Before(minTime) || s.CapturedAt.After(maxTime):
		return fmt.Errorf("captured_at %s is outside 1970..2199", s.CapturedAt.Format(time.RFC3339))
	case !validPrivacy(s.Privacy):
		return fmt.Errorf("privacy is %.20q", s.Privacy)
	case len(s.JPEG) < 4 || len(s.JPEG) > maxSnapshot || s.JPEG[0] != 0xff || s.JPEG[1] != 0xd8:
		return fmt.Errorf("%d bytes are no JPEG of at most %d", len(s.JPEG), maxSnapshot)
	}
	return nil
}
