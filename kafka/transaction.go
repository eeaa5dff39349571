package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// txnTimeout is the time after which the cluster aborts a transaction that its producer
// left open.
const txnTimeout = 30 * time.Second

// produceTimeout bounds the attempt to produce a transaction's records: the producer gives
// up before the cluster aborts the transaction and fences it. The client's own limit
// would count from the records' timestamps, which a second attempt does not change.
const produceTimeout = txnTimeout / 3

// openTransactional opens a producer with a higher epoch than every producer before it
// with this transactional id: their open transaction is aborted, and they can write no
// more (KIP-98). opts come after its own.
func openTransactional(ctx context.Context, c Config, id string, opts ...kgo.Opt) (*kgo.Client, error) {
	producing, err := c.producing()
	if err != nil {
		return nil, err
	}
	cl, err := c.Client(slices.Concat(producing, []kgo.Opt{
		kgo.TransactionalID(id),
		kgo.TransactionTimeout(txnTimeout),
		kgo.ProducerLinger(0),
	}, opts)...)
	if err != nil {
		return nil, err
	}
	if _, _, err := cl.ProducerID(ctx); err != nil {
		cl.Close()
		return nil, fmt.Errorf("fence the producer before: %w", err)
	}
	return cl, nil
}

// producerID identifies the producer of a transaction's records: the id and epoch that
// belong to its transactional id.
type producerID struct {
	id    int64
	epoch int16
}

// transact writes recs as one transaction and returns its producer. After an error the
// client is unusable and the outcome unknown.
func transact(ctx context.Context, cl *kgo.Client, recs []*kgo.Record) (who producerID, err error) {
	if err := cl.BeginTransaction(); err != nil {
		return who, fmt.Errorf("begin transaction: %w", err)
	}
	if who.id, who.epoch, err = cl.ProducerID(ctx); err != nil {
		return who, fmt.Errorf("begin transaction: %w", err)
	}
	if err := produce(ctx, cl, recs); err != nil {
		return who, err
	}
	if err := cl.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return who, fmt.Errorf("commit transaction: %w", err)
	}
	return who, nil
}

func produce(ctx context.Context, cl *kgo.Client, recs []*kgo.Record) error {
	try, cancel := context.WithTimeout(ctx, produceTimeout)
	defer cancel()
	err := Produce(try, cl, recs...).FirstErr()
	switch {
	case err == nil:
		return nil
	case try.Err() != nil && ctx.Err() == nil:
		return fmt.Errorf("produce: the log has not acknowledged the records within %s", produceTimeout)
	}
	return fmt.Errorf("produce: %w", err)
}

// checkNotFenced returns nil if no other producer has opened a transactional id since
// producer, ErrFenced if one has, or another error if that is unknown. A request for the
// next epoch with the id and epoch of the last producer succeeds only in the first case
// (KIP-360), even if the coordinator fenced that producer after a timeout.
func checkNotFenced(ctx context.Context, c Config, transactionalID string, who producerID) error {
	cl, err := c.Client()
	if err != nil {
		return err
	}
	defer cl.Close()
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID = new(transactionalID)
	req.TransactionTimeoutMillis = int32(txnTimeout.Milliseconds())
	req.ProducerID, req.ProducerEpoch = who.id, who.epoch
	resp, err := req.RequestWith(ctx, cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	switch {
	case err == nil:
		return nil
	case fenced(err), errors.Is(err, kerr.InvalidProducerIDMapping):
		return ErrFenced
	}
	return fmt.Errorf("query the producer of %s: %w", transactionalID, err)
}

func fenced(err error) bool {
	return errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) ||
		errors.Is(err, kerr.TransactionalIDNotFound)
}
