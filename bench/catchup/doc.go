// Package catchup measures the sink alone. It makes a log of sightings, the same in each run,
// and lets a sink that runs as a process of its own write it into PostgreSQL; then the same
// rows go from files into the same empty tables by COPY, which need not decode, look up or
// add up anything: the rounds alternate, and the ratio of both is the figure. With a rate it
// then sends sightings at that rate to a sink that has caught up, and measures the time to
// the commit.
//
// Figures are returned only if the tables hold as many sightings and detections as were sent,
// each once.
package catchup
