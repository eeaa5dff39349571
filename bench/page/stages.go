package page

import (
	"fmt"
	"slices"

	"github.com/sightlog/sightlog/bench/diff"
	"github.com/sightlog/sightlog/bench/result"
)

// stages is where the time of a frame goes.
func stages(all []entry) *section {
	var with []entry
	reach := 0.0
	for _, e := range all {
		if names, end, p99 := extent(e); len(names) > 0 {
			with, reach = append(with, e), max(reach, end, min(p99, 3*end))
		}
	}
	if len(with) == 0 {
		return nil
	}
	s := &section{Title: "Stages", Text: "The median of each stage, one behind the other as a frame meets them; the thin line ends at the stage's 99th percentile. " +
		"Medians of stages do not add up exactly to the median of the whole."}
	for _, e := range with {
		title := "Where the time goes"
		if len(all) > 1 {
			title += ": " + e.label
		}
		s.Plots = append(s.Plots, waterfall(title, e, linear(reach)))
	}
	help := table{Caption: "The stages", Folded: true}
	for _, span := range result.Spans {
		if slices.Contains(stageNames, span.Name) {
			help.Rows = append(help.Rows, tableRow{Cells: []string{span.Name, span.Help}})
		}
	}
	s.addTable(help)
	return s
}

// extent returns the stages that a report has, the end of their medians, and the farthest p99.
func extent(e entry) (names []string, end, p99 float64) {
	for _, name := range stageNames {
		if h := e.histogram(name); h != nil {
			names = append(names, name)
			p99 = max(p99, end+h.Quantile(.99))
			end += h.Quantile(.5)
		}
	}
	return names, end, p99
}

func waterfall(title string, e entry, x *axis) *plot {
	names, _, _ := extent(e)
	p := newRows(title, "ms since the frame was due", x, len(names))
	at := 0.0
	for i, name := range names {
		h := e.histogram(name)
		p50, p99 := h.Quantile(.5), h.Quantile(.99)
		from, top := p.px(at), p.row(i)
		tip := fmt.Sprintf("%s: p50 %s ms, p99 %s ms", name, diff.Number(p50), diff.Number(p99))
		p.Rects = append(p.Rects,
			rect{X: from, Y: top + 8, W: max(p.px(at+p99)-from, 1), H: 2, Class: color(i), Opacity: .6, Tip: tip},
			rect{X: from, Y: top, W: max(p.px(at+p50)-from, 1.5), H: 18, Class: color(i), Opacity: 1, Tip: tip})
		p.Texts = append(p.Texts, text{X: p.left - 6, Y: top + 13, Class: "end", Body: name})
		p.Legend = append(p.Legend, legend{color(i), fmt.Sprintf("%s %s (p99 %s)", name, diff.Number(p50), diff.Number(p99))})
		at += p50
	}
	return p
}
