// Package kafka is the client side of the log: it turns configuration into franz-go
// clients and produces the sightings, crossings, visits and runs of a source. It uses the Kafka
// protocol and nothing else, so that the bundled broker and an Apache Kafka cluster are
// interchangeable by address.
//
// It owns the names of the topics, their creation, and the two ways in which a source is
// produced:
//
//   - A file can be read again, so its run is resumed. Its records are written in
//     transactions, under a transactional id of its camera. Opening the file fences a
//     predecessor that may still be alive (KIP-98), and only then is the end of the run
//     read, so that the topic itself has each event once. A run that has ended is not
//     started again until its job has ended (EndJob): OpenFile returns *AtEndError. A
//     source that has grown continues its run in both cases. Another source, or another
//     model, starts a new run, and that is logged.
//   - A live source cannot be read again. Its records are sent immediately from one shared
//     idempotent producer, in order, and every opening is a new run.
//
// A producer that the cluster fenced because its transaction took too long is
// distinguished from one whose camera another process has opened (KIP-360). A writer
// whose records are not acknowledged retains them, retries for ever, and reports it
// (Writer.Waiting). No call outlives its context, also while a record that was sent has
// no answer (Produce).
//
// It also owns the form of dead letters, the records that the sink could not store, and
// what users do with them. A dead letter is open until a record with its key and without
// a value follows it. It is retried at least once: its record is acknowledged in its topic
// before the dead letter is marked as done. A record of which only a part was kept, and an
// older record of a run, are never produced again.
//
// # Caveats
//
//   - "Once in the topic" holds for files and for read_committed consumers, except for the
//     records that a user has retried: they are there a second time, behind the later ones
//     of their run. A live run has gaps when its process dies: unacknowledged records are
//     lost with it.
//   - Order is per camera: the key decides the partition. Adding partitions to a topic
//     moves a camera's next run to another partition, and EnsureTopics never does; a run
//     stays in the partition in which it began.
//   - A log that loses acknowledged records (an older copy is restored) is noticed only
//     while a writer of the run is open (ErrTailLost) or by the sink, which compares its
//     stored offsets; a new writer resumes where the log ends.
//   - Resuming reads the run's part of its partition from the log. If retention has removed
//     the beginning, the count of sightings in the run's record is of the rest.
//
// Consuming the records is left to packages sink and occupancy, and writing dead letters
// to sink.
package kafka
