package occupancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/backoff"
	"github.com/sightlog/sightlog/internal/grace"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// Bounds of the pauses in the loop.
const (
	pollTime  = time.Second     // of a poll without records
	pingAfter = 5 * time.Second // without an answer
)

// pauses are those between attempts to open a session.
var pauses = backoff.Policy{First: 100 * time.Millisecond, Limit: 2 * time.Second}

// Run computes until ctx ends; then it finishes its transaction, within StopTimeout, and
// leaves the group. Faults of the log are retried until they pass. It returns an error
// only for what a user must change, a *usage.Error. Run may be called once.
func (p *Processor) Run(ctx context.Context) error {
	for failures := 1; ctx.Err() == nil; failures++ {
		committed, err := p.runSession(ctx)
		if usage.Is(err) {
			return err
		}
		if err == nil || ctx.Err() != nil {
			break
		}
		if committed {
			failures = 1
		}
		p.health.Failed(err)
		if pauses.Wait(ctx, failures) != nil {
			break
		}
	}
	return nil
}

// runSession runs a session until it fails or ctx ends, and reports whether it committed
// anything.
func (p *Processor) runSession(ctx context.Context) (committed bool, err error) {
	work, cancel := grace.Context(ctx, p.cfg.StopTimeout)
	defer cancel()
	if err := p.ensureTopics(ctx); err != nil {
		return false, err
	}
	s := &session{Processor: p, answered: time.Now()}
	forget := func(context.Context, *kgo.Client, map[string][]int32) { s.stale.Store(true) }
	s.gts, err = p.cfg.Kafka.Session(
		kgo.ConsumerGroup(Group(p.cfg.Topic)),
		kgo.ConsumeTopics(kafka.Sightings),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // offsets advance over transaction markers too
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(500*time.Millisecond),
		kgo.SessionTimeout(p.cfg.SessionTimeout),
		kgo.HeartbeatInterval(p.cfg.Heartbeat),
		kgo.MetadataMaxAge(2*time.Second), // new partitions are known that soon
		kgo.OnPartitionsRevoked(forget),
		kgo.OnPartitionsLost(forget),
		kgo.TransactionalID(p.txnID),
		kgo.TransactionTimeout(p.cfg.TransactionTimeout),
		kgo.ProducerLinger(0),
		kgo.UnknownTopicRetries(4),
		kgo.ProducerBatchMaxBytesFn(p.maxBatchBytes),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	)
	if err != nil {
		return false, err
	}
	s.adm = kadm.NewClient(s.gts.Client())
	defer s.close(ctx)
	for backlog := true; ctx.Err() == nil; {
		if !backlog {
			_ = backoff.Sleep(ctx, p.cfg.Interval) // the loop ends with ctx
		}
		if backlog, err = s.step(ctx, work); err != nil {
			return s.committed, err
		}
	}
	return s.committed, nil
}

// step processes one poll in one transaction. It reports whether there may be a backlog.
func (s *session) step(ctx, work context.Context) (backlog bool, err error) {
	short, cancel := context.WithTimeout(ctx, min(pollTime, s.cfg.Idle))
	fetches := s.gts.PollRecords(short, s.cfg.MaxRecords)
	cancel()
	if s.stale.Swap(false) {
		s.parts = nil
		s.metrics.lag.Reset()
	}
	if ctx.Err() != nil {
		return false, nil
	}
	if err := s.load(work); err != nil {
		return false, err
	}
	tx := newTransaction(s.Processor)
	failed := false
	fetches.EachError(func(_ string, partition int32, err error) {
		failed = s.fetchFailed(partition, err, tx) || failed
	})
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		if p := s.parts[f.Partition]; p != nil && len(f.Records) > 0 {
			tx.err = errors.Join(tx.err, p.take(work, f, tx))
		}
	})
	if !failed {
		s.emitIdle(work, tx)
	}
	if tx.err != nil {
		return false, tx.err
	}
	if len(tx.parts) == 0 && len(tx.unreadable) == 0 {
		s.ping(work)
		return false, nil
	}
	return fetches.NumRecords() >= s.cfg.MaxRecords, s.commit(work, tx)
}

// commit writes the records and states of tx and moves the offsets, all or nothing. The
// session aborts a transaction if a partition was revoked or lost since the one before, or
// if the group has another generation; then all states are read again.
func (s *session) commit(ctx context.Context, tx *transaction) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.TransactionTimeout)
	defer cancel()
	if err := s.gts.Begin(); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	recs, err := tx.records()
	if err == nil && len(recs) > 0 {
		err = kafka.Produce(ctx, s.gts.Client(), recs...).FirstErr()
	}
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("produce: %w", err) // the log ends the transaction
	}
	committed, endErr := s.gts.End(kgo.PreTxnCommitFnContext(ctx, tx.addOffsets), kgo.TransactionEndTry(err == nil))
	switch {
	case err != nil:
		return fmt.Errorf("produce: %w", err)
	case endErr != nil:
		return fmt.Errorf("end transaction: %w", endErr)
	case !committed:
		s.metrics.transactions.WithLabelValues("aborted").Inc()
		s.parts = nil // End went back to the committed offsets
		return nil
	}
	s.committed = true
	s.metrics.committed(len(tx.outputs), tx.tally)
	s.gts.Client().SetOffsets(map[string]map[int32]kgo.EpochOffset{kafka.Sightings: tx.unreadable})
	s.hasAnswered()
	return nil
}

// fetchFailed handles the error of a poll and reports whether it is a failure. A batch
// that is too large when decompressed, which the sink makes a dead letter, is skipped.
func (s *session) fetchFailed(partition int32, err error, tx *transaction) bool {
	for _, harmless := range []error{
		context.DeadlineExceeded, context.Canceled, // nothing came within the poll
		kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.RebalanceInProgress, // the client joins the group again
	} {
		if errors.Is(err, harmless) {
			return false
		}
	}
	if large := (*kgo.ErrDecompressTooLarge)(nil); errors.As(err, &large) {
		tx.tally.skipped["unreadable"]++
		tx.unreadable[partition] = kgo.EpochOffset{Epoch: -1, Offset: large.NextOffset}
		return false
	}
	s.health.Failed(fmt.Errorf("fetch %s partition %d: %w", kafka.Sightings, partition, err))
	return true
}

// ping asks the log for an answer if there was none for a while.
func (s *session) ping(ctx context.Context) {
	if time.Since(s.answered) < pingAfter {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if err := s.gts.Client().Ping(ctx); err != nil {
		s.health.Failed(err)
		s.postponeIdle()
		return
	}
	s.hasAnswered()
}

// close leaves the group, so that the partitions are assigned to others at once.
func (s *session) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 500*time.Millisecond)
	defer cancel()
	if err := s.gts.Client().LeaveGroupContext(ctx); err != nil {
		s.cfg.Log.Debug("cannot leave the group; the session will expire", "err", err)
	}
	s.gts.Close()
}
