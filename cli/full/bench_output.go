package full

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sightlog/sightlog/bench/host"
	"github.com/sightlog/sightlog/bench/page"
	benchresult "github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/usage"
)

// pageFlag is the flag for a report as a page.
type pageFlag struct {
	HTML string `name:"html" placeholder:"FILE" env:"-" help:"Draw the report as a page that needs no network, too."`
}

// check returns an error, before anything is measured, if the page cannot be written.
func (f pageFlag) check() error {
	if f.HTML == "" {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(f.HTML)); err != nil || !info.IsDir() {
		return usage.New("give a file in a directory that exists", "--html %s", f.HTML)
	}
	return nil
}

// write draws the reports, if it is wanted.
func (f pageFlag) write(reports ...*benchresult.Report) error {
	if f.HTML == "" {
		return nil
	}
	return cli.WriteBenchPage(f.HTML, []page.File{{Name: f.HTML, Reports: reports}})
}

// reportFile is where --json wants the report.
type reportFile struct {
	path string
	file *os.File // nil: none, or standard output
}

// openReport opens the file before anything is measured.
func openReport(path string) (reportFile, error) {
	if path == "" || path == "-" {
		return reportFile{path: path}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return reportFile{}, usage.Wrap(err, "give a file you may write", "--json %s: %v", path, usage.Cause(err))
	}
	return reportFile{path, f}, nil
}

// write writes the report as JSON, if it is wanted, and as text unless that is what
// standard output gets.
func (f reportFile) write(env *cli.Env, r *benchresult.Report, text func(io.Writer, *benchresult.Report) error) error {
	return f.writeAll(env, []*benchresult.Report{r}, func(w io.Writer, all []*benchresult.Report) error { return text(w, all[0]) })
}

// writeAll is write for several reports.
func (f reportFile) writeAll(env *cli.Env, all []*benchresult.Report, text func(io.Writer, []*benchresult.Report) error) error {
	if f.path == "-" {
		return f.encode(env.Stdout, all)
	}
	if f.file != nil {
		if err := f.encode(f.file, all); err != nil {
			return err
		}
		if err := f.file.Close(); err != nil {
			return fmt.Errorf("write %s: %w", f.path, err)
		}
	}
	return text(env.Stdout, all)
}

func (reportFile) encode(w io.Writer, all []*benchresult.Report) error {
	for _, r := range all {
		if err := benchresult.Write(w, r); err != nil {
			return err
		}
	}
	return nil
}

// stepLine shows the current step of a benchmark on a terminal.
type stepLine struct{ terminal *os.File }

func newStepLine(w io.Writer) *stepLine { return &stepLine{cli.Terminal(w)} }

func (l *stepLine) show(what string) {
	if l.terminal != nil {
		fmt.Fprint(l.terminal, "\r\x1b[K"+what)
	}
}

// end removes the line.
func (l *stepLine) end() { l.show("") }

// describe adds where a part was measured.
func describe(r *benchresult.Report, broker string) {
	warnings := r.Machine.Warnings
	r.Version, r.Machine = cli.Version, host.Describe()
	r.Machine.Broker, r.Machine.Warnings = broker, warnings
}
