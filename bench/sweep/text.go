package sweep

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/sightlog/sightlog/bench/result"
)

// column is a figure of the table.
type column struct{ value, title string }

// columns are the figures of each benchmark that the table shows; the first two have curves.
var columns = map[string][]column{
	"broker": {
		{result.P99, "p99 ms"}, {"cpu_broker_us_per_record", "broker CPU µs/record"}, {result.P50, "p50 ms"}, {"cpu_client_us_per_record", "client CPU µs/record"},
		{"records_per_second", "records/s"}, {"batches_per_record", "batches/record"}, {"p99_over_fdatasync", "p99 × fdatasync"},
	},
	"sink": {
		{result.Rate, "rows/s"}, {"cpu_sink_us_per_row", "sink CPU µs/row"}, {"time_over_copy", "time × COPY"},
		{result.P50, "p50 ms"}, {result.P99, "p99 ms"}, {"sink_peak_bytes", "peak bytes"},
	},
	"pipeline": {
		{result.P99, "p99 ms"}, {result.FPS, "frames/s"}, {result.P50, "p50 ms"},
		{result.CPUFrame, "CPU ms/frame"}, {result.CPUBeyond, "beyond detect"}, {result.CPUShare, "CPU share"},
	},
}

// WriteText writes the table of all points, and curves. A point without a report is in the
// table as such.
func (g *Grid) WriteText(w io.Writer, points []Point, reports []*result.Report) error {
	fmt.Fprintf(w, "%s: bench %s; medians of each point's rounds\n", g.Name, g.Bench)
	for _, axis := range g.Fixed {
		fmt.Fprintf(w, "  %s %s", axis.Key, axis.Values[0])
	}
	fmt.Fprint(w, "\n\n")
	if err := g.table(w, points, reports); err != nil {
		return err
	}
	for _, c := range columns[g.Bench][:2] {
		if err := g.curves(w, c, points, reports); err != nil {
			return err
		}
	}
	for _, line := range differences(reports) {
		fmt.Fprintln(w, "\n"+line)
	}
	return nil
}

func (g *Grid) table(w io.Writer, points []Point, reports []*result.Report) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, axis := range g.Axes {
		fmt.Fprint(t, axis.Key+"\t")
	}
	for _, c := range columns[g.Bench] {
		fmt.Fprint(t, c.title+"\t")
	}
	fmt.Fprintln(t)
	for i, p := range points {
		for _, axis := range g.Axes {
			fmt.Fprint(t, p.Values[axis.Key]+"\t")
		}
		for _, c := range columns[g.Bench] {
			fmt.Fprint(t, cell(reports[i], c.value)+"\t")
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

func cell(r *result.Report, value string) string {
	if r == nil {
		return "-"
	}
	if v, ok := r.Total.Values[value]; ok {
		return short(v)
	}
	return ""
}

// short writes a number with three digits that matter.
func short(v float64) string {
	if v == 0 {
		return "0"
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	return fmt.Sprintf("%.*f", max(0, digits), v)
}

// barWidth is the length of a curve's longest bar, in characters.
const barWidth = 40

// curves draws bars whose lengths are in proportion to the values.
func (g *Grid) curves(w io.Writer, c column, points []Point, reports []*result.Report) error {
	all := g.Curves(c.value, points, reports)
	if len(all) == 0 {
		return nil
	}
	meaning := "the last value before the first above twice the least"
	if !result.LessIsBetter(c.value) {
		meaning = "the first value of nine tenths of the most"
	}
	if _, err := fmt.Fprintf(w, "\n%s over %s; knee: %s\n", c.title, all[0].X, meaning); err != nil {
		return err
	}
	for _, curve := range all {
		if curve.Others != "" {
			fmt.Fprintf(w, "  %s\n", curve.Others)
		}
		most := slices.Max(curve.Values)
		widest := 0
		for _, at := range curve.At {
			widest = max(widest, len(at))
		}
		for i, v := range curve.Values {
			bar := strings.Repeat("█", max(1, int(math.Round(barWidth*v/max(most, math.SmallestNonzeroFloat64)))))
			mark := ""
			if i == curve.Knee {
				mark = "  ◀ knee"
			}
			if _, err := fmt.Fprintf(w, "  %*s %s %s%s\n", widest, curve.At[i], bar, short(v), mark); err != nil {
				return err
			}
		}
	}
	return nil
}

// differences returns a line for each way in which the points were not measured alike.
func differences(reports []*result.Report) (lines []string) {
	var first *result.Report
	for _, r := range reports {
		switch {
		case r == nil:
		case first == nil:
			first = r
		default:
			for _, d := range result.SameMachine(first, r) {
				lines = append(lines, "points were measured on different machines: "+d)
			}
			if r.Version != first.Version {
				lines = append(lines, "points were measured by different versions: "+first.Version+" and "+r.Version)
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}
