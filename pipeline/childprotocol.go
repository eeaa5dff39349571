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

// Job is the task of a detect child. The supervisor writes it as one line to the child's
// standard input, which then stays open for as long as the supervisor lives: the child
// stops when it is closed. A changed job follows as another line. A line is a gob in base64, in which names of files keep
// their bytes. Both processes run the same program.
type Job struct {
	Detect  config.Detect
	Kafka   config.Kafka
	Traces  config.Traces
	Version string // of the program
	Wait    bool   // never give up: on sources and brokers at the start, nor on a child that crashes
	Stdin   bool   // a source reads the supervisor's standard input, as StdinFD

	// Pictures for those who look (package live): on LiveFD, or at an address, where they
	// are given to who knows the token.
	LiveFD    bool
	Live      string // HOST:PORT, or the path of a Unix socket
	LiveToken string

	Cameras map[string]config.CameraSettings // settings by camera

	Play *Play // how files are played, instead of Detect.Pace; nil: they are not played

	// Hold is, by camera, the time before which its source is not tried: a detect that
	// crashes and is started again must not log in more often because of it.
	Hold map[string]time.Time

	// Settings numbers what Cameras says: it grows with each change. The supervisor sends
	// the job again when it has changed; of a later job only Cameras and Settings count.
	Settings int64

	// Changed has the later jobs, in the child alone: it is not sent. It is never closed;
	// nil: there are none.
	Changed <-chan Job
}

// Play has files and test sources played as cameras would be: each frame is due at a
// moment that is known beforehand, which is its captured_at, and the cameras' frames are
// spread evenly over an interval. Live sources end with it.
type Play struct {
	FPS    float64       // of each camera; 0: as recorded
	Length time.Duration // repeated for so long; 0: played once
}

// Status is the state of detect, which it writes as a line of JSON to ChildFD.
type Status struct {
	Cameras []CameraStatus `json:"cameras"`
	Exit    int            `json:"exit,omitempty"`    // with Error: the exit code to come
	Error   string         `json:"error,omitempty"`   // the reason for which it ends, in one line
	Stopped bool           `json:"stopped,omitempty"` // it ends because it was asked to
	Model   string         `json:"model,omitempty"`   // the one that was chosen; of a check alone
}

// CameraStatus is the state of one source since detect started.
type CameraStatus struct {
	ID      string `json:"id"`
	Run     string `json:"run"`
	State   State  `json:"state"`
	Live    bool   `json:"live"`              // cannot be read again
	Next    int64  `json:"next"`              // first seq of this opening; above 0, the run was resumed
	AtEnd   bool   `json:"at_end"`            // had ended before this opening, in a job that had not
	Total   int64  `json:"total"`             // frames of the source, 0 unknown
	Frames  int64  `json:"frames"`            // processed by the detector
	Objects int64  `json:"objects"`           // detections in them
	People  int    `json:"people"`            // in the last frame
	Dropped int64  `json:"dropped"`           // frames of a live source for which detection was too slow
	Skipped int64  `json:"skipped"`           // frames passed over by the camera's own settings
	Failed  int64  `json:"failed,omitempty"`  // frames on which the detector failed
	Jumps   int64  `json:"jumps,omitempty"`   // timestamps of a file that jumped and were bridged
	Lost    int64  `json:"lost,omitempty"`    // times a live source was lost and opened again
	Sent    int64  `json:"sent"`              // sightings sent to the log
	Acked   int64  `json:"acked"`             // sightings the log has acknowledged
	Waiting string `json:"waiting,omitempty"` // one line while the log does not acknowledge
	Damage  string `json:"damage,omitempty"`

	Start time.Time `json:"start,omitzero"` // of one that is played: when its position 0 is due
	Rate  float64   `json:"rate,omitempty"` // frames a second that it declares or is played at

	Newest    time.Time `json:"newest,omitzero"` // when the newest frame detected on was grabbed
	Inference Histogram `json:"inference"`       // of detection a frame, without the wait for a turn
	Produce   Histogram `json:"produce"`         // of sightings: from handing one to the producer to its acknowledgement

	Retry time.Time `json:"retry,omitzero"` // when the source may be tried again; as Job.Hold

	Settings int64 `json:"settings,omitempty"` // Job.Settings that its frames are counted with
}

// State of a source.
type State string

// The states.
const (
	Opening State = "opening"
	Running State = "running"
	Ended   State = "ended"
)

// Problems returns one line for each camera whose sightings do not reach the log.
func (s Status) Problems() (lines []string) {
	for _, c := range s.Cameras {
		if c.Waiting != "" {
			lines = append(lines, c.ID+": "+c.Waiting)
		}
	}
	return lines
}

// Pending returns one line for each source that has not opened yet, and one if detect
// has reported nothing yet.
func (s Status) Pending() (lines []string) {
	if len(s.Cameras) == 0 {
		return []string{"detect is starting"}
	}
	for _, c := range s.Cameras {
		if c.State == Opening {
			lines = append(lines, c.ID+": its source has not opened yet")
		}
	}
	return lines
}

// unacknowledged returns the number of sightings that the log has not acknowledged.
func (s Status) unacknowledged() (n int64) {
	for _, c := range s.Cameras {
		n += max(0, c.Sent-c.Acked)
	}
	return n
}

// AllEnded reports whether every source was read to its end.
func (s Status) AllEnded() bool {
	return len(s.Cameras) > 0 && !slices.ContainsFunc(s.Cameras, func(c CameraStatus) bool { return c.State != Ended })
}

// endJobTimeout bounds EndJob, endJobGrace bounds it after ctx has ended.
const (
	endJobTimeout = 10 * time.Second
	endJobGrace   = 2 * time.Second
)

// EndJob writes to the log that a job is complete, if every source of its status has
// ended: only then does the next start read the sources again. It is the last action of
// a job. A job that is killed before it is continued by the next start, which finds
// nothing left to read.
func (s Status) EndJob(ctx context.Context, c config.Kafka, log *slog.Logger) error {
	var ids []string
	for _, cam := range s.Cameras {
		if !cam.Live {
			ids = append(ids, cam.Run)
		}
	}
	if !s.AllEnded() || len(ids) == 0 {
		return nil
	}
	cfg, err := KafkaConfig(c, log)
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
		return fmt.Errorf("all sightings are stored, but the end of the job cannot be written to the log; the next start writes it: %w", err)
	}
	return nil
}

// File descriptors of a supervised detect.
const (
	ChildFD = 3 // for its Status
	StdinFD = 4 // the supervisor's standard input, if Job.Stdin is set
	LiveFD  = 5 // a connection for live pictures, if Job.LiveFD is set
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

// Jobs reads the jobs from the supervisor's pipe.
type Jobs struct{ lines *bufio.Scanner }

// NewJobs returns the jobs of a pipe.
func NewJobs(r io.Reader) *Jobs {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxJob)
	return &Jobs{lines}
}

// Next waits for the next job. The error is io.EOF at the end of the pipe.
func (j *Jobs) Next() (job Job, err error) {
	if !j.lines.Scan() {
		if err = j.lines.Err(); err == nil {
			return job, io.EOF
		}
	} else {
		text := base64.NewDecoder(base64.StdEncoding, bytes.NewReader(j.lines.Bytes()))
		err = gob.NewDecoder(text).Decode(&job)
	}
	if err != nil {
		return Job{}, fmt.Errorf("read the supervisor's job: %w", err)
	}
	return job, nil
}
