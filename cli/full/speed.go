package full

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	benchresult "github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/bench/speed"
	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/detector/track"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/models"
	"github.com/sightlog/sightlog/pipeline/detect"
	"github.com/sightlog/sightlog/usage"
)

// SpeedCmd measures the detector alone.
type SpeedCmd struct {
	Source  string        `default:"samples/vtest.avi" placeholder:"URI" env:"-" help:"A video file, a directory of pictures, or test://people?frames=N (${default})."`
	Model   []string      `default:"${model}" placeholder:"NAME|FILE" env:"-" help:"Models to measure, one after the other (${default})."`
	Classes []string      `default:"person" env:"-" help:"Classes to look for (${default})."`
	Threads int           `default:"1" env:"-" help:"CPU threads for the model (${default})."`
	Rounds  int           `default:"5" env:"-" help:"Rounds over the source; figures are medians of rounds (${default})."`
	For     time.Duration `placeholder:"DURATION" env:"-" help:"Instead play the source repeatedly for this long and watch the memory; Ctrl-C ends it sooner."`
	JSON    string        `name:"json" placeholder:"FILE" env:"-" help:"Write the report as JSON, too; - is standard output."`
	pageFlag
}

// Run implements the command.
func (c *SpeedCmd) Run(ctx context.Context, env *cli.Env) error {
	switch {
	case c.Rounds < 1:
		return usage.New("give 1 or more", "--rounds %d", c.Rounds)
	case c.Threads < 1:
		return usage.New("give 1 or more", "--threads %d", c.Threads)
	case c.For < 0:
		return usage.New("give a duration such as 2h", "--for %s", c.For)
	case c.For > 0 && len(c.Model) > 1:
		return usage.New("give one --model", "--for watches one model at a time")
	}
	cli.CoarseTimers() // as detect has it
	spec, err := ingest.ParseSpec(c.Source, 0)
	if err != nil {
		return err
	}
	out, err := c.pageFlag.open(c.JSON)
	if err != nil {
		return err
	}
	var all []*benchresult.Report
	for _, name := range c.Model {
		r, err := c.measure(ctx, env, name, spec)
		if err != nil {
			if ctx.Err() != nil {
				return errors.New("the benchmark was stopped")
			}
			return err
		}
		all = append(all, r)
	}
	text := speedTable
	if c.For > 0 {
		text = memoryText
	}
	return out.writeAll(env, all, text)
}

// measure opens a model and measures it as detect uses it for one camera:
// with weak objects for the tracker, and the tracker.
func (c *SpeedCmd) measure(ctx context.Context, env *cli.Env, name string, spec ingest.Spec) (r *benchresult.Report, err error) {
	found, err := models.Lookup(name, models.Options{})
	if err != nil {
		return r, err
	}
	log := env.Logger(slog.LevelWarn)
	m, err := detect.OpenModel(found, onnx.Options{Name: found.Name, Threads: c.Threads})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	score := detect.ThresholdsOf(0, m.Spec().Score, true)
	opts := detector.Options{Classes: c.Classes, Score: score.Detect, Log: log}
	open := func(at int64) (ingest.Source, error) {
		return ingest.Open(ctx, spec, ingest.Options{Pace: ingest.Fast, StartAt: at, Log: log})
	}
	t := speed.Trial{
		Open:  func() (ingest.Source, error) { return open(0) },
		Model: m, Options: opts, AfterDetect: track.New(track.Options{High: score.Report}).Update,
	}
	if kind, err := spec.Kind(); err == nil && kind == event.SourceFile {
		t.OpenAt = open
	}
	began := time.Now()
	t.Round = func(n int) {
		if n > 0 { // the warm-up has found that all can be measured
			fmt.Fprintf(env.Stderr, "%s: round %d of %d\n", name, n, c.Rounds)
		}
	}
	r = speedReport(began, c.Source, m.Spec().SHA256, m.Spec().Name, map[string]string{
		"source": ingest.Redact(c.Source), "threads": fmt.Sprint(c.Threads), "classes": strings.Join(c.Classes, ","), "provider": m.Provider(),
	})
	if c.For == 0 {
		s, err := speed.Measure(ctx, t, c.Rounds)
		if err != nil {
			return nil, err
		}
		addSpeed(r, s)
		return r, nil
	}
	show := func(s speed.Sample) {
		fmt.Fprintf(env.Stderr, "%s  %d frames  RSS %.1f MB\n", s.After.Round(time.Second), s.Frames, mb(s.RSS))
	}
	samples, err := speed.Soak(ctx, t, c.For, min(time.Minute, max(c.For/10, time.Second)), show)
	if err != nil {
		return nil, err
	}
	addMemory(r, samples)
	return r, nil
}
