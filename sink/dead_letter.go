package sink

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/stream"
)

// Headers of a dead letter, before the record's own. Its value is the record's
// and its key says where it came from, so that one that is sent twice is known.
//
// A letter that is too large for its topic has the head of the value, and in
// place of the record's own headers the size and the hash of the value. One of
// a batch that could not be read has the batch as its value, as it lies in the
// log, and its last offset in a header.
const (
	HeaderDeadCause      = "dead-cause"
	HeaderDeadTopic      = "dead-topic"
	HeaderDeadPartition  = "dead-partition"
	HeaderDeadOffset     = "dead-offset"
	HeaderDeadLastOffset = "dead-last-offset"
	HeaderDeadTimestamp  = "dead-timestamp" // the record's, milliseconds since 1970
	HeaderDeadKey        = "dead-key"       // the record's key, absent if it had none
	HeaderDeadSize       = "dead-size"      // of the whole value, in bytes
	HeaderDeadSHA256     = "dead-sha256"    // of the whole value, hexadecimal
)

// Sizes of letters.
const (
	maxLetter = 16 << 20 // what is sent at all; the topic's own limit is the broker's to say
	headSize  = 16 << 10
	keySize   = 1000 // of a key in a letter that was cut
)

// deadLetter makes the letter of an item, with at most head bytes of the value.
func deadLetter(it item, head int) *kgo.Record {
	rec, offset, value := it.rec, it.rec.Offset, it.rec.Value
	header := func(k, v string) kgo.RecordHeader { return kgo.RecordHeader{Key: k, Value: []byte(v)} }
	if it.batch != nil {
		offset, value = it.batch.first, it.batch.raw
	}
	headers := []kgo.RecordHeader{
		header(HeaderDeadCause, cut(it.bad.Error(), 1000)),
		header(HeaderDeadTopic, rec.Topic),
		header(HeaderDeadPartition, strconv.Itoa(int(rec.Partition))),
		header(HeaderDeadOffset, strconv.FormatInt(offset, 10)),
		header(HeaderDeadTimestamp, strconv.FormatInt(rec.Timestamp.UnixMilli(), 10)),
	}
	if it.batch != nil {
		headers = append(headers, header(HeaderDeadLastOffset, strconv.FormatInt(it.batch.last, 10)))
	}
	key, own := rec.Key, rec.Headers
	if head < whole {
		sum := sha256.Sum256(value)
		headers = append(headers, header(HeaderDeadSize, strconv.Itoa(len(value))), header(HeaderDeadSHA256, hex.EncodeToString(sum[:])))
		key, own, value = key[:min(len(key), keySize)], nil, value[:min(len(value), head)]
	}
	if rec.Key != nil {
		headers = append(headers, kgo.RecordHeader{Key: HeaderDeadKey, Value: key})
	}
	return &kgo.Record{
		Topic:   stream.DeadTopic(rec.Topic),
		Key:     fmt.Appendf(nil, "%s/%d/%d", rec.Topic, rec.Partition, offset),
		Value:   value,
		Headers: append(headers, own...),
		// Its own timestamp is now: the client counts the time to deliver from it.
	}
}

const whole = math.MaxInt

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// send sends the letters of items and returns, by their index, why they could
// not be sent. A batch of letters that is too large for the topic is sent
// again, each letter alone; a letter that is too large alone, without all but
// the head of its value.
func (c *consumer) send(ctx context.Context, items []item) map[int]error {
	var letters []*kgo.Record
	index := make(map[*kgo.Record]int)
	for i, it := range items {
		letters = append(letters, deadLetter(it, whole))
		index[letters[i]] = i
	}
	failed := make(map[int]error)
	for _, r := range c.dead.ProduceSync(ctx, letters...) {
		if r.Err != nil {
			failed[index[r.Record]] = r.Err
		}
	}
	for i, err := range failed {
		for _, head := range []int{whole, headSize, 0} {
			if !errors.Is(err, kerr.MessageTooLarge) {
				break
			}
			err = c.dead.ProduceSync(ctx, deadLetter(items[i], head)).FirstErr()
		}
		if failed[i] = err; err == nil {
			delete(failed, i)
		}
	}
	return failed
}

// reason is why an item is a dead letter, in a word for the metric.
func (it *item) reason() string {
	switch {
	case it.batch != nil:
		return "unreadable"
	case errors.Is(it.bad, errOtherContent):
		return "other content"
	case errors.As(it.bad, new(errKey)):
		return "key"
	case sqlstate(it.bad) != "":
		return "database"
	}
	return "invalid"
}

// bury sends the bad among items to the topic of dead letters and waits for
// all of them. They come back empty, to move the offset over them. Where one
// could not be sent, it and what follows it in its partition are cut out, and
// the partition is returned: it has to wait.
func (c *consumer) bury(ctx context.Context, items []item) (rest []item, waiting map[place]string) {
	var bad []item
	var index []int
	for i, it := range items {
		if it.bad != nil {
			bad, index = append(bad, it), append(index, i)
		}
	}
	if len(bad) == 0 {
		return items, nil
	}
	waiting = make(map[place]string)
	failed := c.send(ctx, bad)
	rest = slices.Clone(items)
	cutFrom := make(map[place]int64)
	var done []item
	for i, n := range index {
		it := &rest[n]
		if err := failed[i]; err != nil {
			if _, ok := cutFrom[it.place]; !ok {
				cutFrom[it.place] = it.rec.Offset
				waiting[it.place] = fmt.Sprintf("the dead letter of offset %d cannot be written to %s: %v", it.rec.Offset, stream.DeadTopic(it.topic), err)
			}
			continue
		}
		done = append(done, *it)
		c.metrics.dead.WithLabelValues(it.topic).Inc()
		c.metrics.rejected.WithLabelValues(it.topic, it.reason()).Inc()
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
