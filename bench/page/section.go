package page

import "github.com/sightlog/sightlog/bench/result"

// section is a heading with tables and plots.
type section struct {
	Title  string
	Text   string
	Plots  []*plot
	Tables []table
}

type table struct {
	Caption string
	Folded  bool // shown on a click
	Head    []string
	Rows    []tableRow
}

type tableRow struct {
	Class string   // of the swatch; none if empty
	Cells []string // the first is the row's name
}

// entry is a report with its name on this page and its colour.
type entry struct {
	*result.Report
	label, class string
}

// histogram returns the one of all rounds, nil where there is none.
func (e entry) histogram(name string) *result.Histogram {
	if h := e.Total.Histograms[name]; h != nil && h.N() > 0 {
		return h
	}
	return nil
}

// stageNames are the latencies that those from end to end are made of, aside those that are no
// figures of the measurement.
var (
	stageNames = []string{result.Wait, result.Decode, result.Infer, result.Produce, result.Fetch, result.Commit}
	aside      = []string{result.WarmUp, result.ProbeGap}
)

func (s *section) addTable(t table) {
	if len(t.Rows) > 0 {
		s.Tables = append(s.Tables, t)
	}
}

func (s *section) addPlot(p *plot) {
	if p != nil {
		s.Plots = append(s.Plots, p)
	}
}
