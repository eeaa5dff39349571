package kafka

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
)

// Snapshots produces snapshots, as well as it can: it never waits for the log, and a snapshot that
// the log does not take in time is dropped and counted. Any goroutine may use it.
type Snapshots struct {
	cl      *kgo.Client
	sent    atomic.Int64
	dropped atomic.Int64
}

// snapshotBuffer is the number of snapshots that may be unacknowledged, of about 10 kB each, and
// snapshotTimeout the time after which one is given up.
const (
	snapshotBuffer  = 512
	snapshotTimeout = 30 * time.Second
)

// OpenSnapshots opens the producer. It does not connect yet.
func OpenSnapshots(c Config) (*Snapshots, error) {
	opts, err := c.producing()
	if err != nil {
		return nil, err
	}
	cl, err := c.Client(append(opts, kgo.MaxBufferedRecords(snapshotBuffer), kgo.RecordDeliveryTimeout(snapshotTimeout))...)
	if err != nil {
		return nil, err
	}
	return &Snapshots{cl: cl}, nil
}

// Send hands a snapshot to the log.
func (p *Snapshots) Send(s *event.Snapshot) error {
	b, err := s.Encode()
	if err != nil {
		return err
	}
	rec := &kgo.Record{
		Topic: SnapshotTopic, Key: []byte(s.Key()), Value: b, Timestamp: time.Now(),
		Headers: headers(event.SchemaSnapshot, event.ContentTypeJSON),
	}
	p.cl.TryProduce(context.Background(), rec, func(_ *kgo.Record, err error) {
		if err != nil {
			p.dropped.Add(1)
			return
		}
		p.sent.Add(1)
	})
	return nil
}

// Counts returns how many snapshots were acknowledged and how many dropped.
func (p *Snapshots) Counts() (sent, dropped int64) { return p.sent.Load(), p.dropped.Load() }

// Close waits for the last acknowledgements until ctx ends, and closes the producer.
func (p *Snapshots) Close(ctx context.Context) {
	_ = p.cl.Flush(ctx) // what is left is dropped
	p.cl.Close()
}

// EraseSnapshots writes a tombstone for each of the keys: the sinks delete their rows, and compaction
// removes the records.
func EraseSnapshots(ctx context.Context, c Config, keys []string) error {
	opts, err := c.producing()
	if err != nil {
		return err
	}
	cl, err := c.Client(opts...)
	if err != nil {
		return err
	}
	defer cl.Close()
	recs := make([]*kgo.Record, len(keys))
	for i, key := range keys {
		recs[i] = &kgo.Record{Topic: SnapshotTopic, Key: []byte(key), Headers: headers(event.SchemaSnapshot, event.ContentTypeJSON)}
	}
	if err := Produce(ctx, cl, recs...).FirstErr(); err != nil {
		return fmt.Errorf("erase snapshots: %w", err)
	}
	return nil
}
