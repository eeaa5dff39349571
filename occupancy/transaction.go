package occupancy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/schema"
)

// part is an assigned partition. Its states are those at offset next.
type part struct {
	number  int32
	next    int64 // offset of the next record
	cameras map[string]*cameraState
	seen    map[string]time.Time // when a record of the camera came last, or the state was loaded
}

// transaction collects the records, states and offsets that are written together. If it
// is not committed, the states of its parts are not those in the log, and are forgotten.
type transaction struct {
	*Processor
	outputs []*kgo.Record
	states  map[stateKey]*cameraState // changed ones
	parts   map[int32]*part           // of which records or idle cameras were processed
	tally   tally
	err     error // of an output

	// The offsets after batches that cannot be decompressed, at which the next poll
	// begins. The group gets them with the records that follow.
	unreadable map[int32]kgo.EpochOffset
}

type stateKey struct {
	partition int32
	camera    string
}

func newTransaction(p *Processor) *transaction {
	return &transaction{
		Processor: p, states: make(map[stateKey]*cameraState), parts: make(map[int32]*part),
		tally: tally{make(map[outcome]int), make(map[string]int)}, unreadable: make(map[int32]kgo.EpochOffset),
	}
}

func (t *transaction) changed(p *part, camera string) {
	t.states[stateKey{p.number, camera}] = p.cameras[camera]
}

// take counts the records of a fetch. It fails if the schema registry cannot be used.
func (p *part) take(ctx context.Context, f kgo.FetchTopicPartition, tx *transaction) error {
	tx.parts[p.number] = p
	for _, r := range f.Records {
		p.next = r.Offset + 1
		if r.Attrs.IsControl() {
			continue
		}
		s, err := tx.cfg.Kafka.Schemas.Sighting(ctx, r.Value)
		switch {
		case errors.Is(err, schema.ErrUnavailable):
			return err
		case err != nil:
			tx.tally.skipped["invalid"]++
			continue
		case string(r.Key) != s.Camera: // its partition is not the camera's
			tx.tally.skipped["key"]++
			continue
		}
		state := p.cameras[s.Camera]
		if state == nil {
			state = &cameraState{Window: tx.windows.window, Every: tx.windows.every}
			p.cameras[s.Camera] = state
		}
		p.seen[s.Camera] = time.Now()
		tx.tally.frames[state.add(s, tx.windows, tx.emitTo(p))]++
		tx.changed(p, s.Camera)
	}
	lag := max(0, f.LastStableOffset-p.next)
	tx.metrics.lag.WithLabelValues(strconv.Itoa(int(p.number))).Set(float64(lag))
	return nil
}

// emitTo returns a function that adds an output of a part.
func (t *transaction) emitTo(p *part) func(event.Occupancy) {
	return func(o event.Occupancy) {
		b, err := o.Encode()
		if err != nil {
			t.err = errors.Join(t.err, err)
			return
		}
		t.outputs = append(t.outputs, &kgo.Record{
			Topic: t.cfg.Topic, Partition: p.number, Key: []byte(o.Camera), Value: b,
			Headers: []kgo.RecordHeader{
				{Key: event.HeaderSchema, Value: []byte(event.SchemaOccupancy)},
				{Key: event.HeaderContentType, Value: []byte(event.ContentTypeJSON)},
			},
		})
	}
}

// records returns the outputs and the changed states.
func (t *transaction) records() ([]*kgo.Record, error) {
	recs := t.outputs
	keys := slices.SortedFunc(maps.Keys(t.states), func(a, b stateKey) int {
		return cmp.Or(cmp.Compare(a.partition, b.partition), cmp.Compare(a.camera, b.camera))
	})
	for _, k := range keys {
		b, err := json.Marshal(t.states[k])
		if err != nil {
			return nil, fmt.Errorf("encode state of camera %s: %w", k.camera, err)
		}
		recs = append(recs, &kgo.Record{
			Topic: StateTopic(t.cfg.Topic), Partition: k.partition, Key: []byte(k.camera), Value: b,
			Headers: []kgo.RecordHeader{{Key: event.HeaderContentType, Value: []byte(event.ContentTypeJSON)}},
		})
	}
	return recs, nil
}

// addOffsets adds the partitions without records to the request that commits the offsets.
// The group's generation is checked by that request alone, so a transaction without it
// could be of a member whose partitions another one has.
func (t *transaction) addOffsets(req *kmsg.TxnOffsetCommitRequest) error {
	i := slices.IndexFunc(req.Topics, func(rt kmsg.TxnOffsetCommitRequestTopic) bool { return rt.Topic == kafka.Sightings })
	if i < 0 {
		rt := kmsg.NewTxnOffsetCommitRequestTopic()
		rt.Topic = kafka.Sightings
		i, req.Topics = len(req.Topics), append(req.Topics, rt)
	}
	rt := &req.Topics[i]
	for number, p := range t.parts {
		if slices.ContainsFunc(rt.Partitions, func(rp kmsg.TxnOffsetCommitRequestTopicPartition) bool { return rp.Partition == number }) {
			continue
		}
		rp := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		rp.Partition, rp.Offset, rp.LeaderEpoch, rp.Metadata = number, p.next, -1, &req.MemberID
		rt.Partitions = append(rt.Partitions, rp)
	}
	return nil
}
