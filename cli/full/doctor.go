package full

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"syscall"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/models"
	"github.com/sightlog/sightlog/pipeline/detect"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

// DoctorCmd checks what sightlog needs.
type DoctorCmd struct {
	config.Data
	config.Broker
	config.Database
	Model  string   `default:"auto" placeholder:"NAME|FILE" help:"The model to load (${default})."`
	Source []string `sep:"none" placeholder:"[ID=]URI" help:"Sources to open."`

	SourceFile string `placeholder:"FILE" help:"More sources to open, one [ID=]URI a line."`
}

// finding is the outcome of one check.
type finding struct {
	name string
	says string
	err  error
	info bool // an absence that is no fault
}

// Run implements the command.
func (c *DoctorCmd) Run(ctx context.Context, env *cli.Env) error {
	all, err := sources(env, c.Source, c.SourceFile)
	if err != nil {
		return err
	}
	log := env.Logger(slog.LevelError)
	findings := []finding{
		{name: "opencv", says: ingest.Version()},
		c.onnxruntime(log),
		c.database(ctx, log),
		c.port(),
		camera(),
	}
	findings = append(findings, c.data(ctx)...)
	for i, arg := range all {
		findings = append(findings, source(ctx, arg, i))
	}
	bad := 0
	for _, f := range findings {
		mark, says := "ok  ", f.says
		switch {
		case f.err != nil:
			mark, says = "BAD ", f.err.Error()
			bad++
		case f.info:
			mark = "none"
		}
		fmt.Fprintf(env.Stdout, "%s  %-12s %s\n", mark, f.name, says)
	}
	if bad > 0 {
		return usage.New("see the lines marked BAD", "%d of %d checks failed", bad, len(findings))
	}
	return nil
}

// onnxruntime loads the model: that proves the library, too.
func (c *DoctorCmd) onnxruntime(log *slog.Logger) finding {
	f := finding{name: "model"}
	name, err := detect.ChooseModel(c.Model, log)
	if err != nil {
		f.err = err
		return f
	}
	m, err := models.Lookup(name, models.Options{})
	if err != nil {
		f.err = err
		return f
	}
	s, err := detect.OpenModel(m, onnx.Options{Threads: 1})
	if err != nil {
		f.err = err
		return f
	}
	defer s.Close()
	library, _ := onnx.FindLibrary("")
	f.says = fmt.Sprintf("%s loads in onnxruntime %s (%s)", m.Name, onnx.Version, library)
	if gain, known := models.Trial(); known && c.Model == models.Auto {
		f.says += fmt.Sprintf("; eight bits are %.2f times as fast here", gain)
	}
	return f
}

func (c *DoctorCmd) database(ctx context.Context, log *slog.Logger) finding {
	f := finding{name: "postgresql"}
	if c.DatabaseURL == "" {
		dir, major, err := postgres.Installed(ctx)
		f.says, f.err = fmt.Sprintf("version %d in %s", major, dir), err
		return f
	}
	url, err := postgres.WithSchema(c.DatabaseURL, c.Schema)
	if err != nil {
		f.err = err
		return f
	}
	pool, err := postgres.Open(ctx, url, postgres.Options{Log: log})
	if err != nil {
		f.err = err
		return f
	}
	pool.Close()
	f.says = "answers"
	return f
}

// data looks into the data directory.
func (c *DoctorCmd) data(ctx context.Context) (all []finding) {
	for _, f := range datadir.Inspect(ctx, c.Data.Data) {
		all = append(all, finding{name: f.Part, says: f.Says, err: f.Err})
	}
	return all
}

func (c *DoctorCmd) port() finding {
	f := finding{name: "port", says: c.Listen + " is free"}
	l, err := net.Listen("tcp", c.Listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		f.err = usage.Wrap(err, "stop what listens there, or give another --listen", "--listen %s: the port is taken", c.Listen)
	case err != nil:
		f.err = usage.Wrap(err, "give HOST:PORT of this machine", "--listen %s: %v", c.Listen, err)
	default:
		l.Close()
	}
	return f
}

// camera looks for webcams; that there is none is no fault.
func camera() finding {
	devices, _ := filepath.Glob("/dev/video*")
	if len(devices) == 0 {
		return finding{name: "webcam", says: "no /dev/video* here; files and streams need none", info: true}
	}
	return finding{name: "webcam", says: fmt.Sprint(devices)}
}

func source(ctx context.Context, arg string, i int) finding {
	f := finding{name: "source"}
	spec, err := ingest.ParseSpec(arg, i)
	if err != nil {
		f.err = err
		return f
	}
	src, err := ingest.Open(ctx, spec, ingest.Options{Pace: ingest.Fast})
	if err != nil {
		f.err = err
		return f
	}
	defer src.Close()
	var frame ingest.Frame
	if err := src.Next(ctx, &frame); err != nil {
		f.err = fmt.Errorf("--source %s: no frame: %w", ingest.Redact(arg), err)
		return f
	}
	f.says = fmt.Sprintf("%s: frames of %dx%d", src.Info().Source, frame.Size().X, frame.Size().Y)
	return f
}
