package full

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

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
}

// speedReport is what one model takes on one source.
type speedReport struct {
	Model   event.Model `json:"model"`
	Source  string      `json:"source"`
	Threads int         `json:"threads"`
	*speed.Figures
	Memory  *speed.Memory  `json:"memory,omitempty"`
	Samples []speed.Sample `json:"samples,omitempty"`
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
	withSlack() // as detect has it
	spec, err := ingest.ParseSpec(c.Source, 0)
	if err != nil {
		return err
	}
	var all []speedReport
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
	if c.JSON == "-" {
		return writeJSON(env.Stdout, all)
	}
	if c.JSON != "" {
		f, err := os.Create(c.JSON)
		if err != nil {
			return usage.Wrap(err, "give a file you may write", "--json %s: %v", c.JSON, err)
		}
		defer f.Close()
		if err := writeJSON(f, all); err != nil {
			return err
		}
	}
	if c.For > 0 {
		return memoryText(env.Stdout, all[0])
	}
	return speedTable(env.Stdout, all)
}

// measure opens a model and measures it as detect uses it for one camera:
// with weak objects for the tracker, and the tracker.
func (c *SpeedCmd) measure(ctx context.Context, env *cli.Env, name string, spec ingest.Spec) (r speedReport, err error) {
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
	t := speed.Trial{
		Open: func() (ingest.Source, error) {
			return ingest.Open(ctx, spec, ingest.Options{Pace: ingest.Fast, Log: log})
		},
		Model: m, Options: opts, AfterDetect: track.New(track.Options{High: score.Report}).Update,
	}
	t.Round = func(n int) {
		if n > 0 { // the warm-up has found that all can be measured
			fmt.Fprintf(env.Stderr, "%s: round %d of %d\n", name, n, c.Rounds)
		}
	}
	r = speedReport{Source: ingest.Redact(c.Source), Threads: c.Threads}
	r.Model = event.Model{Name: m.Spec().Name, SHA256: m.Spec().SHA256, Provider: m.Provider()}
	if c.For == 0 {
		s, err := speed.Measure(ctx, t, c.Rounds)
		r.Figures = &s
		return r, err
	}
	show := func(s speed.Sample) {
		fmt.Fprintf(env.Stderr, "%s  %d frames  RSS %.1f MB\n", s.After.Round(time.Second), s.Frames, mb(s.RSS))
	}
	r.Samples, err = speed.Soak(ctx, t, c.For, min(time.Minute, max(c.For/10, time.Second)), show)
	memory := speed.MemoryOf(r.Samples)
	r.Memory = &memory
	return r, err
}

func writeJSON(w io.Writer, all []speedReport) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(all)
}

// speedTable writes one line a model; times are of the processor, a frame.
func speedTable(w io.Writer, all []speedReport) error {
	first := all[0]
	fmt.Fprintf(w, "%s: %d frames, medians of %d rounds; %d thread(s); CPU ms a frame\n\n", first.Source, first.Frames, first.Rounds, first.Threads)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "model\tdecode\tinfer\twhole\twhole/(decode+infer)\tmin..max\tinfer inside\tpre+post\tallocs/detect\tallocs/whole\tobjects\tframes/s\t")
	for _, s := range all {
		fmt.Fprintf(t, "%s\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f..%.3f\t%.3f\t%.3f\t%.2f\t%.2f\t%.2f\t%.1f\t\n", s.Model.Name, s.Decode, s.Infer, s.Whole,
			s.Ratio, s.RatioMin, s.RatioMax, s.InferInside, s.PrePost, s.Allocs, s.AllocsWhole, s.Objects, 1e3/s.Wall)
	}
	return t.Flush()
}

func memoryText(w io.Writer, r speedReport) error {
	last, m := r.Samples[len(r.Samples)-1], r.Memory
	growth := "too few samples to tell a growth"
	if m.Samples >= speed.MinSamples {
		growth = fmt.Sprintf("growth %+.2f MB an hour", mb(int64(m.Growth)))
	}
	_, err := fmt.Fprintf(w, `%s on %s: %d frames in %s, %.1f frames/s
RSS after %s of warm-up, %d samples: first %.1f MB, min %.1f MB, max %.1f MB, last %.1f MB
%s
`, r.Model.Name, r.Source, last.Frames, last.After.Round(time.Second), float64(last.Frames)/last.After.Seconds(),
		m.WarmUp.Round(time.Second), m.Samples, mb(m.First), mb(m.Min), mb(m.Max), mb(m.Last), growth)
	return err
}

func mb(bytes int64) float64 { return float64(bytes) / 1e6 }
