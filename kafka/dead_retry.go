package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Bounds of one step of a retry: so many records, of so many bytes of values.
const (
	retryRecords = 1000
	retryBytes   = 8 << 20
)

// deadTimeout bounds the wait for an acknowledgement of what a user had produced.
const deadTimeout = 30 * time.Second

// maxRetried is the largest batch of records that are produced again. A dead letter that
// is whole was not larger.
const maxRetried = 16 << 20

// RetryRefusals returns for each dead letter why it cannot be retried, or "".
//
// In the topic Runs, the newest record of a run counts, and it alone stays when the topic
// is compacted. An older one must not be produced after it: a run that has ended would be
// open again.
func RetryRefusals(ctx context.Context, c Config, letters []DeadLetter) ([]string, error) {
	why := make([]string, len(letters))
	runs := false
	for i, d := range letters {
		switch {
		case d.Batch:
			why[i] = "it is a batch that cannot be read"
		case !d.Whole():
			why[i] = fmt.Sprintf("only %d of its %d bytes are kept", d.Kept, d.Size)
		}
		runs = runs || d.Topic == Runs
	}
	if !runs {
		return why, nil
	}
	type newestRecord struct {
		offset int64
		id     runRecordID
	}
	newest := make(map[string]newestRecord) // by the record's key, and by its run
	err := readBounded(ctx, c, Runs, nil, func(r *kgo.Record) error {
		n := newestRecord{r.Offset, identifyRun(r.Key, r.Value)}
		newest[n.id.key], newest[n.id.run] = n, n
		return nil
	})
	for i, d := range letters {
		for _, id := range []string{d.run.key, d.run.run} {
			n, ok := newest[id]
			if why[i] == "" && d.Topic == Runs && id != "" && ok && n.offset > d.Offset && n.id.sum != d.run.sum {
				why[i] = fmt.Sprintf("the log has a newer record of its run, at %s", DeadLetterKey(Runs, d.Partition, n.offset))
			}
		}
	}
	return why, err
}

// RetryDeadLetters produces the records of dead letters to their topics again, with
// their keys, values and headers, and a timestamp of now, so that retention does not
// remove them before they are read. The acknowledgement of all in-sync replicas is
// awaited; only then is the dead letter marked as done. If that mark is not written, a
// second retry produces the record twice, and the sink recognises an event that the
// tables have.
//
// letters must be those that RetryRefusals does not refuse. RetryDeadLetters returns the
// number of those that were produced and marked. After an error the others are dead
// letters still.
func RetryDeadLetters(ctx context.Context, c Config, letters []DeadLetter) (n int, err error) {
	opts, err := c.producing()
	if err != nil {
		return 0, err
	}
	records, err := deadProducer(c, opts...)
	if err != nil {
		return 0, err
	}
	defer records.Close()
	marks, err := deadProducer(c, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return 0, err
	}
	defer marks.Close()
	for _, ds := range byTopic(letters) {
		step := &retryStep{records: records, marks: marks}
		err := eachOriginal(ctx, c, ds, func(d DeadLetter, r *kgo.Record) error {
			if len(step.letters) == retryRecords || step.bytes+len(r.Value) > retryBytes {
				if err := step.finish(ctx); err != nil {
					return err
				}
			}
			step.letters, step.originals = append(step.letters, d), append(step.originals, r)
			step.bytes += len(r.Value)
			return nil
		})
		if err == nil {
			err = step.finish(ctx)
		}
		if n += step.done; err != nil {
			return n, err
		}
	}
	return n, nil
}

// DropDeadLetters marks dead letters as done. It returns the number of those that were
// marked.
func DropDeadLetters(ctx context.Context, c Config, letters []DeadLetter) (n int, err error) {
	marks, err := deadProducer(c, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return 0, err
	}
	defer marks.Close()
	recs := make([]*kgo.Record, len(letters))
	for i, d := range letters {
		recs[i] = d.mark("dropped")
	}
	for _, err := range produceEach(ctx, marks, recs) {
		if err != nil {
			return n, fmt.Errorf("mark dead letters as dropped: %w", err)
		}
		n++
	}
	return n, nil
}

// deadProducer returns a client that produces for a user who waits: it gives up after
// deadTimeout, and is then closed.
func deadProducer(c Config, opts ...kgo.Opt) (*kgo.Client, error) {
	return c.Client(append(opts,
		kgo.ProducerLinger(0),
		kgo.ProducerBatchMaxBytes(maxRetried),
		kgo.UnknownTopicRetries(4),
		kgo.RecordDeliveryTimeout(deadTimeout),
		kgo.AllowIdempotentProduceCancellation(), // also while the outcome of a try is unknown
	)...)
}

// byTopic returns letters, those of one topic together.
func byTopic(letters []DeadLetter) [][]DeadLetter {
	var groups [][]DeadLetter
	index := make(map[string]int)
	for _, d := range letters {
		i, ok := index[d.Topic]
		if !ok {
			i = len(groups)
			index[d.Topic], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], d)
	}
	return groups
}

// mark returns the record that marks the dead letter as done. It is in the same
// partition, also where partitions were added to the topic since.
func (d *DeadLetter) mark(how string) *kgo.Record {
	return &kgo.Record{
		Topic: DeadTopic(d.Topic), Partition: d.at.Partition, Key: []byte(d.Key),
		Headers: []kgo.RecordHeader{{Key: HeaderDeadDone, Value: []byte(how)}},
	}
}

// retryStep is a part of a retry that fits in memory.
type retryStep struct {
	records, marks *kgo.Client
	letters        []DeadLetter
	originals      []*kgo.Record // of letters
	bytes          int           // of the originals' values
	done           int           // produced and marked, in all steps
}

// finish produces the originals, then the marks of those that were acknowledged, and
// empties the step.
func (s *retryStep) finish(ctx context.Context) error {
	var first error
	var marks []*kgo.Record
	for i, err := range produceEach(ctx, s.records, s.originals) {
		d, r := s.letters[i], s.originals[i]
		switch {
		case err == nil:
			marks = append(marks, d.mark("retried as "+DeadLetterKey(r.Topic, r.Partition, r.Offset)))
		case first == nil:
			first = fmt.Errorf("produce %s again: %w", d.Key, err)
		}
	}
	for i, err := range produceEach(ctx, s.marks, marks) {
		if err == nil {
			s.done++
		} else if first == nil {
			first = fmt.Errorf("%s was produced again, and is not marked as done: %w", marks[i].Key, err)
		}
	}
	s.letters, s.originals, s.bytes = nil, nil, 0
	return first
}

// produceEach produces recs and returns the error of each. A record whose batch is too
// large for the topic is sent again in a batch of its own.
func produceEach(ctx context.Context, cl *kgo.Client, recs []*kgo.Record) []error {
	errs := make([]error, len(recs))
	index := make(map[*kgo.Record]int, len(recs))
	for i, r := range recs {
		index[r] = i
	}
	for _, r := range Produce(ctx, cl, recs...) {
		errs[index[r.Record]] = r.Err
	}
	for i, err := range errs {
		if errors.Is(err, kerr.MessageTooLarge) {
			errs[i] = Produce(ctx, cl, recs[i]).FirstErr()
		}
	}
	return errs
}
