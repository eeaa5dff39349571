package report

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

//go:embed report.html
var page string

// html escapes what it is given. Styles are inline: many mail programs drop style sheets.
var html = template.Must(template.New("report").Parse(page))

// Read returns the report of a message's figures.
func Read(figures []byte) (*Report, error) {
	r := new(Report)
	if err := json.Unmarshal(figures, r); err != nil {
		return nil, fmt.Errorf("decode report: %w", err)
	}
	return r, nil
}

// HTML returns the report as a page for mail programs.
func (r *Report) HTML() (string, error) {
	var b bytes.Buffer
	err := html.Execute(&b, map[string]any{
		"Name": r.Name, "Title": r.Title(), "Camera": r.Camera, "TZ": r.TZ, "Notes": r.notes(), "Tables": r.tables(),
	})
	if err != nil {
		return "", fmt.Errorf("write report %s: %w", r.Name, err)
	}
	return b.String(), nil
}

// Text returns the report as plain text.
func (r *Report) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nReport %s, times of %s\n", r.Title(), r.Name, r.TZ)
	if r.Camera != "" {
		fmt.Fprintf(&b, "Camera %s\n", r.Camera)
	}
	for _, n := range r.notes() {
		fmt.Fprintf(&b, "\n%s\n", n)
	}
	for _, t := range r.tables() {
		fmt.Fprintf(&b, "\n%s\n", t.Title)
		widths := make([]int, len(t.Columns))
		lines := append([][]string{t.Columns}, t.Rows...)
		for _, row := range lines {
			for i, cell := range row {
				widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			}
		}
		for _, row := range lines {
			var line strings.Builder
			for i, cell := range row {
				width := widths[i]
				if i < t.Words {
					width = -width
				}
				fmt.Fprintf(&line, "  %*s", width, cell)
			}
			b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
		}
		if t.Note != "" {
			fmt.Fprintf(&b, "  %s\n", t.Note)
		}
	}
	return b.String()
}

// Short returns the report as a notification.
func (r *Report) Short() string {
	lines := []string{r.Headline()}
	if r.In.Before != nil && r.Out.Before != nil {
		lines = append(lines, fmt.Sprintf("the %s before: %d in, %d out", map[string]string{"day": "same weekday", "week": "week"}[r.Every], *r.In.Before, *r.Out.Before))
	}
	if r.Busiest != nil {
		lines = append(lines, "busiest hour: "+r.clock(r.Busiest.At))
	}
	return strings.Join(append(lines, r.notes()...), "\n")
}

// CSV returns all figures, one a line (RFC 4180).
func (r *Report) CSV() string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	line := func(kind, camera, name, figure, value, before, usual string) {
		// A strings.Builder has no error.
		_ = w.Write([]string{r.Name, r.stamp(r.Since), r.stamp(r.Until), kind, camera, name, figure, value, before, usual})
	}
	_ = w.Write([]string{"report", "since", "until", "kind", "camera", "name", "figure", "value", "before", "usual"})
	count := func(kind, camera, name, figure string, c Count) {
		line(kind, camera, name, figure, plain(&c.N), plain(c.Before), exact(c.Usual))
	}
	count("total", r.Camera, "", "in", r.In)
	count("total", r.Camera, "", "out", r.Out)
	count("total", r.Camera, "", "people", r.People)
	one := func(kind, camera, name, figure string, v *int64) { line(kind, camera, name, figure, plain(v), "", "") }
	one("total", r.Camera, "", "watched_s", &r.Watched.Seconds)
	one("total", r.Camera, "", "most_in_view", number64(r.Most))
	if r.Busiest != nil {
		line("busiest hour", r.Camera, r.stamp(r.Busiest.At), "average_in_view", exact(&r.Busiest.Average), "", "")
	}
	for _, d := range r.Days {
		one("day", r.Camera, d.Day, "in", &d.In)
		one("day", r.Camera, d.Day, "out", &d.Out)
		one("day", r.Camera, d.Day, "people", &d.People)
	}
	for _, h := range r.Hours {
		one("hour", r.Camera, r.stamp(h.At), "in", h.In)
		one("hour", r.Camera, r.stamp(h.At), "out", h.Out)
		one("hour", r.Camera, r.stamp(h.At), "people", h.People)
		one("hour", r.Camera, r.stamp(h.At), "most_in_view", h.Most)
	}
	for _, l := range r.Lines {
		count("line", l.Camera, l.Line, "in", l.In)
		count("line", l.Camera, l.Line, "out", l.Out)
	}
	for _, p := range r.Places {
		one("place", "", p.Place, "in", &p.In)
		one("place", "", p.Place, "out", &p.Out)
		one("place", "", p.Place, "most_inside", p.Most)
		one("place", "", p.Place, "inside", &p.Inside)
	}
	for _, z := range r.Zones {
		count("zone", z.Camera, z.Zone, "visits", z.Visits)
		if z.Median != nil {
			line("zone", z.Camera, z.Zone, "median_s_lowest", exact(&z.Median.Low), "", "")
			line("zone", z.Camera, z.Zone, "median_s_highest", exact(&z.Median.High), "", "")
		}
	}
	for _, c := range r.Cameras {
		count("camera", c.Camera, "", "people", c.People)
		one("camera", c.Camera, "", "in", &c.In)
		one("camera", c.Camera, "", "out", &c.Out)
		one("camera", c.Camera, "", "most_in_view", number64(c.Most))
		one("camera", c.Camera, "", "watched_s", &c.Watched.Seconds)
	}
	for _, g := range r.Gaps {
		one("gap", g.Camera, r.stamp(g.Began), "seconds", &g.Seconds)
	}
	w.Flush()
	return b.String()
}

func (r *Report) stamp(t time.Time) string { return r.local(t, time.RFC3339) }

func number64(p *Peak) *int64 {
	if p == nil {
		return nil
	}
	return &p.N
}

func plain(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

func exact(f *float64) string {
	if f == nil {
		return ""
	}
	return strconv.FormatFloat(*f, 'f', -1, 64)
}
