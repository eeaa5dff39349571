// Package pipeline runs the services downstream of the detector (broker, database, sinks)
// and supervises the detect child, which runs the stages upstream of them. It needs
// neither camera nor model, so that bin/sightlogd can have it; package pipeline/detect is
// the readers and the detector.
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
// A job is the set of sources given to one start. Package pipeline promises:
//   - A job is read once, whatever is killed when, and however often it is started again
//     until it is complete. An unfinished file is resumed at its next frame. A file that
//     has ended is not read again until every source of the job has ended and all
//     sightings are in the tables. The job then ends with a record in the log
//     (Status.EndJob), before the broker stops; a start after that is a new job. A job
//     killed in the milliseconds in between is complete.
//   - A child that crashes is restarted until it has crashed five times in a row without
//     progress; the error then describes its end and has its last message. With --wait it
//     is restarted for ever. A crash after every source has ended is a warning. A child
//     that cannot be started, or that another process stopped, counts as one that crashed.
//     One that ends because a signal reached the whole control group, and so this process
//     as well, does not.
//   - While sightings do not reach the log or the tables (a full or failed disk, a
//     partition that is stopped or waits, a log that does not acknowledge), the reason is
//     in Progress.Problems and in /healthz. A broker whose disk failed accepts writes only
//     after a restart, and reports that; it is not restarted automatically, because a user
//     has to find out what the disk still has.
//   - Progress.Lag counts every sighting that is not in the tables, and is -1 while it is
//     unknown. Run does not return nil while a partition is stopped, nor when it is
//     interrupted while one waits. A lag of 0 alone is no proof: a restored log may end at
//     the stored offset, so the records before the offsets are compared too.
package pipeline
