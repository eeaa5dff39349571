package sink

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/schema"
)

// witness collects the records of a minute.
type witness struct {
	proof   *Proof
	camera  string
	minute  time.Time
	seen    map[string]bool // event ids
	spans   map[topicPartition]*recordSpan
	models  map[string]bool
	seconds uint64 // a bit for each second with a frame
}

type recordSpan struct {
	first, last, n int64
	digests        []byte // of the records, in their order
}

// read reads the records of the log before the ends, of which a record may have come late (a dead letter
// that was produced again). No record of the minute was produced before since; nil: that is not known.
func (w *witness) read(ctx context.Context, cfg kafka.Config, adm *kadm.Client, ends map[topicPartition]int64, since *time.Time) error {
	topics := make(map[string]bool)
	for tp := range ends {
		topics[tp.topic] = true
	}
	if len(topics) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(topics))
	begins, err := adm.ListStartOffsets(ctx, names...)
	starts := begins
	if err == nil && since != nil {
		starts, err = adm.ListOffsetsAfterMilli(ctx, since.Add(-time.Minute).UnixMilli(), names...)
	}
	if err != nil {
		return fmt.Errorf("list offsets: %w", err)
	}
	left := make(map[topicPartition]int64) // end of each partition that is not read to its end
	from := make(map[string]map[int32]kgo.Offset)
	for tp, end := range ends {
		start, ok := starts.Lookup(tp.topic, tp.partition)
		begin, _ := begins.Lookup(tp.topic, tp.partition)
		if begin.Offset > 0 && start.Offset <= begin.Offset {
			w.proof.Gone = append(w.proof.Gone, fmt.Sprintf("%s before offset %d", tp, begin.Offset))
		}
		if ok && start.Offset < end {
			if from[tp.topic] == nil {
				from[tp.topic] = make(map[int32]kgo.Offset)
			}
			from[tp.topic][tp.partition], left[tp] = kgo.NewOffset().At(start.Offset), end
		}
	}
	slices.Sort(w.proof.Gone)
	if len(left) == 0 {
		return nil
	}
	cl, err := cfg.Client(kgo.ConsumePartitions(from), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		return err
	}
	defer cl.Close()
	for len(left) > 0 {
		fetches := cl.PollRecords(ctx, 10_000)
		if err := fetches.Err0(); err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		var failed error
		fetches.EachPartition(func(f kgo.FetchTopicPartition) {
			tp := topicPartition{f.Topic, f.Partition}
			for _, r := range f.Records {
				if failed == nil && r.Offset < ends[tp] {
					failed = w.take(ctx, cfg.Schemas, r)
				}
				if r.Offset+1 >= ends[tp] {
					delete(left, tp)
				}
			}
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}

// take counts a record that is of the minute.
func (w *witness) take(ctx context.Context, schemas *schema.Codec, r *kgo.Record) error {
	if r.Attrs.IsControl() || r.Key != nil && string(r.Key) != w.camera {
		return nil
	}
	it, err := decode(ctx, schemas, r)
	if err != nil || it.rejectCause != nil {
		return err
	}
	switch s, x := it.sighting, it.crossing; {
	case s != nil && w.isNew(s.Camera, s.CapturedAt, s.EventID):
		w.sighting(s)
		w.record(r, s.Model)
	case x != nil && w.isNew(x.Camera, x.CapturedAt, x.EventID):
		w.proof.Log["line "+x.Line+" "+x.Direction]++
		w.record(r, x.Model)
	}
	return nil
}

// isNew reports whether an event is of the minute, and has not been counted.
func (w *witness) isNew(camera string, at event.Time, id string) bool {
	if camera != w.camera || w.seen[id] || !at.UTC().Truncate(time.Minute).Equal(w.minute) {
		return false
	}
	w.seen[id] = true
	return true
}

func (w *witness) sighting(s *event.Sighting) {
	f, people := w.proof.Log, int64(event.People(s.Objects))
	f["frames"]++
	f["detections"] += int64(len(s.Objects))
	f["dropped"] += s.DroppedBefore
	f.count("", people)
	w.seconds |= 1 << s.CapturedAt.UTC().Second()
	inZone := make(map[string]int64)
	for i := range s.Objects {
		if o := &s.Objects[i]; o.IsPerson() {
			for _, zone := range o.Zones {
				inZone[zone]++
			}
		}
	}
	for zone, n := range inZone {
		f.count("zone "+zone+" ", n)
	}
}

func (w *witness) record(r *kgo.Record, by event.Model) {
	tp := topicPartition{r.Topic, r.Partition}
	if w.spans[tp] == nil {
		w.spans[tp] = &recordSpan{first: r.Offset}
	}
	s := w.spans[tp]
	s.last = r.Offset
	s.n++
	s.digests = append(s.digests, digest(r)...)
	w.models[by.Name+" "+by.SHA256] = true
}

func (w *witness) finish() {
	w.proof.Log["seconds"] = int64(bits.OnesCount64(w.seconds))
	all := sha256.New()
	byName := func(a, b topicPartition) int { return strings.Compare(a.String(), b.String()) }
	for _, tp := range slices.SortedFunc(maps.Keys(w.spans), byName) {
		s := w.spans[tp]
		w.proof.Records = append(w.proof.Records, fmt.Sprintf("%s %d to %d, %d records", tp, s.first, s.last, s.n))
		all.Write(s.digests)
	}
	w.proof.Models = slices.Sorted(maps.Keys(w.models))
	w.proof.Digest = hex.EncodeToString(all.Sum(nil))
}
