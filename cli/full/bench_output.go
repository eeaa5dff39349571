package full

import (
	"errors"
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

// reportOutput is where a report goes: the file that --json names, the page, and text.
type reportOutput struct {
	path string   // of --json
	file *os.File // nil: none, or standard output
	page pageFlag
}

// open opens the file that --json names, and checks the page, before anything is measured.
func (f pageFlag) open(json string) (reportOutput, error) {
	if err := f.check(); err != nil {
		return reportOutput{}, err
	}
	out := reportOutput{path: json, page: f}
	if json == "" || json == "-" {
		return out, nil
	}
	var err error
	if out.file, err = os.Create(json); err != nil {
		return reportOutput{}, usage.Wrap(err, "give a file you may write", "--json %s: %v", json, usage.Cause(err))
	}
	return out, nil
}

// write writes the report as JSON and as a page, where they are wanted, and as text unless
// standard output gets the JSON.
func (o reportOutput) write(env *cli.Env, r *benchresult.Report, text func(io.Writer, *benchresult.Report) error) error {
	return o.writeAll(env, []*benchresult.Report{r}, func(w io.Writer, all []*benchresult.Report) error { return text(w, all[0]) })
}

// writeAll is write for several reports.
func (o reportOutput) writeAll(env *cli.Env, all []*benchresult.Report, text func(io.Writer, []*benchresult.Report) error) error {
	return errors.Join(o.writeTexts(env, all, text), o.page.write(all...))
}

func (o reportOutput) writeTexts(env *cli.Env, all []*benchresult.Report, text func(io.Writer, []*benchresult.Report) error) error {
	if o.path == "-" {
		return o.encode(env.Stdout, all)
	}
	if o.file != nil {
		if err := o.encode(o.file, all); err != nil {
			return err
		}
		if err := o.file.Close(); err != nil {
			return fmt.Errorf("write %s: %w", o.path, err)
		}
	}
	return text(env.Stdout, all)
}

func (reportOutput) encode(w io.Writer, all []*benchresult.Report) error {
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
