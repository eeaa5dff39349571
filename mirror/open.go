package mirror

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// openTime bounds the opening of a session. It is longer than the transactions of other
// mirrors, for which reading the positions waits, may stay open.
const openTime = 45 * time.Second

// open reads the state of both clusters and begins to read behind what is mirrored.
func (s *session) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	if err := s.openSource(ctx); err != nil {
		return err
	}
	if err := s.hold(ctx); err != nil { // also while the target is away
		return err
	}
	s.source.OK()
	at, err := s.openTarget(ctx)
	if err != nil {
		return err
	}
	if err := s.checkAlone(at); err != nil {
		return err
	}
	if s.log, err = listLog(ctx, s.adm, s.cfg.Topics); err != nil { // its ends are behind the positions
		return err
	}
	if err := s.resolve(ctx, at); err != nil {
		return err
	}
	s.commitGroup(ctx)
	s.setGoals()
	from := make(map[string]map[int32]kgo.Offset)
	for tp, p := range s.next {
		if from[tp.topic] == nil {
			from[tp.topic] = make(map[int32]kgo.Offset)
		}
		first := p.Next
		if p.Digest != "" { // the one before is compared; it may be gone by compaction
			first = max(first-1, s.log.spans[tp].start)
		}
		from[tp.topic][tp.partition] = kgo.NewOffset().At(first)
	}
	s.src.AddConsumePartitions(from)
	return nil
}

// openSource connects to the source and lists its topics.
func (s *session) openSource(ctx context.Context) (err error) {
	s.src, err = s.cfg.Source.Client(
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // positions advance over transaction markers too
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchMaxWait(500*time.Millisecond),
		kgo.FetchMaxBytes(8<<20),
	)
	if err != nil {
		return err
	}
	s.adm = kadm.NewClient(s.src)
	if s.log, err = listLog(ctx, s.adm, s.cfg.Topics); err != nil {
		return err
	}
	if s.cluster == "" {
		s.cluster = s.log.cluster
	}
	if s.cluster != s.log.cluster {
		return fmt.Errorf("another cluster, %s, has its address now, not %s; start the mirror again if that is meant", s.log.cluster, s.cluster)
	}
	s.identity = identityOf(s.cfg.Group, s.log.cluster)
	return s.showLag(ctx)
}

// showLag sets the lag from the group's offsets: it grows while the target is away.
func (s *session) showLag(ctx context.Context) error {
	lags, err := lagOf(ctx, s.adm, s.cfg.Group, s.log)
	for tp, records := range lags {
		s.metrics.setLag(tp, records)
	}
	return err
}

// openTarget creates the topics that are missing there, fences the producer before and
// returns the positions.
func (s *session) openTarget(ctx context.Context) (map[topicPartition]position, error) {
	partitions, err := s.ensureTopics(ctx)
	if err != nil {
		return nil, err
	}
	s.txn, err = kafka.OpenTransactions(ctx, s.cfg.Target, s.identity, kgo.RecordPartitioner(newPlacing(s.identity)))
	if err != nil {
		return nil, atTarget(err)
	}
	at, err := readPositions(ctx, s.cfg.Target, s.identity, partitions)
	return at, atTarget(err)
}

// checkAlone returns a *usage.Error if another mirror has gone on where this one was. A
// position that lies before is of a target that was put back.
func (s *session) checkAlone(at map[topicPartition]position) error {
	for tp, p := range at {
		if acked, wrote := s.acked[tp]; wrote && p.Writer != s.writer && p.Next > acked {
			return usage.New("stop one, or give one another --mirror-group", "another mirror of this log runs, as group %s", s.cfg.Group)
		}
	}
	return nil
}

// setGoals sets what Config.Once has to reach, in the first session.
func (s *session) setGoals() {
	if !s.cfg.Once || s.goals != nil {
		return
	}
	s.goals = make(map[topicPartition]int64)
	for tp, span := range s.log.spans {
		s.goals[tp] = span.stable
	}
}

// reachedGoals reports whether all is mirrored that Config.Once asks for.
func (s *session) reachedGoals() bool {
	for tp, goal := range s.goals {
		if s.next[tp].Next < goal {
			return false
		}
	}
	return s.goals != nil
}

// close releases the clients.
func (s *session) close() {
	if s.txn != nil {
		s.txn.Close()
	}
	if s.src == nil {
		return
	}
	if s.committed {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		s.commitGroup(ctx)
		cancel()
	}
	s.src.Close()
}
