package sink

import (
	"strconv"
	"strings"
	"sync"

	"github.com/sightlog/sightlog/usage"
)

// Skip names an offset that a user wants to skip.
type Skip struct {
	Topic     string
	Partition int32
	Offset    int64
}

// ParseSkip reads topic/partition/offset.
func ParseSkip(s string) (Skip, error) {
	parts := strings.Split(s, "/")
	if len(parts) == 3 && parts[0] != "" {
		partition, err := strconv.ParseInt(parts[1], 10, 32)
		offset, err2 := strconv.ParseInt(parts[2], 10, 64)
		if err == nil && err2 == nil && partition >= 0 && offset >= 0 {
			return Skip{parts[0], int32(partition), offset}, nil
		}
	}
	return Skip{}, usage.New("write TOPIC/PARTITION/OFFSET, as the sink's log does: sightings/3/1234", "--skip %s", s)
}

// skips has the skips that have not been done yet. The consumers share it.
type skips struct {
	mu   sync.Mutex // guards the following
	left map[Skip]struct{}
}

func newSkips(asked []Skip) *skips {
	s := &skips{left: make(map[Skip]struct{})}
	for _, k := range asked {
		s.left[k] = struct{}{}
	}
	return s
}

// of returns those left in the partitions of a consumer, the first of each.
func (s *skips) of(at map[topicPartition]position) map[topicPartition]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	offsets := make(map[topicPartition]int64)
	for k := range s.left {
		tp := topicPartition{k.Topic, k.Partition}
		if _, ours := at[tp]; !ours {
			continue
		}
		if first, ok := offsets[tp]; !ok || k.Offset < first {
			offsets[tp] = k.Offset
		}
	}
	return offsets
}

func (s *skips) done(tp topicPartition, offset int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.left, Skip{tp.topic, tp.partition, offset})
}

func (s *skips) any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.left) > 0
}
