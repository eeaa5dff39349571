package page

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sightlog/sightlog/bench/diff"
	"github.com/sightlog/sightlog/bench/result"
)

// facts says what was measured, where, and how far it can be believed: a column for each report.
func facts(all []entry) section {
	t := table{Head: []string{""}}
	for _, e := range all {
		t.Head = append(t.Head, e.label)
	}
	for _, f := range []struct {
		name string
		of   func(r *result.Report) string
	}{
		{"measured", func(r *result.Report) string { return diff.Name(r) }},
		{"correct", func(r *result.Report) string { return correctness(r.Correct) }},
		{"durable", durability},
		{"machine", machine},
		{"system", system},
		{"load", load},
		{"doubts", func(r *result.Report) string { return strings.Join(r.Machine.Warnings, "\n") }},
		{"ended early", func(r *result.Report) string { return r.Cut }},
		{"inputs", inputs},
		{"settings", settings},
		{"rounds", rounds},
		{"programs", programs},
		{"time", func(r *result.Report) string { return r.At.UTC().Format("2006-01-02 15:04:05 UTC") }},
	} {
		row := tableRow{Cells: []string{f.name}}
		for _, e := range all {
			row.Cells = append(row.Cells, f.of(e.Report))
		}
		if strings.Join(row.Cells[1:], "") != "" {
			t.Rows = append(t.Rows, row)
		}
	}
	return section{Title: "What was measured", Tables: []table{t}}
}

func correctness(c result.Correctness) string {
	s := fmt.Sprintf("%s sent, %s stored, %d twice, %d missing, %d out of order",
		count(c.Sent), count(c.Stored), c.Duplicates, c.Missing, c.Disorder)
	if len(c.Problems) > 0 {
		s += "; " + strings.Join(c.Problems, "; ")
	}
	if !c.OK() {
		return "NOT CORRECT: " + s + "."
	}
	return s
}

func durability(r *result.Report) string {
	lines := []string{r.Durability.Stated}
	for _, d := range r.Durability.Disks {
		s := fmt.Sprintf("%s on %s: a write and fdatasync take %s µs, p99 %s µs", d.Use, d.FileSystem, diff.Number(d.P50), diff.Number(d.P99))
		if !d.Durable {
			s += "; faster than any disk, so nothing is on a disk yet"
		}
		lines = append(lines, s)
	}
	return join(lines)
}

func machine(r *result.Report) string {
	if r.Machine.CPUs == 0 {
		return "not known"
	}
	return fmt.Sprintf("%d × %s, %s of memory", r.Machine.CPUs, r.Machine.CPU, size(float64(r.Machine.Memory)))
}

func system(r *result.Report) string {
	s := strings.TrimSpace(r.Machine.OS + " " + r.Machine.Kernel + " " + r.Machine.Arch)
	if r.Machine.Virtual != "" {
		s += ", virtual: " + r.Machine.Virtual
	}
	return s
}

func load(r *result.Report) string {
	lines := []string{fmt.Sprintf("%.2f before the start, steal %.1f %%", r.Machine.Load, 100*r.Machine.Steal)}
	for _, o := range r.Machine.Others {
		lines = append(lines, fmt.Sprintf("%s (%d) took %.0f %% of a CPU", o.Name, o.PID, 100*o.CPU))
	}
	return join(lines)
}

func inputs(r *result.Report) string {
	var lines []string
	for _, in := range r.Inputs {
		lines = append(lines, fmt.Sprintf("%s %s, %s, sha256 %.12s", in.Role, in.Name, size(float64(in.Bytes)), in.SHA256))
	}
	return join(lines)
}

func settings(r *result.Report) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(r.Settings)) {
		all = append(all, name+"="+r.Settings[name])
	}
	return strings.Join(all, ", ")
}

func rounds(r *result.Report) string {
	return fmt.Sprintf("%d, together %s: %s frames or records, %s dropped, %s late; before: start-up %s, warm-up %s each",
		len(r.Rounds), seconds(r.Total.Seconds), count(r.Total.Frames), count(r.Total.Dropped), count(r.Total.Late),
		seconds(r.Startup), seconds(r.Warmup))
}

func programs(r *result.Report) string {
	var all []string
	for _, p := range []struct{ name, version string }{
		{"sightlog", r.Version}, {"onnxruntime", r.Machine.Onnx}, {"PostgreSQL", r.Machine.PostgreSQL}, {"broker", r.Machine.Broker},
	} {
		if p.version != "" {
			all = append(all, p.name+" "+p.version)
		}
	}
	return strings.Join(all, ", ")
}

// join puts lines that are not empty below each other.
func join(lines []string) string {
	return strings.Join(slices.DeleteFunc(lines, func(s string) bool { return s == "" }), "\n")
}

func count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(10 * time.Millisecond).String()
}

// size is a number of bytes for people.
func size(v float64) string {
	unit := "bytes"
	for _, next := range []string{"KB", "MB", "GB", "TB"} {
		if abs(v) < 1000 {
			break
		}
		v, unit = v/1000, next
	}
	return fmt.Sprintf("%.3g %s", v, unit)
}
