package broker

import (
	"context"
	"errors"
	"time"

	"github.com/sightlog/sightlog/broker/storage"
)

// clean applies retention and compaction to every log, each CleanInterval, until ctx
// ends.
func (b *Broker) clean(ctx context.Context) {
	tick := time.NewTicker(b.cfg.CleanInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.cleanOnce(ctx, time.Now())
		}
	}
}

func (b *Broker) cleanOnce(ctx context.Context, now time.Time) {
	for _, t := range b.topics.all() {
		conf := t.config.Load()
		for _, p := range t.partitions() {
			if err := b.cleanLog(ctx, p, conf, now.UnixMilli()); err != nil {
				if ctx.Err() != nil {
					return
				}
				if !errors.Is(err, storage.ErrDropped) {
					b.log.Warn("cannot clean a log", "topic", t.name, "partition", p.index, "err", err)
				}
			}
		}
	}
	b.groups.ExpireOffsets(now.Add(-b.cfg.OffsetRetention), b.holders()...)
}

func (b *Broker) cleanLog(ctx context.Context, p *partition, conf *topicConfig, now int64) error {
	l := p.log
	if conf.expire {
		start, expired := l.Expired(storage.Retention{
			Bytes: conf.retentionBytes, Millis: conf.retentionMillis, Now: now, Hold: b.heldFrom(p, conf),
		})
		if expired {
			var c storage.Commit
			c.SetStart(l, start)
			if err := b.store.Do(&c); err != nil {
				return err
			}
		}
	}
	if !conf.compact {
		return nil
	}
	st, err := b.store.Compact(ctx, l, storage.CompactOptions{
		Now: now, MinLag: conf.minCompactionLag,
		DeleteRetention: conf.deleteRetention, MinDirty: conf.minDirtyRatio,
	})
	if st.Bytes > 0 {
		b.log.Info("log compacted", "dir", l.Dir(), "bytes_before", st.Bytes, "bytes_after", st.BytesLeft, "keys", st.Keys)
	}
	return err
}
