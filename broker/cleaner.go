package broker

import (
	"github.com/sightlog/sightlog/broker/internal/rows"

	"context"
	"errors"
	"time"

	"github.com/sightlog/sightlog/broker/storage"
)

// clean applies retention and compaction to every log, now and then, until ctx
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
		conf := t.conf.Load()
		for _, p := range t.partitions() {
			if err := b.cleanLog(ctx, p.log, conf, now.UnixMilli()); err != nil {
				if ctx.Err() != nil {
					return
				}
				if !errors.Is(err, storage.ErrDropped) {
					b.log.Warn("cannot clean a log", "topic", t.name, "partition", p.index, "err", err)
				}
			}
		}
	}
	b.expireOffsets(now)
}

func (b *Broker) cleanLog(ctx context.Context, l *storage.Log, conf *topicConf, now int64) error {
	if conf.expire {
		start, any := l.Expired(storage.Retention{Bytes: conf.retentionBytes, Millis: conf.retentionMillis, Now: now})
		if any {
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

// expireOffsets drops the offsets that a group without members committed
// longer ago than the retention, and forgets groups that are no more.
func (b *Broker) expireOffsets(now time.Time) {
	before := now.Add(-b.cfg.OffsetRetention).UnixMilli()
	for _, group := range b.groups.committed() {
		if b.groups.hasConsumers(group) {
			continue
		}
		g := b.groups.lock(group, false)
		if g == nil || g.state == groupEmpty {
			var c storage.Commit
			since := int64(0)
			if g != nil {
				since = g.emptySince
			}
			for key := range b.store.Bucket(rows.OffsetsPrefix + group) {
				if row, ok := b.committedOffset(group, key); ok && max(row.At, since) < before {
					c.Delete(rows.OffsetsPrefix+group, key)
				}
			}
			if !c.Empty() {
				b.store.SubmitDeferred(&c)
			}
		}
		if g != nil {
			g.mu.Unlock()
		}
	}
	b.groups.forget()
}
