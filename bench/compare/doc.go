// Package compare measures sightlog beside the pipeline that people would write instead
// (bench/baseline), on one machine, with the same clip, model, cameras and database server.
//
//	round 1: sightlog, tuned, naive   round 2: naive, tuned, sightlog   …
//
// Each side of a round starts with an empty log and an empty private database. A side of
// the baseline is three kinds of process: produce.py, Apache Kafka, consume.py.
package compare
