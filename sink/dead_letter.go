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

	"github.com/sightlog/sightlog/kafka"
)

// Sizes of dead letters, in bytes.
const (
	whole    = math.MaxInt // no limit of the value: the dead letter is not cut
	cutValue = 16 << 10    // of the value in a dead letter that is cut
	cutKey   = 1000        // of the key in one
	cutCause = 1000        // of the cause in any
)

// rejectBad sends the entries that have a rejectCause to the dead-letter topic and
// waits for the acknowledgements. It returns all entries, those emptied, so that the
// offset advances over them. An entry whose dead letter was not acknowledged is left
// out, with the later ones of its partition, and the partition is returned with the
// reason: it has to wait.
func (c *consumer) rejectBad(ctx context.Context, items []entry) (rest []entry, waiting map[topicPartition]string) {
	var bad []entry
	var index []int
	for i, it := range items {
		if it.rejectCause != nil {
			bad, index = append(bad, it), append(index, i)
		}
	}
	if len(bad) == 0 {
		return items, nil
	}
	waiting = make(map[topicPartition]string)
	failed := c.send(ctx, bad)
	rest = slices.Clone(items)
	cutFrom := make(map[topicPartition]int64)
	var done []entry
	for i, n := range index {
		it := &rest[n]
		if err := failed[i]; err != nil {
			if _, ok := cutFrom[it.topicPartition]; !ok {
				cutFrom[it.topicPartition] = it.rec.Offset
				waiting[it.topicPartition] = fmt.Sprintf("the dead letter of offset %d cannot be written to %s: %v", it.rec.Offset, kafka.DeadTopic(it.topic), err)
			}
			continue
		}
		done = append(done, *it)
		c.sink.metrics.dead.WithLabelValues(it.topic).Inc()
		c.sink.metrics.rejected.WithLabelValues(it.topic, it.category()).Inc()
		it.empty()
	}
	if len(done) > 0 { // one log line, however many there are
		first := done[0]
		c.log.Warn("sent records that cannot be stored to the dead-letter topic", "records", len(done), "dead", kafka.DeadTopic(first.topic),
			"topic", first.topic, "partition", first.partition, "offset", first.rec.Offset, "err", first.rejectCause, "sqlstate", sqlstate(first.rejectCause))
	}
	rest = slices.DeleteFunc(rest, func(it entry) bool {
		from, ok := cutFrom[it.topicPartition]
		return ok && it.rec.Offset >= from
	})
	return rest, waiting
}

// send produces the dead letters of entries. It returns the errors of those that were
// not acknowledged, by index. After MESSAGE_TOO_LARGE a dead letter is sent again in
// a batch of its own, then with only the head of its value, then without it.
func (c *consumer) send(ctx context.Context, items []entry) map[int]error {
	var letters []*kgo.Record
	index := make(map[*kgo.Record]int)
	for i, it := range items {
		letters = append(letters, newDeadLetterRecord(it, whole))
		index[letters[i]] = i
	}
	failed := make(map[int]error)
	for _, r := range kafka.Produce(ctx, c.sink.dead, letters...) {
		if r.Err != nil {
			failed[index[r.Record]] = r.Err
		}
	}
	for i, err := range failed {
		for _, maxValue := range []int{whole, cutValue, 0} {
			if !errors.Is(err, kerr.MessageTooLarge) {
				break
			}
			err = kafka.Produce(ctx, c.sink.dead, newDeadLetterRecord(items[i], maxValue)).FirstErr()
		}
		if failed[i] = err; err == nil {
			delete(failed, i)
		}
	}
	return failed
}

// newDeadLetterRecord returns the dead letter of an entry, with at most maxValue bytes of
// the value; less than whole cuts the key and drops the record's own headers as well. Its
// form is described at kafka.HeaderDeadCause; package kafka reads it.
func newDeadLetterRecord(it entry, maxValue int) *kgo.Record {
	rec, offset, value := it.rec, it.rec.Offset, it.rec.Value
	header := func(k, v string) kgo.RecordHeader { return kgo.RecordHeader{Key: k, Value: []byte(v)} }
	if it.batch != nil {
		offset, value = it.batch.first, it.batch.raw
	}
	headers := []kgo.RecordHeader{
		header(kafka.HeaderDeadCause, cut(it.rejectCause.Error(), cutCause)),
		header(kafka.HeaderDeadTopic, rec.Topic),
		header(kafka.HeaderDeadPartition, strconv.Itoa(int(rec.Partition))),
		header(kafka.HeaderDeadOffset, strconv.FormatInt(offset, 10)),
		header(kafka.HeaderDeadTimestamp, strconv.FormatInt(rec.Timestamp.UnixMilli(), 10)),
	}
	if it.batch != nil {
		headers = append(headers, header(kafka.HeaderDeadLastOffset, strconv.FormatInt(it.batch.last, 10)))
	}
	key, own := rec.Key, rec.Headers
	if maxValue < whole {
		sum := sha256.Sum256(value)
		headers = append(headers, header(kafka.HeaderDeadSize, strconv.Itoa(len(value))),
			header(kafka.HeaderDeadSHA256, hex.EncodeToString(sum[:])))
		key, own, value = key[:min(len(key), cutKey)], nil, value[:min(len(value), maxValue)]
	}
	if rec.Key != nil {
		headers = append(headers, kgo.RecordHeader{Key: kafka.HeaderDeadKey, Value: key})
	}
	return &kgo.Record{
		Topic:   kafka.DeadTopic(rec.Topic),
		Key:     []byte(kafka.DeadLetterKey(rec.Topic, rec.Partition, offset)),
		Value:   value,
		Headers: append(headers, own...),
		// The timestamp is now: the client counts the delivery timeout from it.
	}
}

// cut returns at most n bytes of s, without half a character, and marks what it cut.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// category returns the label of rejected_total for the cause of a dead letter.
func (it *entry) category() string {
	switch {
	case it.batch != nil:
		return "unreadable"
	case errors.Is(it.rejectCause, errOtherContent):
		return "other content"
	case errors.As(it.rejectCause, new(errKey)):
		return "key"
	case sqlstate(it.rejectCause) != "":
		return "database"
	}
	return "invalid"
}
