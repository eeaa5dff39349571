package events

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/schema"
)

// Limits of what is read again for one listener.
const (
	maxMissed     = 20_000 // records
	missedTimeout = 20 * time.Second
)

// errGap is why a listener does not get what it has missed.
var errGap = errors.New("the events since then cannot be sent again")

// missed calls each with the events between two positions, whose ids go on from the first.
func missed(ctx context.Context, c kafka.Config, since, until position, each func(event) error) error {
	from, err := between(since, until)
	if err != nil || len(from) == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, missedTimeout)
	defer cancel()
	cl, err := c.Client(
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.KeepControlRecords(), // so that the last record before the end is fetched, whatever it is
	)
	if err != nil {
		return err
	}
	defer cl.Close()
	starts, err := offsets(ctx, kadm.NewClient(cl).ListStartOffsets)
	if err != nil {
		return err
	}
	left := 0
	for i := range since {
		for n := range since[i] {
			if len(starts[i]) <= n || since[i][n] < until[i][n] && since[i][n] < starts[i][n] {
				return fmt.Errorf("%w: the log has no records that old", errGap)
			}
			if since[i][n] < until[i][n] {
				left++
			}
		}
	}
	cl.AddConsumePartitions(from)
	at := since.clone()
	for left > 0 {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return fmt.Errorf("%w: the log does not answer", errGap)
		}
		var failed error
		fetches.EachRecord(func(r *kgo.Record) {
			i := indexOf(r.Topic)
			if failed != nil || r.Offset >= until[i][r.Partition] {
				return
			}
			at.advance(i, r.Partition, r.Offset+1)
			if r.Offset+1 == until[i][r.Partition] {
				left--
			}
			if !r.Attrs.IsControl() {
				e, err := eventOf(ctx, c.Schemas, i, r)
				e.id = at.String()
				switch {
				case err == nil:
					failed = each(e)
				case errors.Is(err, schema.ErrUnavailable):
					failed = fmt.Errorf("%w: %w", errGap, err)
				}
			}
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}

// between returns where to read from, for each partition that has records between two positions.
func between(since, until position) (map[string]map[int32]kgo.Offset, error) {
	all := make(map[string]map[int32]kgo.Offset)
	records := int64(0)
	for i := range until {
		if len(since[i]) != len(until[i]) {
			return nil, fmt.Errorf("%w: the topics have other partitions", errGap)
		}
		for n, offset := range since[i] {
			switch missed := until[i][n] - offset; {
			case missed < 0:
				return nil, fmt.Errorf("%w: the log is another one", errGap)
			case missed > 0:
				records += missed
				if all[topics[i].name] == nil {
					all[topics[i].name] = make(map[int32]kgo.Offset)
				}
				all[topics[i].name][int32(n)] = kgo.NewOffset().At(offset)
			}
		}
	}
	if records > maxMissed {
		return nil, fmt.Errorf("%w: there are %d records", errGap, records)
	}
	return all, nil
}
