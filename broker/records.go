package broker

import (
	"errors"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// recordAt finds, in the batch at, the first record with a timestamp of at
// least ms. It reads inside the batch, decompressing it if need be: this is
// off the path that records take.
func recordAt(l *storage.Log, at storage.BatchAt, ms int64, sp *kmsg.ListOffsetsResponseTopicPartition) error {
	start := l.Start()
	sp.Offset, sp.Timestamp, sp.LeaderEpoch = max(at.Base, start), at.MaxTime, leaderEpoch
	raw, err := l.Read(nil, sp.Offset, noLimit, 1)
	if err != nil {
		return err
	}
	if len(raw) == 0 {
		return nil
	}
	err = storage.Batch(raw).Each(func(r *storage.Record) bool {
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
