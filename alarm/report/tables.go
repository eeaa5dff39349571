package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/query"
)

// listedGaps is how many gaps a report has room for; the longest are taken.
const listedGaps = 20

// table is a part of the report as a person reads it.
type table struct {
	Title   string
	Columns []string // the first Words are text, the others numbers
	Words   int
	Rows    [][]string
	Note    string // "": none
}

const none = "–"

// tables are the parts that have something to say.
func (r *Report) tables() []table {
	all := []table{r.total(), r.byDay(), r.byHour(), r.byLine(), r.byPlace(), r.byZone(), r.byCamera(), r.gaps()}
	return slices.DeleteFunc(all, func(t table) bool { return len(t.Rows) == 0 })
}

// notes say what the figures do not hold.
func (r *Report) notes() (lines []string) {
	if r.Held != nil {
		lines = append(lines, "Not all was stored when this report was made: what came after "+r.local(*r.Held, "2 Jan 15:04")+" may be missing.")
	}
	if len(r.Cameras) == 0 {
		lines = append(lines, "No camera was known.")
	} else if w := r.Watched; float64(w.Seconds) < 0.995*float64(w.Of) {
		lines = append(lines, "Cameras were blind for "+length(w.Of-w.Seconds)+" of "+length(w.Of)+" in all. What passed meanwhile is not counted.")
	}
	if r.In.Before == nil {
		lines = append(lines, "The "+r.Every+" before cannot be compared: it was not watched for about as long.")
	}
	return lines
}

func (r *Report) total() table {
	before := "same weekday before"
	if r.Every == rule.EveryWeek {
		before = "week before"
	}
	t := table{Title: "Total", Columns: []string{"", "number", before, "usual"}, Words: 1, Note: "Usual is the mean of up to four weeks before."}
	for _, c := range []struct {
		name string
		Count
	}{{"In", r.In}, {"Out", r.Out}, {"People", r.People}} {
		t.Rows = append(t.Rows, []string{c.name, number(&c.N), number(c.Before), usual(c.Usual)})
	}
	t.Rows = append(t.Rows, []string{"Most in view" + r.when(r.Most), peak(r.Most), none, none})
	if b := r.Busiest; b != nil {
		t.Rows = append(t.Rows, []string{"Busiest hour, average in view (" + r.clock(b.At) + ")", strconv.FormatFloat(b.Average, 'f', 1, 64), none, none})
	}
	return t
}

func (r *Report) byDay() table {
	t := table{Title: "Days", Columns: []string{"day", "in", "out", "people", "watched"}, Words: 1}
	if r.Every == rule.EveryDay {
		return t
	}
	for _, d := range r.Days {
		t.Rows = append(t.Rows, []string{d.Day, number(&d.In), number(&d.Out), number(&d.People), watched(d.Watched)})
	}
	return t
}

func (r *Report) byHour() table {
	t := table{Title: "Hours", Columns: []string{"from", "in", "out", "people", "most in view"}, Words: 1}
	for _, h := range r.Hours {
		if h.In != nil || h.Out != nil || h.People != nil || h.Most != nil {
			t.Rows = append(t.Rows, []string{r.local(h.At, "15:04 MST"), number(h.In), number(h.Out), number(h.People), number(h.Most)})
		}
	}
	if n := len(r.Hours) - len(t.Rows); n > 0 && len(t.Rows) > 0 {
		t.Note = fmt.Sprintf("In the other %d of %d hours nothing was watched.", n, len(r.Hours))
	}
	return t
}

func (r *Report) byLine() table {
	t := table{Title: "Lines", Columns: []string{"camera", "line", "in", "usual", "out", "usual"}, Words: 2}
	for _, l := range r.Lines {
		t.Rows = append(t.Rows, []string{l.Camera, l.Line, number(&l.In.N), usual(l.In.Usual), number(&l.Out.N), usual(l.Out.Usual)})
	}
	return t
}

func (r *Report) byPlace() table {
	t := table{Title: "Places", Columns: []string{"place", "in", "out", "most inside", "at the end", "capacity"}, Words: 1}
	for _, p := range r.Places {
		t.Rows = append(t.Rows, []string{p.Place, number(&p.In), number(&p.Out), number(p.Most), number(&p.Inside), number(p.Capacity)})
	}
	return t
}

func (r *Report) byZone() table {
	t := table{Title: "Zones", Columns: []string{"camera", "zone", "visits", "usual", "median stay", "9 of 10 stay under", "most in it"}, Words: 2}
	if r.Every == rule.EveryWeek {
		t.Note = "Stays are those of each day, from the lowest to the highest."
	}
	for _, z := range r.Zones {
		t.Rows = append(t.Rows, []string{z.Camera, z.Zone, number(&z.Visits.N), usual(z.Visits.Usual), stay(z.Median), stay(z.P90), peak(z.Most)})
	}
	return t
}

func (r *Report) byCamera() table {
	t := table{Title: "Cameras", Columns: []string{"camera", "in", "out", "people", "usual", "most in view", "watched"}, Words: 1}
	for _, c := range r.Cameras {
		t.Rows = append(t.Rows, []string{
			c.Camera, number(&c.In), number(&c.Out), number(&c.People.N), usual(c.People.Usual), peak(c.Most), watched(c.Watched),
		})
	}
	return t
}

func (r *Report) gaps() table {
	t := table{Title: "Cameras were blind", Columns: []string{"camera", "from", "until", "for"}, Words: 3}
	list := slices.Clone(r.Gaps)
	slices.SortStableFunc(list, func(a, b Gap) int { return cmp.Compare(b.Seconds, a.Seconds) })
	if n := len(list) - listedGaps; n > 0 {
		t.Note = fmt.Sprintf("The %d longest of %d.", listedGaps, len(list))
		list = list[:listedGaps]
	}
	for _, g := range list {
		t.Rows = append(t.Rows, []string{g.Camera, r.local(g.Began, "2 Jan 15:04:05"), r.local(g.Ended, "2 Jan 15:04:05"), length(g.Seconds)})
	}
	return t
}

// clock is a time within the report.
func (r *Report) clock(t time.Time) string {
	if r.Every == rule.EveryWeek {
		return r.local(t, "Mon 15:04")
	}
	return r.local(t, "15:04")
}

func (r *Report) when(p *Peak) string {
	if p == nil || p.At == nil {
		return ""
	}
	return " (" + r.clock(*p.At) + ")"
}

func number(n *int64) string {
	if n == nil {
		return none
	}
	return strconv.FormatInt(*n, 10)
}

func usual(u *float64) string {
	if u == nil {
		return none
	}
	return strconv.FormatFloat(*u, 'f', 1, 64)
}

func peak(p *Peak) string {
	if p == nil {
		return none
	}
	return number(&p.N)
}

func watched(w query.Watched) string {
	if w.Of == 0 {
		return none
	}
	return strconv.FormatFloat(math.Floor(1000*float64(w.Seconds)/float64(w.Of))/10, 'f', 1, 64) + " %"
}

func stay(s *Range) string {
	if s == nil {
		return none
	}
	low, high := length(int64(math.Round(s.Low))), length(int64(math.Round(s.High)))
	if low == high {
		return low
	}
	return low + " to " + high
}

// length is a length of time, as 2h 5m or 40s.
func length(seconds int64) string {
	switch h, m, s := seconds/3600, seconds/60%60, seconds%60; {
	case h > 0:
		return fmt.Sprintf("%dh %dm", h, m)
	case m > 0:
		return strings.TrimSuffix(fmt.Sprintf("%dm %ds", m, s), " 0s")
	default:
		return fmt.Sprintf("%ds", s)
	}
}
