package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/sightlog/sightlog/bench/diff"
	"github.com/sightlog/sightlog/bench/page"
	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/internal/atomicfile"
	"github.com/sightlog/sightlog/usage"
)

// Commands is the whole command line of bin/sightlogd.
type Commands struct {
	Services
	Bench BenchCmd `cmd:"" group:"Questions" help:"Compare and draw reports of sightlog bench."`
}

// BenchCmd has the commands on reports alone.
type BenchCmd struct{ BenchFiles }

// BenchFiles are the commands that read reports of benchmarks and measure nothing.
type BenchFiles struct {
	Diff   BenchDiffCmd   `cmd:"" help:"Compare two reports: medians with intervals, and which differences the rounds prove."`
	Report BenchReportCmd `cmd:"" help:"Draw reports as one HTML page that needs no network: percentiles, stages, cost, sweeps."`
}

// readReports returns the reports of a file.
func readReports(path string) ([]*result.Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usage.Wrap(err, "give a file that bench --json has written", "%s: %v", path, usage.Cause(err))
	}
	defer f.Close()
	return result.ReadAll(f, path)
}

// BenchDiffCmd compares two reports.
type BenchDiffCmd struct {
	Old    string  `arg:"" placeholder:"FILE" help:"Report of the old side."`
	New    string  `arg:"" placeholder:"FILE" help:"Report of the new side."`
	Unlike bool    `env:"-" help:"Compare also reports of other machines, clips, models or kinds."`
	Worse  float64 `env:"-" placeholder:"PERCENT" help:"Exit with 1 if a figure is proven worse by more than so many percent."`
	Format string  `enum:"table,json" default:"table" env:"-" help:"table or json (${default})."`
}

// Help is the rest of --help.
func (*BenchDiffCmd) Help() string {
	return `Each side needs five rounds. Figures are the medians of the rounds, with the interval in which the median lies; a difference counts if the Mann-Whitney U-test proves it (p < 0.05), else ~ stands for it. Of many figures, one in twenty looks proven by chance.

Exit codes: 0 compared; 1 a figure is worse than --worse permits; 2 the reports cannot be compared, or a file is none.`
}

// Run implements the command.
func (c *BenchDiffCmd) Run(env *Env) error {
	if c.Worse < 0 {
		return usage.New("give a number of percent, such as 5", "--worse %g is below zero", c.Worse)
	}
	var sides [2]diff.Side
	for i, path := range []string{c.Old, c.New} {
		reports, err := readReports(path)
		if err != nil {
			return err
		}
		sides[i] = diff.Side{File: path, Reports: reports}
	}
	all, err := diff.Compare(sides[0], sides[1], c.Unlike)
	if err != nil {
		return err
	}
	if c.Format == "json" {
		e := json.NewEncoder(env.Stdout)
		e.SetIndent("", "  ")
		err = e.Encode(all)
	} else {
		err = diff.WriteText(env.Stdout, all)
	}
	if err != nil || c.Worse == 0 {
		return err
	}
	return tooWorse(all, c.Worse)
}

// tooWorse returns an error if a figure got worse by more than so many percent.
func tooWorse(all []diff.Comparison, percent float64) error {
	n, first := 0, ""
	for _, comparison := range all {
		for _, row := range comparison.Rows {
			if row.Worse && (row.Change == nil || max(*row.Change, -*row.Change) > percent/100) {
				if n++; n == 1 {
					first = comparison.Name + ": " + row.Figure
				}
			}
		}
	}
	if n > 0 {
		return fmt.Errorf("worse by more than %g %%: %d figures, the first: %s", percent, n, first)
	}
	return nil
}

// BenchReportCmd draws reports.
type BenchReportCmd struct {
	Files []string `arg:"" placeholder:"FILE" help:"Reports that bench --json has written; several are drawn over each other."`
	HTML  string   `name:"html" required:"" env:"-" placeholder:"FILE" help:"The page to write."`
}

// Run implements the command.
func (c *BenchReportCmd) Run() error {
	var files []page.File
	for _, path := range c.Files {
		reports, err := readReports(path)
		if err != nil {
			return err
		}
		files = append(files, page.File{Name: path, Reports: reports})
	}
	return WriteBenchPage(c.HTML, files)
}

// WriteBenchPage writes the page of these reports into a file, all of it or nothing.
func WriteBenchPage(path string, files []page.File) error {
	var b bytes.Buffer
	if err := page.Write(&b, files); err != nil {
		return fmt.Errorf("draw reports: %w", err)
	}
	if err := atomicfile.Write(path, b.Bytes(), 0o644); err != nil {
		return usage.Wrap(err, "give a file you may write", "--html %s: %v", path, usage.Cause(err))
	}
	return nil
}
