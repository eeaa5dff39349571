package pipeline

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/gob"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/kafka"
)

// Job is what a supervisor asks of its detect child, as one line on the child's
// standard input. That input then stays open for as long as the supervisor
// lives: its end tells the child to stop. The line is a gob in base64: names of
// files keep their bytes in it. Both ends are the same program.
type Job struct {
	Detect config.Detect
	Stream config.Stream
	Wait   bool
	Stdin  bool // a source reads the supervisor's standard input: StdinFD

	Cameras map[string]config.Camera // settings by camera

	// Hold says, by camera, when its source may be tried again: detect that
	// crashes and starts again must not log in more often for it.
	Hold map[string]time.Time
}

// Status is what detect says of itself, one line of JSON on descriptor 3.
type Status struct {
	Cameras []Camera `json:"cameras"`
	Exit    int      `json:"exit,omitempty"`    // with Error: the exit code to come
	Error   string   `json:"error,omitempty"`   // the one line that says why it ends
	Stopped bool     `json:"stopped,omitempty"` // it ends because it was told to
}

// Camera is the state of one source since detect started.
type Camera struct {
	ID      string `json:"id"`
	Run     string `json:"run"`
	State   State  `json:"state"`
	Live    bool   `json:"live"`              // cannot be read again
	Next    int64  `json:"next"`              // first seq of this opening; above 0, the run was resumed
	AtEnd   bool   `json:"at_end"`            // had ended before this opening, in a job that had not
	Total   int64  `json:"total"`             // frames of the source, 0 unknown
	Frames  int64  `json:"frames"`            // looked at
	Objects int64  `json:"objects"`           // detections in them
	People  int    `json:"people"`            // in the last frame
	Dropped int64  `json:"dropped"`           // frames of a live source for which detection was too slow
	Skipped int64  `json:"skipped"`           // frames passed over by the camera's own settings
	Failed  int64  `json:"failed,omitempty"`  // frames on which the detector failed
	Sent    int64  `json:"sent"`              // sightings sent to the log
	Acked   int64  `json:"acked"`             // sightings the log has acknowledged
	Waiting string `json:"waiting,omitempty"` // one line while the log does not acknowledge
	Damage  string `json:"damage,omitempty"`

	Newest    time.Time `json:"newest,omitzero"` // when the newest frame detected on was grabbed
	Inference Histogram `json:"inference"`       // seconds of detection a frame, without the wait for a turn

	Retry time.Time `json:"retry,omitzero"` // when the source may be tried again; as Job.Hold
}

// State of a source.
type State string

// The states.
const (
	Opening State = "opening"
	Running State = "running"
	Ended   State = "ended"
)

// Problems says, a line each, which cameras' sightings do not reach the log.
func (s Status) Problems() (lines []string) {
	for _, c := range s.Cameras {
		if c.Waiting != "" {
			lines = append(lines, c.ID+": "+c.Waiting)
		}
	}
	return lines
}

// unacknowledged is how many sightings the log has not acknowledged.
func (s Status) unacknowledged() (n int64) {
	for _, c := range s.Cameras {
		n += max(0, c.Sent-c.Acked)
	}
	return n
}

// AllEnded reports whether every source has come to its end.
func (s Status) AllEnded() bool {
	return len(s.Cameras) > 0 && !slices.ContainsFunc(s.Cameras, func(c Camera) bool { return c.State != Ended })
}

// endJobTimeout bounds the end of a job, and endJobGrace when ctx has ended.
const (
	endJobTimeout = 10 * time.Second
	endJobGrace   = 2 * time.Second
)

// EndJob notes in the log that a job has done what it was started for, when
// every source of its status has ended: only then does the next start read
// them again. It is the last thing that a job does: one that dies before
// continues with its next start, and has nothing to do any more.
func (s Status) EndJob(ctx context.Context, c config.Stream, log *slog.Logger) error {
	var ids []string
	for _, cam := range s.Cameras {
		if !cam.Live {
			ids = append(ids, cam.Run)
		}
	}
	if !s.AllEnded() || len(ids) == 0 {
		return nil
	}
	cfg, err := StreamConfig(c, log)
	if err != nil {
		return err
	}
	limit := endJobTimeout
	if ctx.Err() != nil {
		limit = endJobGrace
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if err := kafka.EndJob(ctx, cfg, ids); err != nil {
		return fmt.Errorf("all is written, but the log cannot be told so; the next start tells it: %w", err)
	}
	return nil
}

// Descriptors of a supervised detect.
const (
	ChildFD = 3 // it writes its Status to
	StdinFD = 4 // the supervisor's standard input, where Job.Stdin is set
)

// maxJob bounds a job, and a line of status, in bytes.
const maxJob = 8 << 20

// Write sends the job to the child.
func (j Job) Write(w io.Writer) error {
	var line bytes.Buffer
	text := base64.NewEncoder(base64.StdEncoding, &line)
	if err := gob.NewEncoder(text).Encode(j); err != nil {
		return err
	}
	text.Close() // cannot fail: it writes into memory
	line.WriteByte('\n')
	_, err := w.Write(line.Bytes())
	return err
}

// ReadJob reads the job from the supervisor's pipe.
func ReadJob(r io.Reader) (Job, error) {
	// A reader may read on past the line; nothing follows it but the end.
	line, err := bufio.NewReader(io.LimitReader(r, maxJob)).ReadBytes('\n')
	var job Job
	if err == nil {
		text := base64.NewDecoder(base64.StdEncoding, bytes.NewReader(line))
		err = gob.NewDecoder(text).Decode(&job)
	}
	if err != nil {
		return Job{}, fmt.Errorf("read the supervisor's job: %w", err)
	}
	return job, nil
}
