package kafka_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
)

func open(t *testing.T, cfg kafka.Config) *kgo.Client {
	t.Helper()
	cl, err := cfg.Client()
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// deadLetter is the dead letter of a record, as the sink writes it.
func deadLetter(rec *kgo.Record, reason string) *kgo.Record {
	header := func(k string, v any) kgo.RecordHeader { return kgo.RecordHeader{Key: k, Value: fmt.Append(nil, v)} }
	headers := []kgo.RecordHeader{
		header(kafka.HeaderDeadCause, reason), header(kafka.HeaderDeadTopic, rec.Topic), header(kafka.HeaderDeadPartition, rec.Partition),
		header(kafka.HeaderDeadOffset, rec.Offset), header(kafka.HeaderDeadTimestamp, rec.Timestamp.UnixMilli()),
	}
	if rec.Key != nil {
		headers = append(headers, header(kafka.HeaderDeadKey, string(rec.Key)))
	}
	return &kgo.Record{
		Topic: kafka.DeadTopic(rec.Topic), Key: []byte(kafka.DeadLetterKey(rec.Topic, rec.Partition, rec.Offset)),
		Value: rec.Value, Headers: append(headers, rec.Headers...),
	}
}

func produce(t *testing.T, cl *kgo.Client, recs ...*kgo.Record) {
	t.Helper()
	require.NoError(t, cl.ProduceSync(t.Context(), recs...).FirstErr())
}

// records returns all records of a topic.
func records(t *testing.T, cfg kafka.Config, topic string) (recs []*kgo.Record) {
	t.Helper()
	cl, err := cfg.Client(kgo.ConsumeTopics(topic), kgo.KeepControlRecords())
	require.NoError(t, err)
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(t.Context(), topic)
	require.NoError(t, err)
	var want int64
	ends.Each(func(o kadm.ListedOffset) { want += o.Offset })
	for int64(len(recs)) < want {
		f := cl.PollFetches(t.Context())
		require.NoError(t, f.Err())
		recs = append(recs, f.Records()...)
	}
	return slices.DeleteFunc(recs, func(r *kgo.Record) bool { return r.Attrs.IsControl() })
}

func TestRetry_RecordAsItWas_WithoutTheHeadersOfTheDeadLetter(t *testing.T) {
	t.Parallel()
	_, cfg := setUp(t)
	cl := open(t, cfg)
	for name, rec := range map[string]*kgo.Record{
		"key and headers": {Key: []byte("porch"), Value: []byte("x"), Headers: []kgo.RecordHeader{{Key: "schema", Value: []byte("v9")}, {Key: "dead-end", Value: nil}}},
		"no key":          {Value: []byte("no key")},
		"empty key":       {Key: []byte{}, Value: []byte("empty key")},
		"empty value":     {Key: []byte("empty"), Value: []byte{}},
		"no value":        {Key: []byte("none")},
	} {
		rec.Topic, rec.Partition, rec.Offset, rec.Timestamp = kafka.Sightings, 3, int64(len(name)), time.UnixMilli(1_700_000_000_000)
		produce(t, cl, deadLetter(rec, name))
		letters, err := kafka.ReadDeadLetters(t.Context(), cfg, kafka.Topics()...)
		require.NoError(t, err)
		require.Len(t, letters, 1, name)
		require.Equal(t, name, letters[0].Cause)
		before := time.Now().Add(-time.Minute)
		n, err := kafka.RetryDeadLetters(t.Context(), cfg, letters)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		var found []*kgo.Record
		for _, r := range records(t, cfg, kafka.Sightings) {
			if string(r.Key) == string(rec.Key) && string(r.Value) == string(rec.Value) {
				found = append(found, r)
			}
		}
		require.Len(t, found, 1, name)
		require.Equal(t, rec.Key == nil, found[0].Key == nil, name)
		require.Equal(t, rec.Value == nil, found[0].Value == nil, name)
		require.Equal(t, len(rec.Headers), len(found[0].Headers), name)
		for i, h := range rec.Headers {
			require.Equal(t, h.Key, found[0].Headers[i].Key)
			require.Equal(t, string(h.Value), string(found[0].Headers[i].Value))
		}
		require.True(t, found[0].Timestamp.After(before), "retention counts from the retry")
		letters, err = kafka.ReadDeadLetters(t.Context(), cfg, kafka.Topics()...)
		require.NoError(t, err)
		require.Empty(t, letters, name)
	}
}

// The records of a retry are more than one step has, and together too large for a batch
// of their topic.
func TestRetry_MoreThanAStep_EachRecordOnce(t *testing.T) {
	t.Parallel()
	_, cfg := setUp(t)
	cl := open(t, cfg)
	want := make(map[string]bool)
	var letters []*kgo.Record
	for i := range 1200 {
		value := fmt.Appendf(nil, "%d", i)
		if i >= 500 && i < 505 {
			value = make([]byte, 400_000)
			rand.NewChaCha8([32]byte{byte(i)}).Read(value) //nolint:errcheck // it always fills the slice
		}
		want[string(value)] = true
		letters = append(letters, deadLetter(&kgo.Record{Topic: kafka.Sightings, Key: []byte("porch"), Offset: int64(i), Value: value}, "bad"))
	}
	produce(t, cl, letters...)
	open, err := kafka.ReadDeadLetters(t.Context(), cfg, kafka.Sightings)
	require.NoError(t, err)
	n, err := kafka.RetryDeadLetters(t.Context(), cfg, open)
	require.NoError(t, err)
	require.Equal(t, len(letters), n)
	open, err = kafka.ReadDeadLetters(t.Context(), cfg, kafka.Sightings)
	require.NoError(t, err)
	require.Empty(t, open)
	again := records(t, cfg, kafka.Sightings)
	require.Len(t, again, len(letters))
	for _, r := range again {
		delete(want, string(r.Value))
	}
	require.Empty(t, want)
}

func TestReadDeadLetters_KeyWrittenAgain_OncePerRecord(t *testing.T) {
	t.Parallel()
	_, cfg := setUp(t)
	cl := open(t, cfg)
	rec := &kgo.Record{Topic: kafka.Crossings, Key: []byte("porch"), Value: []byte("x"), Offset: 7, Timestamp: time.UnixMilli(1000)}
	read := func() []kafka.DeadLetter {
		letters, err := kafka.ReadDeadLetters(t.Context(), cfg, kafka.Topics()...)
		require.NoError(t, err)
		return letters
	}
	produce(t, cl, deadLetter(rec, "first"), deadLetter(rec, "the sink was killed"))
	require.Len(t, read(), 1)
	require.Equal(t, "the sink was killed", read()[0].Cause)

	other := *rec // the same offset of a log that was created again
	other.Timestamp, other.Value = time.UnixMilli(2000), []byte("y")
	produce(t, cl, deadLetter(&other, "other"))
	require.Len(t, read(), 2)
	n, err := kafka.RetryDeadLetters(t.Context(), cfg, read())
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Empty(t, read())
	require.Len(t, records(t, cfg, kafka.Crossings), 2)

	produce(t, cl, deadLetter(rec, "refused again, for the tables were filled anew"))
	require.Len(t, read(), 1)
	produce(t, cl, &kgo.Record{Topic: kafka.DeadTopic(kafka.Crossings), Key: []byte("crossings/0/7")}) // a tombstone of any tool
	require.Empty(t, read())
}

func TestDeadLetters_PartitionsAdded_MarksStayBesideTheirLetters(t *testing.T) {
	t.Parallel()
	_, cfg := setUp(t)
	cl := open(t, cfg)
	for offset := range int64(20) {
		produce(t, cl, deadLetter(&kgo.Record{Topic: kafka.Sightings, Key: []byte("porch"), Offset: offset, Value: []byte("x")}, "bad"))
	}
	_, err := kadm.NewClient(cl).UpdatePartitions(t.Context(), 5, kafka.DeadTopic(kafka.Sightings))
	require.NoError(t, err)
	letters, err := kafka.ReadDeadLetters(t.Context(), cfg, kafka.Sightings)
	require.NoError(t, err)
	require.Len(t, letters, 20)
	n, err := kafka.DropDeadLetters(t.Context(), cfg, letters[:10])
	require.NoError(t, err)
	require.Equal(t, 10, n)
	n, err = kafka.RetryDeadLetters(t.Context(), cfg, letters[10:])
	require.NoError(t, err)
	require.Equal(t, 10, n)
	letters, err = kafka.ReadDeadLetters(t.Context(), cfg, kafka.Sightings)
	require.NoError(t, err)
	require.Empty(t, letters)
}

func TestRetry_NotAcknowledged_DeadLetterStays(t *testing.T) {
	t.Parallel()
	_, cfg := setUp(t)
	cl := open(t, cfg)
	produce(t, cl, deadLetter(&kgo.Record{Topic: kafka.Crossings, Key: []byte("porch"), Value: []byte("x")}, "bad"))
	letters, err := kafka.ReadDeadLetters(t.Context(), cfg, kafka.Topics()...)
	require.NoError(t, err)
	require.Len(t, letters, 1)
	_, err = kadm.NewClient(cl).DeleteTopic(t.Context(), kafka.Crossings)
	require.NoError(t, err)
	n, err := kafka.RetryDeadLetters(t.Context(), cfg, letters)
	require.ErrorContains(t, err, "produce crossings/0/0 again")
	require.Zero(t, n)
	letters, err = kafka.ReadDeadLetters(t.Context(), cfg, kafka.Topics()...)
	require.NoError(t, err)
	require.Len(t, letters, 1)
}

// In a compacted topic the last record counts: an older one that comes after it would
// open a run again that has ended.
func TestRetryRefusals_RunWithANewerRecord_IsRefused(t *testing.T) {
	t.Parallel()
	_, cfg := setUp(t)
	cl := open(t, cfg)
	runRecord := func(id string, finished bool) *kgo.Record {
		r := fileRun()
		r.ID, r.StartedAt = id, event.At(time.Unix(1_700_000_000, 0))
		if finished {
			r.FinishedAt = event.At(time.Unix(1_700_000_009, 0))
		}
		b, err := r.Encode()
		require.NoError(t, err)
		return &kgo.Record{Topic: kafka.Runs, Key: []byte(id), Value: b}
	}
	started, ended, alone := runRecord("r1", false), runRecord("r1", true), runRecord("r2", false)
	wrongKey := runRecord("r1", false)
	wrongKey.Key = []byte("r9")
	produce(t, cl, started, wrongKey, ended, alone)
	for _, r := range []*kgo.Record{started, wrongKey, ended, alone} {
		produce(t, cl, deadLetter(r, "bad"))
	}
	letters, err := kafka.ReadDeadLetters(t.Context(), cfg, kafka.Topics()...)
	require.NoError(t, err)
	require.Len(t, letters, 4)
	refused := func() []string {
		why, err := kafka.RetryRefusals(t.Context(), cfg, letters)
		require.NoError(t, err)
		return why
	}
	newer := "the log has a newer record of its run, at runs/0/2"
	require.Equal(t, []string{newer, newer, "", ""}, refused())
	produce(t, cl, &kgo.Record{Topic: kafka.Runs, Key: ended.Key, Value: ended.Value}) // a retry that was killed before its mark
	require.Equal(t, "", refused()[2])
}

func TestReadRun_RecordProducedAgain_IsPassedOver(t *testing.T) {
	t.Parallel()
	_, cfg := setUp(t)
	w, err := kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	send(t, w, 0, 6)
	require.NoError(t, w.Close(t.Context()))
	cl := open(t, cfg)
	for _, r := range records(t, cfg, kafka.Sightings) {
		if s, err := event.DecodeSighting(r.Value); err == nil && s.Seq == 2 {
			produce(t, cl, &kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value, Headers: r.Headers})
		}
	}
	run := w.Run()
	var seqs []int64
	require.NoError(t, kafka.ReadRun(t.Context(), cfg, &run, func(s *event.Sighting) { seqs = append(seqs, s.Seq) }))
	require.Equal(t, []int64{0, 1, 2, 3, 4, 5}, seqs)

	w, err = kafka.OpenFile(t.Context(), cfg, fileRun(), 0, never)
	require.NoError(t, err)
	require.EqualValues(t, 6, w.Next())
	require.NoError(t, w.Finish(t.Context(), event.Run{}))
	require.NoError(t, w.Close(t.Context()))
	last, err := kafka.LastRun(t.Context(), cfg, "porch")
	require.NoError(t, err)
	require.EqualValues(t, 6, last.Frames)
}

// FuzzParseDeadLetter takes headers as lines NAME=VALUE.
func FuzzParseDeadLetter(f *testing.F) {
	f.Add("sightings.dead", "sightings/3/17", []byte(`{"camera":"porch"}`),
		"dead-cause=bad\ndead-topic=sightings\ndead-partition=3\ndead-offset=17\ndead-timestamp=1\ndead-key=porch\nschema=v1")
	f.Add("runs.dead", "runs/0/1", []byte("raw"), "dead-cause=b\ndead-topic=runs\ndead-partition=0\ndead-offset=1\ndead-timestamp=1\ndead-last-offset=2\ndead-size=9\ndead-sha256=ff")
	f.Add("runs.dead", "runs/0/1", []byte("0"), "dead-topic=runs\ndead-partition=0\ndead-offset=1")
	f.Add("x", "x/-1/a", []byte(nil), "dead-offset=-1\ndead-size=x")
	f.Fuzz(func(t *testing.T, topic, key string, value []byte, headers string) {
		rec := &kgo.Record{Topic: topic, Key: []byte(key), Value: value}
		for line := range strings.SplitSeq(headers, "\n") {
			name, v, _ := strings.Cut(line, "=")
			rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: name, Value: []byte(v)})
		}
		d, original, ok := kafka.ParseDeadLetter(rec)
		if !ok {
			return
		}
		require.Equal(t, topic, kafka.DeadTopic(d.Topic))
		require.Equal(t, key, d.Topic+"/"+strconv.Itoa(int(d.Partition))+"/"+strconv.FormatInt(d.Offset, 10))
		require.Equal(t, d.Topic, original.Topic)
		require.Equal(t, value, original.Value)
		require.LessOrEqual(t, len(original.Headers), len(rec.Headers)-3, "topic, partition and offset are not the record's own")
		require.True(t, d.Camera == "" || event.ValidCamera(d.Camera))
	})
}
