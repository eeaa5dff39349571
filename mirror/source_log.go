package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// logState is what the source has: the partitions of the topics that exist.
type logState struct {
	at      time.Time // when it was listed
	cluster string
	ids     map[string]string // topic ids by name
	spans   map[topicPartition]span
}

// span is what a partition holds: offsets from start to end; those before stable are of
// transactions that have ended.
type span struct{ start, stable, end int64 }

// listLog lists the topics of the source.
func listLog(ctx context.Context, adm *kadm.Client, topics []string) (*logState, error) {
	meta, err := adm.Metadata(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	log := &logState{at: time.Now(), cluster: meta.Cluster, ids: make(map[string]string), spans: make(map[topicPartition]span)}
	for name, t := range meta.Topics {
		switch {
		case errors.Is(t.Err, kerr.UnknownTopicOrPartition): // it may come later
		case t.Err != nil:
			return nil, fmt.Errorf("topic %s: %w", name, t.Err)
		default:
			log.ids[name] = t.ID.String()
		}
	}
	if len(log.ids) == 0 {
		return log, nil
	}
	names := slices.Collect(maps.Keys(log.ids))
	starts, err := adm.ListStartOffsets(ctx, names...)
	if err = cmp.Or(err, starts.Error()); err != nil {
		return nil, fmt.Errorf("list start offsets: %w", err)
	}
	stables, err := adm.ListCommittedOffsets(ctx, names...)
	if err = cmp.Or(err, stables.Error()); err != nil {
		return nil, fmt.Errorf("list end offsets: %w", err)
	}
	ends, err := adm.ListEndOffsets(ctx, names...)
	if err = cmp.Or(err, ends.Error()); err != nil {
		return nil, fmt.Errorf("list end offsets: %w", err)
	}
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(end.Topic, end.Partition)
		stable, _ := stables.Lookup(end.Topic, end.Partition)
		log.spans[topicPartition{end.Topic, end.Partition}] = span{start.Offset, stable.Offset, end.Offset}
	})
	return log, nil
}

// sameTopics reports whether both have the same topics and partitions.
func (l *logState) sameTopics(o *logState) bool {
	same := func(span, span) bool { return true }
	return maps.Equal(l.ids, o.ids) && maps.EqualFunc(l.spans, o.spans, same)
}
