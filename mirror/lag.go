package mirror

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sightlog/sightlog/kafka"
)

// Lag returns how many offsets of a source's topics a mirror with the default group and
// topics has not mirrored yet.
func Lag(ctx context.Context, source kafka.Config) (records int64, err error) {
	cl, err := source.Client()
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	log, err := listLog(ctx, adm, Topics())
	if err != nil {
		return 0, err
	}
	lags, err := lagOf(ctx, adm, Group, log)
	for _, n := range lags {
		records += n
	}
	return records, err
}

// lagOf returns the lag of each partition, by the group's offsets.
func lagOf(ctx context.Context, adm *kadm.Client, group string, log *logState) (map[topicPartition]int64, error) {
	committed, err := adm.FetchOffsets(ctx, group)
	if err != nil {
		return nil, fmt.Errorf("fetch the offsets of group %s: %w", group, err)
	}
	lags := make(map[topicPartition]int64, len(log.spans))
	for tp, span := range log.spans {
		at := span.start
		if o, ok := committed.Lookup(tp.topic, tp.partition); ok {
			at = max(at, o.At)
		}
		lags[tp] = span.end - at
	}
	return lags, nil
}
