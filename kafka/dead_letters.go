package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// deadStall is the time after which a user no longer waits for the next record.
const deadStall = 30 * time.Second

// ReadDeadLetters returns the dead letters of topics that are not done, the newest
// last. A topic that does not exist has none. If the sink has sent the dead letter of a
// record more than once, the last of them is returned.
func ReadDeadLetters(ctx context.Context, c Config, topics ...string) ([]DeadLetter, error) {
	topics, err := withDeadTopics(ctx, c, topics)
	if err != nil {
		return nil, err
	}
	type place struct {
		partition int32
		key       string
	}
	var all []DeadLetter
	reasons := make(map[string]string) // each text is in memory once
	for _, topic := range topics {
		open := make(map[place][]DeadLetter) // more than one where the log was replaced
		err := readBounded(ctx, c, DeadTopic(topic), nil, func(r *kgo.Record) error {
			key := place{r.Partition, string(r.Key)}
			d, _, ok := parseDeadLetter(r)
			switch {
			case ok:
				reason, known := reasons[d.Cause]
				if !known {
					reason, reasons[d.Cause] = d.Cause, d.Cause
				}
				d.Cause = reason
				same := func(o DeadLetter) bool { return o.Timestamp == d.Timestamp }
				open[key] = append(slices.DeleteFunc(open[key], same), d)
			case r.Value == nil:
				delete(open, key)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for _, ds := range open {
			all = append(all, ds...)
		}
	}
	slices.SortFunc(all, func(a, b DeadLetter) int {
		return cmp.Or(a.Written.Compare(b.Written), cmp.Compare(a.Topic, b.Topic),
			cmp.Compare(a.at.Partition, b.at.Partition), cmp.Compare(a.at.Offset, b.at.Offset))
	})
	return all, nil
}

// withDeadTopics returns those of topics whose topic of dead letters exists.
func withDeadTopics(ctx context.Context, c Config, topics []string) (there []string, err error) {
	cl, err := c.Client()
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = DeadTopic(t)
	}
	details, err := kadm.NewClient(cl).ListTopics(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	for i, t := range topics {
		switch err := details[names[i]].Err; {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
		case err != nil:
			return nil, fmt.Errorf("read %s: %w", names[i], err)
		default:
			there = append(there, t)
		}
	}
	return there, nil
}

// errEnough ends readBounded without an error.
var errEnough = errors.New("no more records are needed")

// readBounded is readCommitted, and fails after deadStall without a record.
func readBounded(ctx context.Context, c Config, topic string, only map[int32]int64, each func(*kgo.Record) error) error {
	reading, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := fmt.Errorf("read %s: no record arrives for %s", topic, deadStall)
	timer := time.AfterFunc(deadStall, func() { cancel(stalled) })
	defer timer.Stop()
	err := readCommitted(reading, c, topic, only, func(r *kgo.Record) error {
		timer.Stop() // each may wait for acknowledgements
		defer timer.Reset(deadStall)
		return each(r)
	})
	switch {
	case errors.Is(err, errEnough):
		return nil
	case err != nil && context.Cause(reading) == stalled: //nolint:errorlint // this very error
		return stalled
	}
	return err
}

// ReadDeadLetter returns the record that a dead letter is of: its key, value and
// headers. If the dead letter is not whole, so is the value; of a batch, the value is the
// batch.
func ReadDeadLetter(ctx context.Context, c Config, d DeadLetter) (original *kgo.Record, err error) {
	err = eachOriginal(ctx, c, []DeadLetter{d}, func(_ DeadLetter, r *kgo.Record) error {
		original = r
		return nil
	})
	return original, err
}

// eachOriginal calls each with the records that dead letters of one topic are of, in the
// order in which the dead letters were written.
func eachOriginal(ctx context.Context, c Config, letters []DeadLetter, each func(DeadLetter, *kgo.Record) error) error {
	wanted := make(map[Position]DeadLetter, len(letters))
	from := make(map[int32]int64)
	for _, d := range letters {
		wanted[d.at] = d
		if first, ok := from[d.at.Partition]; !ok || d.at.Offset < first {
			from[d.at.Partition] = d.at.Offset
		}
	}
	err := readBounded(ctx, c, DeadTopic(letters[0].Topic), from, func(r *kgo.Record) error {
		at := Position{Partition: r.Partition, Offset: r.Offset}
		d, ok := wanted[at]
		if !ok {
			return nil
		}
		_, original, ok := parseDeadLetter(r)
		if !ok {
			return fmt.Errorf("read %s: partition %d has another record at offset %d now", r.Topic, r.Partition, r.Offset)
		}
		delete(wanted, at)
		if err := each(d, original); err != nil {
			return err
		}
		if len(wanted) == 0 {
			return errEnough
		}
		return nil
	})
	if err == nil && len(wanted) > 0 {
		err = fmt.Errorf("read %s: %d dead letters are gone since they were listed", DeadTopic(letters[0].Topic), len(wanted))
	}
	return err
}
