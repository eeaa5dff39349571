package query

import (
	"slices"
)

// Reports are all reports, in the order of the help.
var Reports = []Report{people, occupancy, crossings, balance, visits, dwell, queue, tracks, audits, busiest, gaps, heatmap, latest, latency}

// ReportNames returns the names of all reports.
func ReportNames() []string {
	names := make([]string, len(Reports))
	for i, r := range Reports {
		names[i] = r.Name
	}
	return names
}

// Takes reports whether the report takes a flag. Of the flags that no report has, it
// takes all.
func (r Report) Takes(flag string) bool {
	has := func(r Report) bool {
		return slices.Contains(r.Flags, flag) || r.OverTime != nil && slices.Contains(r.OverTime.Flags, flag)
	}
	return has(r) || !slices.ContainsFunc(Reports, has)
}
