package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// checkCircle returns a *usage.Error if a mirror from the target into the source, whose positions the
// source has, has topics of this one: their records would go round for ever. A longer circle is not
// noticed.
func (s *session) checkCircle(ctx context.Context, target string) error {
	there, err := s.adm.ListTopics(ctx, Positions)
	if errors.Is(err, kerr.TopicAuthorizationFailed) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	if there[Positions].Err != nil { // nobody mirrors into the source, or that may not be read
		return nil
	}
	from := make(map[string]string) // topics that come from the target, and the mirror's group
	partitions := slices.Collect(maps.Keys(there[Positions].Partitions))
	err = kafka.ReadPartitions(ctx, s.cfg.Source, Positions, partitions, func(r *kgo.Record) error {
		if key := strings.Split(string(r.Key), "/"); len(key) == 4 && key[1] == target && len(r.Value) > 0 {
			from[key[2]] = key[0]
		}
		return nil
	})
	if err != nil && !errors.Is(err, kerr.TopicAuthorizationFailed) {
		return fmt.Errorf("read who mirrors into the source: %w", err)
	}
	for _, topic := range s.cfg.Topics {
		if group, both := from[topic]; both {
			return usage.New("stop one and name other topics with --mirror-topics; if that mirror is gone for good, delete the source's topic "+Positions,
				"topic %s is mirrored from the target into the source already, as group %s: its records would go round for ever", topic, group)
		}
	}
	return nil
}
