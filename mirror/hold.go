package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// holdSetting is the topic setting of the bundled broker that names the groups for which
// records are retained.
const holdSetting = "retention.hold.groups"

// hold has the source retain what is not mirrored yet or, with Config.Drop, no longer.
func (s *session) hold(ctx context.Context) error {
	var topics []string
	for _, t := range slices.Sorted(maps.Keys(s.log.ids)) {
		if t != kafka.SnapshotTopic && !slices.Contains(s.held, t) {
			topics = append(topics, t)
		}
	}
	if len(topics) == 0 || s.noHold {
		return nil
	}
	change := kadm.AlterConfig{Op: kadm.AppendConfig, Name: holdSetting, Value: &s.cfg.Group}
	if s.cfg.Drop {
		change.Op = kadm.SubtractConfig
	}
	answers, err := s.adm.AlterTopicConfigs(ctx, []kadm.AlterConfig{change}, topics...)
	if err != nil {
		return fmt.Errorf("set %s: %w", holdSetting, err)
	}
	for _, a := range answers {
		switch {
		case errors.Is(a.Err, kerr.InvalidConfig), errors.Is(a.Err, kerr.InvalidRequest):
			s.noHold = true
			if !s.cfg.Drop {
				s.cfg.Log.Warn("the source is no bundled broker and retains nothing for the mirror: what its retention removes too soon stops the mirror", "setting", holdSetting)
			}
			return nil
		case errors.Is(a.Err, kerr.TopicAuthorizationFailed) && s.cfg.Drop: // it was not allowed to set it either
		case errors.Is(a.Err, kerr.TopicAuthorizationFailed):
			return usage.Wrap(a.Err, "allow ALTER_CONFIGS, or add --drop-oldest", "topic %s of the source: the mirror may not set %s", a.Name, holdSetting)
		case a.Err != nil:
			return fmt.Errorf("set %s of topic %s: %w", holdSetting, a.Name, a.Err)
		}
	}
	s.held = append(s.held, topics...)
	return nil
}

// groupEvery is how often offsets are committed at the source.
const groupEvery = time.Second

// commitGroup commits the positions as the group's offsets at the source, for lag and for
// what it retains. A target that was put back moves them back. A source that takes none,
// for its disk is full, is mirrored all the same: that makes room there.
func (s *session) commitGroup(ctx context.Context) {
	s.groupTime = time.Now()
	var offsets kadm.Offsets
	now := make(map[topicPartition]int64, len(s.next))
	for tp, p := range s.next {
		now[tp] = p.Next
		if at, ok := s.atGroup[tp]; !ok || at != p.Next {
			offsets.AddOffset(tp.topic, tp.partition, p.Next, p.Epoch)
		}
	}
	if len(offsets) > 0 {
		if err := s.adm.CommitAllOffsets(ctx, s.cfg.Group, offsets); err != nil {
			s.source.Failed(fmt.Errorf("commit the offsets of group %s: %w", s.cfg.Group, err))
			return
		}
	}
	s.atGroup = now
}
