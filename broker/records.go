package broker

import (
	"errors"
	"fmt"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What reads inside batches, decompressing them if need be: the search for a
// timestamp, what is written to compacted topics, and the few batches of which
// their frames do not say that they stay small. All else passes through.

// maxExpansion is how many times a topic's max.message.bytes a batch's records
// may take decompressed. Sightings take ten to twenty times what they are packed
// to, and a producer counts a batch's limit before it packs it, or after.
const maxExpansion = 64

// checkExpansion says whether the records of a batch stay small enough. Too many
// for one batch is what MESSAGE_TOO_LARGE says: Java's producer splits it then,
// as it must where the limit is hit honestly, and no client sends it again.
func (b *Broker) checkExpansion(batch storage.Batch, conf *topicConfig) error {
	limit := int64(conf.maxMessageBytes) * maxExpansion
	err := batch.CheckExpansion(limit, func(decompress func()) {
		b.decompressing.Lock()
		defer b.decompressing.Unlock()
		decompress()
	})
	switch {
	case errors.Is(err, storage.ErrExpands):
		return fmt.Errorf("%w: the batch's records take more than %d bytes decompressed, %d times the topic's max.message.bytes", kerr.MessageTooLarge, limit, maxExpansion)
	case err != nil:
		return fmt.Errorf("%w: %w", kerr.InvalidRecord, err)
	}
	return nil
}

// eachRecord calls fn with the batch's records until it returns false. One batch at a
// time is decompressed, so that many small ones that grow large cannot fill the
// memory: storage bounds one.
func (b *Broker) eachRecord(batch storage.Batch, fn func(*storage.Record) bool) error {
	const codec = 7 // the attribute bits that name it
	if batch.Attributes()&codec != 0 {
		b.decompressing.Lock()
		defer b.decompressing.Unlock()
	}
	return batch.Each(fn)
}

// recordAt finds, in the batch at, the first record with a timestamp of at
// least ms.
func (b *Broker) recordAt(l *storage.Log, at storage.BatchAt, ms int64, sp *kmsg.ListOffsetsResponseTopicPartition) error {
	start := l.Start()
	sp.Offset, sp.Timestamp = max(at.Base, start), at.MaxTime
	raw, err := l.Read(nil, sp.Offset, noLimit, 1)
	if err != nil {
		return err
	}
	if len(raw) == 0 {
		return nil
	}
	err = b.eachRecord(storage.Batch(raw), func(r *storage.Record) bool {
		if r.Timestamp < ms || r.Offset < start {
			return true
		}
		sp.Offset, sp.Timestamp = r.Offset, r.Timestamp
		return false
	})
	if errors.Is(err, storage.ErrUnreadable) {
		return nil
	}
	return err
}

// invalidRecords says which records of a batch a topic does not take.
type invalidRecords []kmsg.ProduceResponseTopicPartitionErrorRecord

// maxInvalid is how many of a batch's records an answer names.
const maxInvalid = 100

func (e invalidRecords) Error() string {
	return fmt.Sprintf("%v: %s (record %d of the batch)", kerr.InvalidRecord, *e[0].ErrorMessage, e[0].RelativeOffset)
}

func (e invalidRecords) Unwrap() error { return kerr.InvalidRecord }

// checkKeys says whether a compacted topic takes the batch: each record has a
// key and its place in the batch, for compaction goes by both.
func (b *Broker) checkKeys(batch storage.Batch) error {
	var bad invalidRecords
	i := int32(-1)
	err := b.eachRecord(batch, func(r *storage.Record) bool {
		i++
		var text string
		switch {
		case r.Key == nil:
			text = "a compacted topic takes no record without a key"
		case r.Offset != batch.Base()+int64(i):
			text = "its offset is not that of its place in the batch"
		default:
			return true
		}
		er := kmsg.NewProduceResponseTopicPartitionErrorRecord()
		er.RelativeOffset, er.ErrorMessage = i, &text
		bad = append(bad, er)
		return len(bad) < maxInvalid
	})
	switch {
	case errors.Is(err, storage.ErrUnreadable): // not CORRUPT_MESSAGE: the same bytes would come again
		return fmt.Errorf("%w: %w", kerr.InvalidRecord, err)
	case len(bad) > 0:
		return bad
	}
	return err
}
