// Package sweep runs a benchmark at each point of a grid: at each combination of the values
// that its keys have. Each point is a run of the command "bench broker", "bench sink" or "bench
// pipeline" as a process of its own, and its report is one file in a directory of results.
//
// A report is there whole or not at all, so a sweep that was stopped or killed is resumed by
// the same command: points whose file is there are not run again. A file is known by all that
// the point's command was given; so a changed grid keeps the points that it has in common with
// the one before.
package sweep
