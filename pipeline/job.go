package pipeline

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/sightlog/sightlog/config"
)

// Job is what a supervisor asks of its detect child, as one line of JSON on
// the child's standard input. That input then stays open for as long as the
// supervisor lives: its end tells the child to stop.
type Job struct {
	Detect config.Detect `json:"detect"`
	Stream config.Stream `json:"stream"`
	Wait   bool          `json:"wait"`

	Cameras map[string]config.Camera `json:"cameras,omitempty"` // settings by camera
}

// Status is what detect says of itself, one line of JSON on descriptor 3.
type Status struct {
	Cameras []Camera `json:"cameras"`
	Exit    int      `json:"exit,omitempty"`  // with Error: the exit code to come
	Error   string   `json:"error,omitempty"` // the one line that says why it ends
}

// Camera is the state of one source since detect started.
type Camera struct {
	ID      string `json:"id"`
	Run     string `json:"run"`
	State   State  `json:"state"`
	Next    int64  `json:"next"`    // first seq of this opening; above 0, the run was resumed
	Total   int64  `json:"total"`   // frames of the source, 0 unknown
	Frames  int64  `json:"frames"`  // looked at
	Objects int64  `json:"objects"` // detections in them
	People  int    `json:"people"`  // in the last frame
	Dropped int64  `json:"dropped"` // frames a live source dropped
	Skipped int64  `json:"skipped"` // frames not looked at, by the camera's own settings
	Acked   int64  `json:"acked"`   // sightings the log has acknowledged
	Damage  string `json:"damage,omitempty"`
}

// State of a source.
type State string

// The states.
const (
	Opening State = "opening"
	Running State = "running"
	Ended   State = "ended"
)

// ChildFD is the descriptor a supervised detect writes its Status to.
const ChildFD = 3

// maxJob bounds a line of the protocol, in bytes.
const maxJob = 8 << 20

// ReadJob reads the job from the supervisor's pipe and leaves what follows.
func ReadJob(r io.Reader) (Job, error) {
	var job Job
	// A decoder may read on past the line; nothing follows it but the end.
	if err := json.NewDecoder(io.LimitReader(r, maxJob)).Decode(&job); err != nil {
		return Job{}, fmt.Errorf("read the supervisor's job: %w", err)
	}
	return job, nil
}
