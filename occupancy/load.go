package occupancy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// load reads the states of the partitions that were assigned. Offsets that were committed
// in transactions are known only after these ended (KIP-447), so the state that belongs to
// them is before the present end of its partition. If a partition is revoked meanwhile,
// the transaction will be aborted.
func (s *session) load(ctx context.Context) error {
	assigned := s.gts.Client().CommittedOffsets()[kafka.Sightings]
	loaded := make(map[int32]*part)
	for number, at := range assigned {
		if s.parts[number] == nil {
			loaded[number] = &part{number: number, next: at.Offset, cameras: make(map[string]*cameraState), seen: make(map[string]time.Time)}
		}
	}
	maps.DeleteFunc(s.parts, func(number int32, _ *part) bool { _, ok := assigned[number]; return !ok })
	if len(loaded) == 0 {
		return nil
	}
	topic := StateTopic(s.cfg.Topic)
	err := kafka.ReadPartitions(ctx, s.cfg.Kafka, topic, slices.Collect(maps.Keys(loaded)), func(r *kgo.Record) error {
		state := new(cameraState)
		if err := json.Unmarshal(r.Value, state); err != nil {
			return fmt.Errorf("decode state at %s/%d/%d: %w", topic, r.Partition, r.Offset, err)
		}
		if state.Window != s.windows.window || state.Every != s.windows.every {
			return usage.New("use these, or another --topic", "topic %s has windows of %s every %s",
				s.cfg.Topic, time.Duration(state.Window)*time.Second, time.Duration(state.Every)*time.Second)
		}
		p := loaded[r.Partition]
		p.cameras[string(r.Key)], p.seen[string(r.Key)] = state, time.Now()
		return nil
	})
	if err != nil {
		return fmt.Errorf("load state: %w", err)
	}
	if s.parts == nil {
		s.parts = make(map[int32]*part)
	}
	maps.Copy(s.parts, loaded)
	return nil
}
