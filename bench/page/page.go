package page

import (
	_ "embed" // the template
	"html/template"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sightlog/sightlog/bench/diff"
	"github.com/sightlog/sightlog/bench/result"
)

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// File is the reports of one file.
type File struct {
	Name    string
	Reports []*result.Report
}

// view is what the template writes.
type view struct {
	Title    string
	Colours  []string // classes of the series
	Failures []string // why a report has no figures
	Sections []section
}

// Write writes the page of all these reports. What is correct has figures, the rest a line.
func Write(w io.Writer, files []File) error {
	v := view{Title: title(files)}
	for i := range series {
		v.Colours = append(v.Colours, color(i))
	}
	var shown []entry
	var sweeps []sweep
	var all []entry
	labels := make(map[string]int)
	for _, f := range files {
		s := sweep{file: base(f.Name)}
		for _, r := range f.Reports {
			label := diff.Name(r)
			if len(files) > 1 {
				label = base(f.Name)
				if len(f.Reports) > 1 {
					label += " " + diff.Name(r)
				}
			}
			if labels[label]++; labels[label] > 1 {
				label += " (" + strconv.Itoa(labels[label]) + ")"
			}
			e := entry{r, label, color(len(shown))}
			if !r.Correct.OK() {
				e.class = ""
				v.Failures = append(v.Failures, label+": "+correctness(r.Correct)+" No figure of it is shown.")
			}
			switch {
			case r.Kind != result.Point:
				all = append(all, e)
				if r.Correct.OK() {
					shown = append(shown, e)
				}
			case r.Correct.OK():
				s.points = append(s.points, r)
			}
		}
		if len(s.points) > 0 {
			sweeps = append(sweeps, s)
		}
	}
	for i := range sweeps {
		all = append(all, entry{sweeps[i].points[0], strconv.Itoa(len(sweeps[i].points)) + " points of " + sweeps[i].file + ", the first", ""})
	}
	v.Sections = append(v.Sections, facts(all))
	for _, s := range []*section{latency(shown), stages(shown), cost(shown), cameras(shown)} {
		if s != nil {
			v.Sections = append(v.Sections, *s)
		}
	}
	for i := range sweeps {
		v.Sections = append(v.Sections, sweeps[i].section(len(sweeps) > 1))
	}
	return pageTemplate.Execute(w, v)
}

func title(files []File) string {
	var names []string
	for _, f := range files {
		names = append(names, base(f.Name))
	}
	return "Benchmark: " + strings.Join(names, ", ")
}

// base is the name of a file without directory and extension.
func base(name string) string {
	name = filepath.Base(name)
	return strings.TrimSuffix(name, filepath.Ext(name))
}
