package full

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sightlog/sightlog/bench/grids"
	benchresult "github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/bench/sweep"
	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/yamlfile"
)

// SweepCmd runs a benchmark at each point of a grid.
type SweepCmd struct {
	Grid      string   `arg:"" optional:"" placeholder:"FILE|NAME" help:"A grid, KEY: VALUE or KEY: [VALUE, VALUE] a line, or the name of a ready one."`
	List      bool     `env:"-" help:"List the ready grids."`
	Show      bool     `env:"-" help:"Print the grid itself instead of running it: a beginning for your own."`
	Results   string   `default:"" env:"-" placeholder:"DIR" help:"Directory of the results, in which a sweep that was stopped is resumed; without it, sweep-NAME."`
	Brokers   []string `env:"-" placeholder:"HOST:PORT" help:"Kafka brokers to measure instead of the bundled one."`
	BrokerPID int      `name:"broker-pid" placeholder:"PID" env:"-" help:"Process of the --brokers, on this machine, whose CPU time is counted."`
	Dir       string   `default:"/tmp" env:"-" help:"Directory on the disk to use, for the bundled broker's log and the measurement of the disk (${default})."`
	pageFlag
}

// pointCommands are those that a point runs, to check its flags before any point is run.
type pointCommands struct {
	Bench struct {
		Pipeline PipelineCmd `cmd:""`
		Broker   ProduceCmd  `cmd:""`
		Sink     CatchUpCmd  `cmd:""`
	} `cmd:""`
}

// Run implements the command.
func (c *SweepCmd) Run(ctx context.Context, env *cli.Env) (err error) {
	if c.List {
		return listGrids(env)
	}
	if err := c.pageFlag.check(); err != nil {
		return err
	}
	g, text, err := c.grid()
	if err != nil {
		return err
	}
	if c.Show {
		_, err := env.Stdout.Write(text)
		return err
	}
	points := g.Points(c.more()...)
	for _, p := range points {
		if err := cli.Check(env.Name, new(pointCommands), p.Args); err != nil {
			return usage.Wrap(err, "", "%s: %s: %v", c.Grid, g.Label(p), err)
		}
	}
	dir := c.Results
	if dir == "" {
		dir = "sweep-" + g.Name
	}
	results, err := sweep.OpenResults(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, results.Close()) }()
	change, err := results.Compare(g, points, text)
	if err != nil {
		return err
	}
	if change.Changed {
		fmt.Fprintf(env.Stderr, "the grid has changed since the last sweep into %s: %d of its %d points are there, %d points of other grids stay in it\n",
			dir, change.Done, len(points), change.Other)
	} else if change.Done > 0 {
		fmt.Fprintf(env.Stderr, "%d of %d points are there from before\n", change.Done, len(points))
	}
	self, err := cli.Self()
	if err != nil {
		return err
	}
	ran := sweep.Run(ctx, sweep.Config{
		Grid: g, Points: points, Results: results, Program: self, Stub: grids.Stub, Scratch: c.scratch(dir),
		Progress: func(s sweep.Step) {
			left := ""
			if s.Left > 0 {
				left = ", about " + s.Left.Round(time.Second).String() + " left"
			}
			fmt.Fprintf(env.Stderr, "point %d of %d: %s%s\n", s.Number, s.Of, s.Label, left)
		},
	})
	if usage.Is(ran) {
		return ran
	}
	reports, err := results.Combine(g, points)
	if err != nil {
		return err
	}
	if err := g.WriteText(env.Stdout, points, reports); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "\nall reports: %s\n", results.File())
	there := slices.DeleteFunc(slices.Clone(reports), func(r *benchresult.Report) bool { return r == nil })
	if err := c.pageFlag.write(there...); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("the sweep was stopped; the same command resumes it")
	}
	return ran
}

// grid reads the file, or the ready grid of that name.
func (c *SweepCmd) grid() (*sweep.Grid, []byte, error) {
	ready, err := sweep.Ready(grids.Files)
	if err != nil {
		return nil, nil, err
	}
	names := make([]string, len(ready))
	for i, g := range ready {
		if names[i] = g.Name; g.Name == c.Grid {
			text, err := grids.Files.ReadFile(g.Name + ".yaml")
			return g, text, err
		}
	}
	if c.Grid == "" {
		return nil, nil, usage.New("give a file, or one of "+strings.Join(names, ", "), "no grid is named")
	}
	text, err := yamlfile.Read(c.Grid)
	if err != nil {
		fix := "give a file, or one of " + strings.Join(names, ", ")
		if n := usage.Nearest(c.Grid, names); n != "" {
			fix = fmt.Sprintf("did you mean %q?", n)
		}
		return nil, nil, usage.Wrap(err, fix, "the grid %s cannot be read: %v", c.Grid, usage.Cause(err))
	}
	g, err := sweep.Parse(text, filepath.Base(c.Grid))
	return g, text, err
}

// more are flags of each point's command.
func (c *SweepCmd) more() (args []string) {
	if len(c.Brokers) > 0 {
		args = append(args, "--brokers="+strings.Join(c.Brokers, ","))
	}
	if c.BrokerPID != 0 {
		args = append(args, fmt.Sprint("--broker-pid=", c.BrokerPID))
	}
	return args
}

// scratch is a directory of the points' own files: the same for the same results, so that
// what a sweep that was killed left there goes when it is resumed.
func (c *SweepCmd) scratch(results string) string {
	if abs, err := filepath.Abs(results); err == nil {
		results = abs
	}
	return filepath.Join(c.Dir, fmt.Sprintf("sightlog-sweep-%.8x", sha256.Sum256([]byte(results))))
}

func listGrids(env *cli.Env) error {
	ready, err := sweep.Ready(grids.Files)
	if err != nil {
		return err
	}
	for _, g := range ready {
		if _, err := fmt.Fprintf(env.Stdout, "%-14s %3d points  bench %-9s %s\n", g.Name, len(g.Points()), g.Bench, g.About); err != nil {
			return err
		}
	}
	return nil
}
