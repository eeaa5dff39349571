package sink

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/stream"
)

// Headers of a dead letter, before the record's own. Its value is the record's
// and its key says where it came from, so that one that is sent twice is known.
const (
	HeaderDeadCause     = "dead-cause"
	HeaderDeadTopic     = "dead-topic"
	HeaderDeadPartition = "dead-partition"
	HeaderDeadOffset    = "dead-offset"
	HeaderDeadTimestamp = "dead-timestamp" // the record's, milliseconds since 1970
	HeaderDeadKey       = "dead-key"       // the record's key, absent if it had none
)

func deadLetter(it item) *kgo.Record {
	rec := it.rec
	head := func(k, v string) kgo.RecordHeader { return kgo.RecordHeader{Key: k, Value: []byte(v)} }
	headers := []kgo.RecordHeader{
		head(HeaderDeadCause, cut(it.bad.Error(), 1000)),
		head(HeaderDeadTopic, rec.Topic),
		head(HeaderDeadPartition, strconv.Itoa(int(rec.Partition))),
		head(HeaderDeadOffset, strconv.FormatInt(rec.Offset, 10)),
		head(HeaderDeadTimestamp, strconv.FormatInt(rec.Timestamp.UnixMilli(), 10)),
	}
	if rec.Key != nil {
		headers = append(headers, kgo.RecordHeader{Key: HeaderDeadKey, Value: rec.Key})
	}
	return &kgo.Record{
		Topic:   stream.DeadTopic(rec.Topic),
		Key:     fmt.Appendf(nil, "%s/%d/%d", rec.Topic, rec.Partition, rec.Offset),
		Value:   rec.Value,
		Headers: append(headers, rec.Headers...),
		// Its own timestamp is now: the client counts the time to deliver from it.
	}
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// bury sends the bad among items to the topic of dead letters and waits for
// all of them. They come back empty, to move the offset over them. Where one
// could not be sent, it and what follows it in its partition are cut out, and
// the partition is returned: it has to wait.
func (c *consumer) bury(ctx context.Context, items []item) (rest []item, waiting map[place]string) {
	var letters []*kgo.Record
	var buried []int
	for i, it := range items {
		if it.bad != nil {
			letters = append(letters, deadLetter(it))
			buried = append(buried, i)
		}
	}
	if len(letters) == 0 {
		return items, nil
	}
	waiting = make(map[place]string)
	failed := make(map[*kgo.Record]error)
	for _, r := range c.dead.ProduceSync(ctx, letters...) {
		if r.Err != nil {
			failed[r.Record] = r.Err
		}
	}
	rest = slices.Clone(items)
	cutFrom := make(map[place]int64)
	var done []item
	for i, n := range buried {
		it := &rest[n]
		if err := failed[letters[i]]; err != nil {
			if _, ok := cutFrom[it.place]; !ok {
				cutFrom[it.place] = it.rec.Offset
				waiting[it.place] = fmt.Sprintf("the dead letter of offset %d cannot be written to %s: %v", it.rec.Offset, letters[i].Topic, err)
				c.log.Error("a dead letter cannot be written, its partition waits", "topic", it.topic,
					"partition", it.partition, "offset", it.rec.Offset, "dead", letters[i].Topic, "cause", err)
			}
			continue
		}
		done = append(done, *it)
		c.metrics.dead.WithLabelValues(it.topic).Inc()
		it.empty()
	}
	if len(done) > 0 { // one line, however many: whoever sends rubbish sends much
		first := done[0]
		c.log.Warn("buried records that cannot be stored", "records", len(done), "dead", stream.DeadTopic(first.topic),
			"topic", first.topic, "partition", first.partition, "offset", first.rec.Offset, "cause", first.bad, "sqlstate", sqlstate(first.bad))
	}
	rest = slices.DeleteFunc(rest, func(it item) bool {
		from, ok := cutFrom[it.place]
		return ok && it.rec.Offset >= from
	})
	return rest, waiting
}
