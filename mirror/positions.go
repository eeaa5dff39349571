package mirror

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/kafka"
)

// Positions is the topic at the target with the positions of all mirrors into it. Its key
// is group/cluster/topic/partition of a source, its value a position as JSON.
const Positions = "mirror.positions"

// position is how far a partition of the source was mirrored.
type position struct {
	TopicID string `json:"topic_id"` // of the source
	Next    int64  `json:"next"`     // the offset that is read next
	Epoch   int32  `json:"epoch"`    // leader epoch of the record before it, -1: not known
	Digest  string `json:"digest"`   // of that record, "": not known
	Writer  string `json:"writer"`   // the Mirror that wrote it
}

// positionAfter returns the position behind a record of a topic.
func positionAfter(r *kgo.Record, topicID, writer string) position {
	return position{TopicID: topicID, Next: r.Offset + 1, Epoch: r.LeaderEpoch, Digest: digest(r), Writer: writer}
}

// digest identifies a record in the history of its log.
func digest(r *kgo.Record) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %d %t ", r.Timestamp.UnixMilli(), len(r.Key), r.Attrs.IsControl())
	h.Write(r.Key)
	h.Write(r.Value)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// identityOf names a mirror of a source: it begins the keys of its positions, and is its
// transactional id.
func identityOf(group, cluster string) string { return group + "/" + cluster }

// record returns the record that stores a position.
func (p position) record(identity string, tp topicPartition) (*kgo.Record, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode position of %s partition %d: %w", tp.topic, tp.partition, err)
	}
	key := identity + "/" + tp.topic + "/" + strconv.Itoa(int(tp.partition))
	return &kgo.Record{Topic: Positions, Key: []byte(key), Value: b}, nil
}

// readPositions returns the positions of a mirror. Its producer has been opened before, so
// no other transaction of this mirror is open.
func readPositions(ctx context.Context, c kafka.Config, identity string, partitions int) (map[topicPartition]position, error) {
	at := make(map[topicPartition]position)
	partition := kafka.Partition([]byte(identity), partitions)
	err := kafka.ReadPartitions(ctx, c, Positions, []int32{partition}, func(r *kgo.Record) error {
		rest, found := strings.CutPrefix(string(r.Key), identity+"/")
		slash := strings.LastIndexByte(rest, '/')
		if !found || slash < 0 {
			return nil // of another mirror
		}
		number, err := strconv.ParseInt(rest[slash+1:], 10, 32)
		if err != nil {
			return fmt.Errorf("position with the key %q: %w", r.Key, err)
		}
		var p position
		if err := json.Unmarshal(r.Value, &p); err != nil {
			return fmt.Errorf("position with the key %q: %w", r.Key, err)
		}
		at[topicPartition{rest[:slash], int32(number)}] = p
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the positions: %w", err)
	}
	return at, nil
}

// placing decides the partition of a record at the target: that of its key; without a key,
// that of its number; of a position, that of the mirror, so that they are read from one.
type placing struct {
	byKey    kgo.Partitioner
	identity string
}

func newPlacing(identity string) placing {
	return placing{kgo.StickyKeyPartitioner(nil), identity}
}

// ForTopic implements kgo.Partitioner.
func (p placing) ForTopic(topic string) kgo.TopicPartitioner {
	if topic == Positions {
		return placingPosition(p.identity)
	}
	return placingTopic{p.byKey.ForTopic(topic)}
}

type placingTopic struct{ byKey kgo.TopicPartitioner }

// RequiresConsistency implements kgo.TopicPartitioner.
func (placingTopic) RequiresConsistency(*kgo.Record) bool { return true }

// Partition implements kgo.TopicPartitioner.
func (p placingTopic) Partition(r *kgo.Record, n int) int {
	if r.Key == nil {
		return int(r.Partition) % n
	}
	return p.byKey.Partition(r, n)
}

type placingPosition string

// RequiresConsistency implements kgo.TopicPartitioner.
func (placingPosition) RequiresConsistency(*kgo.Record) bool { return true }

// Partition implements kgo.TopicPartitioner.
func (p placingPosition) Partition(_ *kgo.Record, n int) int {
	return int(kafka.Partition([]byte(p), n))
}
