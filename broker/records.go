package broker

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// recordAt finds, in the batch at, the first record with a timestamp of at
// least ms. It reads inside the batch, decompressing it if need be: this is
// off the path that records take.
func recordAt(l *storage.Log, at storage.BatchAt, ms int64, sp *kmsg.ListOffsetsResponseTopicPartition) error {
	sp.Offset, sp.Timestamp, sp.LeaderEpoch = at.Base, at.MaxTime, leaderEpoch
	raw, err := l.Read(nil, max(at.Base, l.Start()), noLimit, 1)
	if err != nil {
		return err
	}
	if len(raw) == 0 {
		return nil
	}
	b := storage.Batch(raw)
	if b.Attributes()&(1<<3) != 0 {
		return nil // log append time: every record has the batch's
	}
	err = eachRecord(b, func(delta int32, timestamp int64, _ []byte) bool {
		if timestamp < ms || b.Base()+int64(delta) < l.Start() {
			return true
		}
		sp.Offset, sp.Timestamp = b.Base()+int64(delta), timestamp
		return false
	})
	if errors.Is(err, errUnreadable) {
		return nil
	}
	return err
}

var errUnreadable = errors.New("records cannot be read")

// eachRecord calls fn with the offset delta, timestamp and key of the batch's
// records until it returns false.
func eachRecord(b storage.Batch, fn func(delta int32, timestamp int64, key []byte) bool) error {
	const header = 61
	records := []byte(b[header:b.Size()])
	if codec := b.Attributes() & 7; codec != 0 {
		plain, err := kgo.DefaultDecompressor().Decompress(records, kgo.CompressionCodecType(codec))
		if err != nil {
			return fmt.Errorf("%w: %w", errUnreadable, err)
		}
		records = plain
	}
	for range b.Records() {
		n, w := binary.Varint(records)
		if w <= 0 || n < 0 || n > int64(len(records)-w) {
			return fmt.Errorf("%w: short record", errUnreadable)
		}
		rec := records[:w+int(n)]
		records = records[w+int(n):]
		var r kmsg.Record
		if err := r.ReadFrom(rec); err != nil {
			return fmt.Errorf("%w: %w", errUnreadable, err)
		}
		if !fn(r.OffsetDelta, b.FirstTime()+r.TimestampDelta64, r.Key) {
			return nil
		}
	}
	return nil
}
