package kafka

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
)

// Headers of a dead letter, before the record's own. The first five are always there, the
// others only where they apply. The reader relies on the order: it takes the first header
// that it does not expect, and all behind it, as the record's own. So a new header stands
// last of all, behind HeaderDeadKey, where an older reader gives it to the record that it
// retries and is not misled about the others.
//
// The value is the record's. The key is the record's origin (DeadLetterKey), so that a
// dead letter that was sent twice is recognised.
//
// A dead letter that is too large for its topic has the head of the value and, in
// place of the record's own headers, the size and the hash of the value. For a batch
// that cannot be read the value is the raw batch, and a header has its last offset.
const (
	HeaderDeadCause      = "dead-cause"
	HeaderDeadTopic      = "dead-topic"
	HeaderDeadPartition  = "dead-partition"
	HeaderDeadOffset     = "dead-offset"
	HeaderDeadTimestamp  = "dead-timestamp" // the record's, milliseconds since 1970
	HeaderDeadLastOffset = "dead-last-offset"
	HeaderDeadSize       = "dead-size"   // of the whole value, in bytes
	HeaderDeadSHA256     = "dead-sha256" // of the whole value, hexadecimal
	HeaderDeadKey        = "dead-key"    // the record's key, absent if it had none
)

// HeaderDeadDone is the header of the record that marks the dead letters before it with
// the same key as done: "dropped", or "retried as" and the new position of the record.
// That record has no value: where the topic is compacted, it is a tombstone.
const HeaderDeadDone = "dead-done"

var deadHeaders = []string{
	HeaderDeadCause, HeaderDeadTopic, HeaderDeadPartition, HeaderDeadOffset, HeaderDeadTimestamp,
	HeaderDeadLastOffset, HeaderDeadSize, HeaderDeadSHA256, HeaderDeadKey,
}

// DeadLetterKey returns the key of a record's dead letter: topic/partition/offset.
func DeadLetterKey(topic string, partition int32, offset int64) string {
	return fmt.Sprintf("%s/%d/%d", topic, partition, offset)
}

// DeadLetter describes a record, or a batch, that could not be stored.
type DeadLetter struct {
	Key        string // DeadLetterKey of the record
	Topic      string // the record's
	Partition  int32
	Offset     int64
	LastOffset int64     // of a batch that could not be read; else Offset
	Written    time.Time // when the dead letter was written
	Timestamp  int64     // the record's, milliseconds since 1970
	Cause      string
	Camera     string // "" if it is not known
	Size       int64  // of the record's value or of the batch, in bytes
	Kept       int64  // of it in the dead letter
	SHA256     string // of the whole value, hexadecimal, if it is not whole
	Batch      bool   // it is a batch that could not be read

	at  Position    // in the topic of dead letters
	run runRecordID // of a record of the topic Runs
}

// Whole reports whether the dead letter has all of the value.
func (d *DeadLetter) Whole() bool { return d.Kept == d.Size }

// runRecordID identifies a record of the topic Runs: the run that it describes, the
// record's key, and its content.
type runRecordID struct {
	run, key string
	sum      [sha256.Size]byte
}

func identifyRun(key, value []byte) runRecordID {
	var r struct {
		Run string `json:"run"`
	}
	_ = json.Unmarshal(value, &r) // a record that does not decode has no run
	return runRecordID{run: r.Run, key: string(key), sum: sha256.Sum256(value)}
}

// parseDeadLetter returns the dead letter that rec is, and the record that it is of, as
// that was produced except for its timestamp. If the dead letter is not whole, or of a
// batch, neither is the record. ok is false if rec is not a dead letter.
func parseDeadLetter(rec *kgo.Record) (d DeadLetter, original *kgo.Record, ok bool) {
	own := rec.Headers
	headers := make(map[string][]byte, len(deadHeaders))
	for _, name := range deadHeaders {
		if len(own) > 0 && own[0].Key == name {
			headers[name], own = append([]byte{}, own[0].Value...), own[1:]
		}
	}
	d, ok = deadLetterFromHeaders(headers)
	if !ok || d.Key != string(rec.Key) || DeadTopic(d.Topic) != rec.Topic {
		return d, nil, false
	}
	d.Written, d.at = rec.Timestamp, Position{Partition: rec.Partition, Offset: rec.Offset}
	d.Kept = int64(len(rec.Value))
	if size, isCut := headers[HeaderDeadSize]; !isCut {
		d.Size = d.Kept
	} else if d.Size, ok = number(size); !ok {
		return d, nil, false
	}
	original = &kgo.Record{Topic: d.Topic, Key: headers[HeaderDeadKey], Value: rec.Value, Headers: own}
	if !d.Batch {
		d.Camera = cameraOf(original)
	}
	if d.Topic == Runs {
		d.run = identifyRun(original.Key, original.Value)
	}
	return d, original, true
}

// deadLetterFromHeaders returns what the headers of a dead letter have.
func deadLetterFromHeaders(headers map[string][]byte) (d DeadLetter, ok bool) {
	partition, err := strconv.ParseInt(string(headers[HeaderDeadPartition]), 10, 32)
	offset, ok := number(headers[HeaderDeadOffset])
	if err != nil || partition < 0 || !ok {
		return d, false
	}
	d = DeadLetter{
		Topic: string(headers[HeaderDeadTopic]), Partition: int32(partition), Offset: offset, LastOffset: offset,
		Cause: string(headers[HeaderDeadCause]),
	}
	d.Key = DeadLetterKey(d.Topic, d.Partition, d.Offset)
	d.Timestamp, _ = number(headers[HeaderDeadTimestamp])
	d.SHA256 = string(headers[HeaderDeadSHA256])
	if last, isBatch := headers[HeaderDeadLastOffset]; isBatch {
		d.Batch = true
		d.LastOffset, ok = number(last)
	}
	return d, ok
}

// number parses a decimal number that is not negative.
func number(b []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil && n >= 0
}

// cameraOf returns the camera of a record that may be invalid, or "".
func cameraOf(rec *kgo.Record) string {
	var v struct {
		Camera string `json:"camera"`
	}
	if bytes.HasPrefix(bytes.TrimLeft(rec.Value, " \t\r\n"), []byte("{")) {
		_ = json.Unmarshal(rec.Value, &v) // the key is left
	}
	switch {
	case event.ValidCamera(v.Camera):
		return v.Camera
	case rec.Topic != Runs && event.ValidCamera(string(rec.Key)):
		return string(rec.Key)
	}
	return ""
}
