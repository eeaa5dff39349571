package full

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sightlog/sightlog/bench/baseline"
	"github.com/sightlog/sightlog/bench/compare"
	"github.com/sightlog/sightlog/bench/host"
	benchresult "github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/bench/service"
	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/models"
	"github.com/sightlog/sightlog/usage"
)

// CompareCmd measures sightlog beside the pipeline that people would write instead.
type CompareCmd struct {
	Source     []string      `placeholder:"FILE" env:"-" help:"Video file that cameras play; repeat it for several."`
	Cameras    int           `placeholder:"N" env:"-" help:"Cameras that play the sources, in turn (one for each source)."`
	FPS        float64       `name:"fps" env:"-" placeholder:"N" help:"Frames a second of each camera (as recorded)."`
	Duration   time.Duration `default:"30s" env:"-" help:"Measured in each round of each side (${default})."`
	WarmUp     time.Duration `default:"10s" env:"-" help:"Before it, left out of the figures: Java's compiler needs it (${default})."`
	Rounds     int           `default:"5" env:"-" help:"Rounds of each side, which take turns; ratios need five (${default})."`
	Against    []string      `enum:"tuned,naive" default:"tuned,naive" env:"-" help:"tuned: as the libraries' docs advise; naive: as tutorials begin (${default})."`
	Model      string        `default:"person-nano" env:"-" help:"One of sightlog's own models (${default})."`
	Side       int           `placeholder:"PIXELS" env:"-" help:"Longer side of the model's input (the model's own)."`
	Threads    int           `placeholder:"N" env:"-" help:"CPU threads for the model (all cores)."`
	Partitions int           `default:"8" env:"-" help:"Partitions of the topic (${default})."`
	Sinks      int           `default:"2" env:"-" help:"Concurrent consumers of sightlog, and processes of tuned (${default})."`
	Python     string        `default:"python3" env:"-" help:"Python, 3.11 or later (${default})."`
	Venv       string        `placeholder:"DIR" env:"-" help:"Virtual environment of the baseline, made where it is missing (in the user's cache directory)."`
	KafkaJars  string        `placeholder:"DIR" default:"lib/kafka" env:"SIGHTLOG_KAFKA_JARS" help:"Jars of Apache Kafka, as scripts/setup.sh --tests fetches them (${default})."`
	Dir        string        `default:"/tmp" env:"-" help:"Directory on the disk to use, for logs and databases (${default})."`
	JSON       string        `name:"json" placeholder:"FILE" env:"-" help:"Write the reports as JSON, too; - is standard output."`
	pageFlag
}

// Help is the rest of --help.
func (*CompareCmd) Help() string {
	return `The other pipeline is in Python: OpenCV, onnxruntime, librdkafka, Apache Kafka, psycopg. Clip, model, cameras, database server and the definition of latency are the same. Python's packages are installed at the first run, which needs the network once. No figure is printed unless each side has a row for each frame, once and in order.`
}

// Run implements the command.
func (c *CompareCmd) Run(ctx context.Context, env *cli.Env) (err error) {
	specs, err := c.checkFlags()
	if err != nil {
		return err
	}
	out, err := c.pageFlag.open(c.JSON)
	if err != nil {
		return err
	}
	dir, err := scratchIn(c.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	line := newStepLine(env.Stderr)
	cfg, err := c.config(env, specs, dir)
	if err != nil {
		return err
	}
	cfg.Progress = line.show
	if cfg.Tools, err = c.tools(ctx, env.Stderr); err != nil {
		return err
	}
	all, err := compare.Run(ctx, cfg)
	line.end()
	if err != nil {
		return err
	}
	return out.writeAll(env, all, compare.WriteText)
}

// checkFlags returns the sources.
func (c *CompareCmd) checkFlags() ([]ingest.Spec, error) {
	specs, err := sourceSpecs(c.Source)
	if err != nil {
		return nil, err
	}
	for _, s := range specs {
		if st, err := os.Stat(s.URI); err != nil || !st.Mode().IsRegular() {
			return nil, usage.New("give a video file: both sides must play the same", "--source %s is no file", s.URI)
		}
	}
	if c.Cameras == 0 {
		c.Cameras = len(specs)
	}
	switch {
	case c.Cameras < 1:
		return nil, usage.New("give a number", "--cameras %d", c.Cameras)
	case c.FPS < 0 || c.FPS > 1000:
		return nil, usage.New("give frames a second, up to 1000", "--fps %v", c.FPS)
	case c.Duration <= 0:
		return nil, usage.New("give a duration such as 30s", "--duration %s", c.Duration)
	case c.WarmUp < 0:
		return nil, usage.New("give a duration such as 10s", "--warm-up %s", c.WarmUp)
	case c.Rounds < 1:
		return nil, usage.New("give 5 or more", "--rounds %d", c.Rounds)
	case c.Partitions < 1:
		return nil, usage.New("give 1 or more", "--partitions %d", c.Partitions)
	case c.Sinks < 1:
		return nil, usage.New("give 1 or more", "--sinks %d", c.Sinks)
	case c.Side < 0 || c.Threads < 0:
		return nil, usage.New("give 1 or more, or leave it out", "--side %d --threads %d", c.Side, c.Threads)
	}
	return specs, nil
}

// tools finds Java, Kafka and Python, and makes the virtual environment.
func (c *CompareCmd) tools(ctx context.Context, w io.Writer) (t compare.Tools, err error) {
	if t.Java, t.Jars, err = compare.FindJava(c.KafkaJars); err != nil {
		return t, err
	}
	python, err := compare.FindPython(c.Python)
	if err != nil {
		return t, err
	}
	venv := c.Venv
	if venv == "" {
		if venv, err = defaultVenv(); err != nil {
			return t, err
		}
	}
	t.Python, err = compare.Environment(ctx, python, venv, func(text string) { fmt.Fprintln(w, text) })
	return t, err
}

// defaultVenv is in the cache, with a name of its own for these requirements.
func defaultVenv() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", usage.Wrap(err, "name a directory with --venv", "no cache directory: %v", err)
	}
	wanted, err := baseline.Files.ReadFile("requirements.txt")
	sum := sha256.Sum256(wanted)
	return filepath.Join(cache, "sightlog", "baseline-"+hex.EncodeToString(sum[:4])), err
}

// config is what is compared.
func (c *CompareCmd) config(env *cli.Env, specs []ingest.Spec, dir string) (cfg compare.Config, err error) {
	m, err := models.Lookup(c.Model, models.Options{})
	if err != nil {
		return cfg, err
	}
	if m.Path != "" {
		return cfg, usage.New("name one of sightlog's own, such as person-nano", "--model %s: the baseline does not read its outputs", c.Model)
	}
	cfg = compare.Config{
		Baselines: c.Against, Model: m.Data, Side: c.Side, Threads: c.Threads, FPS: c.FPS, Duration: c.Duration, WarmUp: c.WarmUp,
		Rounds: c.Rounds, Partitions: c.Partitions, Sinks: c.Sinks, Dir: dir, Log: env.Logger(slog.LevelWarn),
	}
	for i := range c.Cameras {
		cfg.Clips = append(cfg.Clips, specs[i%len(specs)].URI)
	}
	cfg.Report = benchresult.Report{
		Version: cli.Version, At: time.Now().UTC().Truncate(time.Second), Machine: host.Describe(), Settings: c.settings(),
	}
	cfg.Report.Machine.Onnx = onnx.Version
	if load, cpus := cfg.Report.Machine.Load, cfg.Report.Machine.CPUs; load > 0.3*float64(cpus) {
		cfg.Report.Machine.Warnings = []string{fmt.Sprintf("the load was %.1f before the start: the machine was not quiet", load)}
	}
	self, err := cli.Self()
	cfg.Ours = func(ctx context.Context) (*benchresult.Report, error) { return c.ours(ctx, self, specs, dir) }
	return cfg, err
}

// settings are the flags in force.
func (c *CompareCmd) settings() map[string]string {
	return map[string]string{
		"cameras": fmt.Sprint(c.Cameras), "fps": fmt.Sprint(c.FPS), "duration": c.Duration.String(), "warm-up": c.WarmUp.String(),
		"rounds": fmt.Sprint(c.Rounds), "model": c.Model, "side": fmt.Sprint(c.Side), "threads": fmt.Sprint(c.Threads),
		"partitions": fmt.Sprint(c.Partitions), "sinks": fmt.Sprint(c.Sinks), "against": strings.Join(c.Against, ","),
	}
}

// ours measures a round of sightlog, as a process of its own.
func (c *CompareCmd) ours(ctx context.Context, self string, specs []ingest.Spec, dir string) (*benchresult.Report, error) {
	file := filepath.Join(dir, "sightlog.json")
	args := []string{
		"bench", "pipeline", "--json=" + file, "--rounds=1", "--flush=always", "--cameras=" + fmt.Sprint(c.Cameras), "--fps=" + fmt.Sprint(c.FPS),
		"--duration=" + c.Duration.String(), "--warm-up=" + c.WarmUp.String(), "--model=" + c.Model, "--partitions=" + fmt.Sprint(c.Partitions),
		"--sinks=" + fmt.Sprint(c.Sinks),
	}
	for name, n := range map[string]int{"side": c.Side, "threads": c.Threads} {
		if n > 0 {
			args = append(args, fmt.Sprintf("--%s=%d", name, n))
		}
	}
	for _, s := range specs {
		args = append(args, "--source="+s.ID+"="+s.URI)
	}
	p, err := service.StartIn(dir, self, args...)
	if err != nil {
		return nil, err
	}
	select {
	case <-p.Ended():
	case <-ctx.Done():
		_ = p.Stop() // its report is not wanted
		return nil, ctx.Err()
	}
	if line := strings.TrimPrefix(p.LastLine(), "sightlog: "); p.ExitCode() == usage.ExitCode {
		return nil, usage.New("", "%s", line)
	} else if p.ExitCode() != 0 {
		return nil, errors.New(line)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the report of a round: %w", err)
	}
	defer f.Close()
	all, err := benchresult.ReadAll(f, file)
	if err != nil {
		return nil, fmt.Errorf("read the report of a round: %w", err)
	}
	return all[0], nil
}
