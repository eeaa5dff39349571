package sweep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/bench/service"
	"github.com/sightlog/sightlog/usage"
)

// Config is a sweep.
type Config struct {
	Grid    *Grid
	Points  []Point
	Results *Results
	Program string // that is run
	Stub    []byte // the ONNX file of the model Stub
	Scratch string // directory for the points' own files, which is emptied
	// Progress, if set, is called before each point that is run.
	Progress func(Step)
}

// Step is how far a sweep is.
type Step struct {
	Number, Of int // of the point, among all
	Label      string
	Left       time.Duration // until the end, as the points so far took; 0: not known yet
}

// FailedError lists the points without a report.
type FailedError struct{ Points []string }

func (e *FailedError) Error() string {
	return fmt.Sprintf("%d points failed, the same command tries them again: %s", len(e.Points), strings.Join(e.Points, "; "))
}

// Run runs the points that are not done. A point whose command is refused (exit code 2) ends
// the sweep, one that fails otherwise does not: the error is then a *FailedError. When ctx
// ends, the points that are done stay.
func Run(ctx context.Context, c Config) error {
	var failed FailedError
	var took time.Duration
	ran := 0
	left := 0
	for _, p := range c.Points {
		if c.Results.read(c.Grid.file(p)) == nil {
			left++
		}
	}
	for i, p := range c.Points {
		if c.Results.read(c.Grid.file(p)) != nil {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		step := Step{Number: i + 1, Of: len(c.Points), Label: c.Grid.Label(p)}
		if ran > 0 {
			step.Left = took / time.Duration(ran) * time.Duration(left)
		}
		if c.Progress != nil {
			c.Progress(step)
		}
		began := time.Now()
		err := c.point(ctx, p)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case usage.Is(err):
			return err
		case err != nil:
			failed.Points = append(failed.Points, fmt.Sprintf("%s: %v", step.Label, err))
		}
		took += time.Since(began)
		ran++
		left--
	}
	if len(failed.Points) > 0 {
		return &failed
	}
	return nil
}

// Stub is the model of a grid that is replaced by the stub: fixed boxes in a fixed time.
const Stub = "stub-fixed-time"

// putStub writes the stub's file if the arguments name it, and names the file instead.
func (c *Config) putStub(args []string) error {
	i := slices.Index(args, "--model="+Stub)
	if i < 0 {
		return nil
	}
	file := filepath.Join(c.Scratch, Stub+".onnx")
	args[i] = "--model=" + file
	if err := os.WriteFile(file, c.Stub, 0o644); err != nil {
		return fmt.Errorf("write the stub of a model: %w", err)
	}
	return nil
}

// point runs one point and stores its report.
func (c *Config) point(ctx context.Context, p Point) (err error) {
	if err := errors.Join(os.RemoveAll(c.Scratch), os.MkdirAll(c.Scratch, 0o755)); err != nil {
		return fmt.Errorf("make a directory for a point: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(c.Scratch)) }()
	file := filepath.Join(c.Scratch, "report.json")
	args := append([]string{"bench", p.Args[1], "--json=" + file}, p.Args[2:]...)
	if c.Grid.Bench != "pipeline" { // which uses the directory for temporary files
		args = append(args, "--dir="+c.Scratch)
	}
	if err := c.putStub(args); err != nil {
		return err
	}
	program, err := service.StartIn(c.Scratch, c.Program, args...)
	if err != nil {
		return err
	}
	select {
	case <-program.Ended():
	case <-ctx.Done():
		_ = program.Stop() // its report is not wanted
		return ctx.Err()
	}
	line := strings.TrimPrefix(program.LastLine(), "sightlog: ")
	if code := program.ExitCode(); code == usage.ExitCode {
		return usage.New("", "%s: %s", c.Grid.Label(p), line)
	} else if code != 0 {
		return errors.New(line)
	}
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("read the report of a point: %w", err)
	}
	defer f.Close()
	all, err := result.ReadAll(f, file)
	if err != nil {
		return fmt.Errorf("read the report of a point: %w", err)
	}
	r := all[0]
	r.Kind, r.Name, r.Point = result.Point, c.Grid.Bench, p.Values
	if r.Cut != "" {
		return errors.New("its measurement was cut short: " + r.Cut)
	}
	return c.Results.write(c.Grid.file(p), r)
}
