package broker

import (
	"errors"
	"fmt"
	"math"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// This file has the code that reads records inside batches, and decompresses them for
// that: the search for a timestamp, the check of batches for compacted topics, and the
// check of batches whose compression frames do not bound their size. All other batches
// pass through as they are.

// maxExpansion bounds the size of a batch's decompressed records, in multiples of the
// topic's max.message.bytes. Sightings expand to ten to twenty times their compressed
// size, and producers apply the limit before compression or after it.
const maxExpansion = 64

// checkExpansion returns MESSAGE_TOO_LARGE if the decompressed records of a batch would
// be too large. On that error Java's producer splits the batch, which is right for an
// honest one, and no client sends it again unchanged.
func (b *Broker) checkExpansion(batch storage.Batch, conf *topicConfig) error {
	limit := int64(conf.maxMessageBytes) * maxExpansion
	err := batch.CheckExpansion(limit, func(decompress func()) {
		b.decompressing.Lock()
		defer b.decompressing.Unlock()
		decompress()
	})
	switch {
	case errors.Is(err, storage.ErrExpands):
		return fmt.Errorf("%w: the batch's records take more than %d bytes decompressed, %d times the topic's max.message.bytes",
			kerr.MessageTooLarge, limit, maxExpansion)
	case err != nil:
		return fmt.Errorf("%w: %w", kerr.InvalidRecord, err)
	}
	return nil
}

// compressed returns the batch as the topic stores it. One batch at a time is decompressed.
func (b *Broker) compressed(batch storage.Batch, conf *topicConfig) (storage.Batch, error) {
	if conf.codec == asProduced {
		return batch, nil
	}
	b.decompressing.Lock()
	defer b.decompressing.Unlock()
	out, err := batch.Compressed(conf.codec, conf.codecLevel)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", kerr.InvalidRecord, err)
	case len(out) > conf.maxMessageBytes:
		return nil, tooLarge(out, conf)
	}
	return out, nil
}

// tooLarge is MESSAGE_TOO_LARGE for a batch.
func tooLarge(batch storage.Batch, conf *topicConfig) error {
	return fmt.Errorf("%w: the batch has %d bytes, the topic's limit is %d", kerr.MessageTooLarge, len(batch), conf.maxMessageBytes)
}

// eachRecord calls fn with the batch's records until fn returns false. One batch at a
// time is decompressed, so that many small batches that expand cannot fill the memory;
// storage bounds the size of one.
func (b *Broker) eachRecord(batch storage.Batch, fn func(*storage.Record) bool) error {
	const codec = 7 // the attribute bits of the codec
	if batch.Attributes()&codec != 0 {
		b.decompressing.Lock()
		defer b.decompressing.Unlock()
	}
	return batch.Each(fn)
}

// noLimit is an offset beyond the end of every log.
const noLimit = math.MaxInt64

// recordAt sets sp to the first record in the batch with a timestamp of at least ms. If
// the batch cannot be decompressed, it is the batch's first offset.
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

// invalidRecords is the error with the records for which a batch was refused.
type invalidRecords []kmsg.ProduceResponseTopicPartitionErrorRecord

// maxInvalid bounds the records of a batch that a response names.
const maxInvalid = 100

func (e invalidRecords) Error() string {
	return fmt.Sprintf("%v: %s (record %d of the batch)", kerr.InvalidRecord, *e[0].ErrorMessage, e[0].RelativeOffset)
}

func (e invalidRecords) Unwrap() error { return kerr.InvalidRecord }

// checkKeys returns an error unless a compacted topic may store the batch: compaction
// requires that each record has a key, and the offset of its position in the batch.
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
			text = "its offset is not that of its position in the batch"
		default:
			return true
		}
		er := kmsg.NewProduceResponseTopicPartitionErrorRecord()
		er.RelativeOffset, er.ErrorMessage = i, &text
		bad = append(bad, er)
		return len(bad) < maxInvalid
	})
	switch {
	case errors.Is(err, storage.ErrUnreadable): // not CORRUPT_MESSAGE, after which clients send the same bytes again
		return fmt.Errorf("%w: %w", kerr.InvalidRecord, err)
	case len(bad) > 0:
		return bad
	}
	return err
}
