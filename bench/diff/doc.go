// Package diff compares two reports of a benchmark: which figures differ, by how much, and
// whether the rounds prove it.
//
// Of each figure it takes the value of every round. The medians are compared by the
// Mann-Whitney U-test (exact for such samples), which assumes no distribution; each median
// has its interval of order statistics. Both are golang.org/x/perf/benchmath, on which
// benchstat is built. A difference that the test does not prove is none. The package
// neither measures nor reads files.
package diff
