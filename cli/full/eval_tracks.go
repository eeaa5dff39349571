package full

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/detector/track"
	"github.com/sightlog/sightlog/eval"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
)

// trackFlags say what tracks are scored.
type trackFlags struct {
	Tracks string   `placeholder:"FILE" env:"-" help:"Ground truth in MOT format to score tracks with, instead of --labels."`
	Source string   `placeholder:"URI" env:"-" help:"Score the tracks that each model gives on this video file."`
	Found  []string `placeholder:"FILE" env:"-" sep:"none" help:"Score these tracks in MOT format, as export writes them."`
	Every  int      `default:"1" placeholder:"N" env:"-" help:"Use each N-th frame of the source, the truth and the files only (${default})."`
}

// tracksResult is one line of the answer about tracks.
type tracksResult struct {
	Of string `json:"of"` // model, or file of tracks
	eval.TrackScore
}

// score scores tracks against the ground truth.
func (c *trackFlags) score(ctx context.Context, env *cli.Env, m *modelFlags, format string) error {
	truth, err := eval.ReadMOT("--tracks", c.Tracks, true)
	if err != nil {
		return err
	}
	truth = truth.Every(c.Every)
	var out []tracksResult
	for _, path := range c.Found {
		found, err := eval.ReadMOT("--found", path, false)
		if err != nil {
			return err
		}
		out = append(out, tracksResult{path, eval.EvaluateTracks(truth, found.Every(c.Every))})
	}
	if c.Source != "" {
		for _, name := range m.Model {
			found, err := c.track(ctx, m, name, env.Logger(slog.LevelWarn))
			if err != nil {
				return err
			}
			out = append(out, tracksResult{name, eval.EvaluateTracks(truth, found)})
		}
	}
	if format == "json" {
		return json.NewEncoder(env.Stdout).Encode(out)
	}
	return tracksTable(env.Stdout, out)
}

func tracksTable(w io.Writer, out []tracksResult) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "of\tframes\tHOTA\tDetA\tAssA\tIDF1\tMOTA\tswitches\tfalse\tmissed/boxes\ttracks/people")
	for _, v := range out {
		fmt.Fprintf(t, "%s\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%d\t%d\t%d/%d\t%d/%d\n", v.Of, v.Frames, v.HOTA, v.DetA, v.AssA,
			v.IDF1, v.MOTA, v.Switches, v.False, v.Missed, v.Boxes, v.Tracks, v.People)
	}
	return t.Flush()
}

// track reads the source to its end and returns what the detector and the tracker of
// the pipeline, with their defaults, give on each c.Every-th frame.
func (c *trackFlags) track(ctx context.Context, models *modelFlags, name string, log *slog.Logger) (tracks eval.Tracks, err error) {
	spec, err := ingest.ParseSpec(c.Source, 0)
	if err != nil {
		return nil, err
	}
	if kind, err := spec.Kind(); err != nil {
		return nil, err
	} else if kind.Live() {
		return nil, usage.New("give a video file", "--source %s is live and has no ground truth", ingest.Redact(c.Source))
	}
	m, err := models.load(name, 0, log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.model.Close()) }()
	src, err := ingest.Open(ctx, spec, ingest.Options{Pace: ingest.Fast, Log: log})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	tracker := track.New(pipeline.TrackOptions(m.score))
	var objects []event.Object
	for {
		var f ingest.Frame
		if err := src.Next(ctx, &f); errors.Is(err, io.EOF) {
			return tracks, nil
		} else if err != nil {
			return nil, err
		}
		if f.Seq%int64(c.Every) != 0 {
			continue
		}
		if objects, err = m.det.Detect(&f, objects); err != nil {
			return nil, fmt.Errorf("frame %d: %w", f.Seq, err)
		}
		objects = tracker.Update(objects, event.Size{Width: f.Size().X, Height: f.Size().Y}, f.PTS.Truncate(time.Microsecond))
		for int64(len(tracks)) <= f.Seq/int64(c.Every) {
			tracks = append(tracks, nil)
		}
		tracks[len(tracks)-1] = boxesOf(objects)
	}
}

// boxesOf returns the objects that have a track.
func boxesOf(objects []event.Object) (boxes []eval.TrackBox) {
	for _, o := range objects {
		if o.TrackID != nil {
			b := o.Box
			boxes = append(boxes, eval.TrackBox{
				ID: *o.TrackID, Left: float64(b[0]), Top: float64(b[1]), Width: float64(b[2] - b[0]), Height: float64(b[3] - b[1]),
			})
		}
	}
	return boxes
}
