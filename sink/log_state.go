package sink

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// logState is the brokers' view: cluster and topic ids, and the offsets that each
// partition holds.
type logState struct {
	cluster string
	ids     map[string]kadm.TopicID
	spans   map[topicPartition]span
	leaders map[topicPartition]int32
}

// span is a partition's first offset and the one after its last.
type span struct{ start, end int64 }

func readLog(ctx context.Context, adm *kadm.Client, topics []string) (*logState, error) {
	md, err := adm.Metadata(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's metadata: %w", err)
	}
	if md.Cluster == "" {
		return nil, fmt.Errorf("the brokers tell no cluster id")
	}
	log := &logState{cluster: md.Cluster, ids: make(map[string]kadm.TopicID), spans: make(map[topicPartition]span),
		leaders: make(map[topicPartition]int32)}
	for name, t := range md.Topics {
		if t.Err != nil {
			continue // counts as absent
		}
		log.ids[name] = t.ID
		for n, p := range t.Partitions {
			log.leaders[topicPartition{name, n}] = p.Leader
		}
	}
	return log, nil
}

// readEnds reads the spans of topics. The end is the high watermark, or when
// committed the last stable offset: what a read_committed consumer sees.
func (l *logState) readEnds(ctx context.Context, adm *kadm.Client, topics []string, committed bool) error {
	starts, err := adm.ListStartOffsets(ctx, topics...)
	if err != nil {
		return fmt.Errorf("list start offsets: %w", err)
	}
	list := adm.ListEndOffsets
	if committed {
		list = adm.ListCommittedOffsets
	}
	ends, err := list(ctx, topics...)
	if err != nil {
		return fmt.Errorf("list end offsets: %w", err)
	}
	var failed error
	starts.Each(func(s kadm.ListedOffset) {
		e, ok := ends.Lookup(s.Topic, s.Partition)
		switch {
		case !ok:
		case s.Err != nil:
			failed = s.Err
		case e.Err != nil:
			failed = e.Err
		default:
			l.spans[topicPartition{s.Topic, s.Partition}] = span{s.Offset, e.Offset}
		}
	})
	if failed != nil {
		return fmt.Errorf("list offsets: %w", failed)
	}
	return nil
}

type rowKey struct {
	topic     kadm.TopicID
	partition int32
}

// readRows reads the stored offsets of every partition of a cluster.
func readRows(ctx context.Context, db querier, cluster string) (map[rowKey]position, error) {
	rows, err := db.Query(ctx, `SELECT topic_id, partition, next, coalesce(last_offset, -1), coalesce(last_epoch, -1), last_digest, tableoid
		FROM sink_offsets WHERE cluster_id = $1`, cluster)
	if err != nil {
		return nil, fmt.Errorf("read sink_offsets: %w", err)
	}
	defer rows.Close()
	all := make(map[rowKey]position)
	for rows.Next() {
		var id pgtype.UUID
		var k rowKey
		p := position{cluster: cluster}
		if err := rows.Scan(&id, &k.partition, &p.next, &p.last.offset, &p.last.epoch, &p.last.digest, &p.table); err != nil {
			return nil, fmt.Errorf("read sink_offsets: %w", err)
		}
		k.topic, p.topic = id.Bytes, id.Bytes
		all[k] = p
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read sink_offsets: %w", err)
	}
	return all, nil
}

// readBoth reads the log's state and the stored offsets of topics. The offsets are
// read before the log's ends: one that is stored meanwhile must not seem to lie
// beyond the end.
func (s *Sink) readBoth(ctx context.Context, adm *kadm.Client, topics []string) (*logState, map[rowKey]position, error) {
	log, err := readLog(ctx, adm, topics)
	if err != nil {
		return nil, nil, err
	}
	rows, err := readRows(ctx, s.cfg.Pool, log.cluster)
	if err != nil {
		return nil, nil, err
	}
	return log, rows, log.readEnds(ctx, adm, topics, false)
}

// topicsOf returns the topics of partitions, sorted.
func topicsOf(partitions []topicPartition) []string {
	seen := make(map[string]struct{})
	for _, tp := range partitions {
		seen[tp.topic] = struct{}{}
	}
	return slices.Sorted(maps.Keys(seen))
}

// CaughtUp returns the lag: the number of offsets of topics that are not stored yet,
// 0 when all that read_committed consumers can see are. Transaction markers and
// aborted records count until the sink has passed them; a topic that does not exist
// counts as 0. A log that ends before the stored offset is an error: it is not the
// log that the tables were written from.
func CaughtUp(ctx context.Context, cl *kgo.Client, pool *pgxpool.Pool, topics ...string) (lag int64, err error) {
	adm := kadm.NewClient(cl)
	log, err := readLog(ctx, adm, topics)
	if err != nil {
		return 0, err
	}
	there := make([]string, 0, len(log.ids))
	for t := range log.ids {
		there = append(there, t)
	}
	if len(there) == 0 {
		return 0, nil
	}
	// The ends before the rows: the lag is never less than it was at the call.
	if err := log.readEnds(ctx, adm, there, true); err != nil {
		return 0, err
	}
	rows, err := readRows(ctx, pool, log.cluster)
	if err != nil {
		return 0, err
	}
	beyond := make(map[topicPartition]int64)
	for tp, span := range log.spans {
		at, ok := rows[rowKey{log.ids[tp.topic], tp.partition}]
		if !ok {
			at.next = span.start
		}
		lag += max(0, span.end-at.next)
		if at.next > span.end {
			beyond[tp] = at.next
		}
	}
	if len(beyond) == 0 {
		return lag, nil
	}
	if err := log.readEnds(ctx, adm, there, true); err != nil {
		return 0, err
	}
	for tp, next := range beyond {
		if end := log.spans[tp].end; next > end {
			return 0, fmt.Errorf("the tables are at offset %d of %s, the log ends at %d", next, tp, end)
		}
	}
	return lag, nil // the log grew after we looked
}

func uuid(id kadm.TopicID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }
