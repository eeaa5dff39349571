package diff

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteText writes comparisons for people.
func WriteText(w io.Writer, all []Comparison) error {
	var b strings.Builder
	for i, c := range all {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s: %d and %d rounds\n", c.Name, c.Rounds[0], c.Rounds[1])
		for _, d := range c.Differences {
			fmt.Fprintf(&b, "unlike: %s\n", d)
		}
		for _, s := range c.Settings {
			fmt.Fprintf(&b, "setting %s\n", s)
		}
		for _, s := range c.Warnings {
			fmt.Fprintf(&b, "warning: %s\n", s)
		}
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "figure\tunit\told\tinterval\tnew\tinterval\tchange\tp")
		for _, r := range c.Rows {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.3f\n", r.Figure, r.Unit,
				Number(r.Old.Median), r.Old.interval(), Number(r.New.Median), r.New.interval(), r.change(), r.P)
		}
		_ = t.Flush() // a strings.Builder does not fail
	}
	if len(all) > 0 {
		fmt.Fprintf(&b, "\nold, new: medians of the rounds; interval: where the median lies with %s.\n"+
			"change: ~ is no proven difference (U-test, p < %g); of %d figures without one, one looks proven by chance.\n",
			confidences(all), Alpha, int(1/Alpha))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// confidences is the range of the intervals' confidences.
func confidences(all []Comparison) string {
	low, high := 1.0, 0.0
	for _, c := range all {
		for _, r := range c.Rows {
			low, high = min(low, r.Old.Confidence, r.New.Confidence), max(high, r.Old.Confidence, r.New.Confidence)
		}
	}
	if s, t := fmt.Sprintf("%.0f", 100*low), fmt.Sprintf("%.0f", 100*high); s != t && high > low {
		return s + " to " + t + " %"
	}
	return fmt.Sprintf("%.0f %%", 100*low)
}

func (v Value) interval() string { return Number(v.Low) + "–" + Number(v.High) }

// change is the difference for people: in percent, or as a factor where it is large.
func (r Row) change() string {
	switch {
	case !r.Proven:
		return "~"
	case r.Change == nil:
		return "proven"
	}
	verdict := ""
	switch {
	case r.Better:
		verdict = " better"
	case r.Worse:
		verdict = " worse"
	}
	if f := *r.Change + 1; f >= 3 {
		return fmt.Sprintf("×%.1f%s", f, verdict)
	}
	return fmt.Sprintf("%+.1f %%%s", 100**r.Change, verdict)
}

// Number writes a figure with three significant digits, and thousands apart.
func Number(v float64) string {
	if v == 0 {
		return "0"
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	s := strconv.FormatFloat(v, 'f', min(digits, 6), 64)
	whole, rest, found := strings.Cut(s, ".")
	if found {
		rest = "." + rest
	}
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return sign + whole + rest
}
