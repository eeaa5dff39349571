// Package pipeline assembles the stages right of the detector and supervises
// those left of it. It needs neither camera nor model, so bin/sightlogd can
// have it; package pipeline/detect runs the readers and the detector.
//
//	run      ┌───────────── one process ─────────────┐
//	         │ bundled broker, private PostgreSQL,   │
//	         │ migrations, sinks                     │
//	         └──────────────▲────────────────────────┘
//	                        │ Kafka protocol on loopback
//	         ┌──────────────┴────────────────────────┐
//	         │ sightlog detect (a child, restarted): │
//	         │ readers → detector → producer         │
//	         └───────────────────────────────────────┘
//
// The data directory (package datadir) belongs to one process at a time. Services
// stop in the order of the data: child, sinks, database, broker.
//
// A job is the sources that one start was given. It promises:
//   - a job is read once, whatever is killed when, however often it is started
//     again until it is done. An unfinished file is resumed at its next frame; a
//     file that has ended is not read again until every source of the job has
//     ended and the tables hold all of it. That is the last thing a job says to
//     the log (Status.EndJob), before the broker stops; a start after it is a
//     new job. A job killed in the milliseconds between is done.
//   - a child that crashes is started again until it crashes five times without
//     progress; the error then says how it ended and what it said last. A crash
//     after the end of every source is a warning. A child that cannot be started,
//     or that somebody else told to stop, counts as one that crashed; one that
//     ends with us, by a signal to all of a control group, does not.
//   - what keeps sightings from the log or from the tables (a full or failed
//     disk, a partition that is stopped or waits, a log that does not
//     acknowledge) is in Progress.Problems and in /healthz while it lasts. A
//     broker whose disk failed takes writes again after a restart only, and says
//     so: it is not started again by itself, because what the disk holds is for
//     a user to find out.
//   - Progress.Lag counts every sighting that is not in the tables, and is -1
//     while that cannot be known. Run does not return nil while a partition is
//     stopped, nor when it is interrupted while one waits. No lag is no proof:
//     a log that was put back may end where the tables are, so that the records
//     before the offsets are compared, too.
package pipeline
