// Package result is what a benchmark writes and other programs read: the types of a
// report and their JSON, described in docs/bench.md.
//
// A report says what was measured (Kind, Settings, Inputs), where (Machine), how durable
// it was (Durability), whether nothing was lost (Correctness), and the figures: of each
// round and of all rounds together. Latencies are HDR histograms in the encoding that the
// HdrHistogram libraries of all languages share, so that a reader can plot and merge
// them. The package neither measures nor draws anything.
package result
