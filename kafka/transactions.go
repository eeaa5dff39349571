package kafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Transactions writes records of any topic in transactions, under one transactional id.
// One goroutine at a time may use it.
type Transactions struct{ cl *kgo.Client }

// OpenTransactions fences every producer before it with this transactional id: their open
// transaction is aborted, and they can write no more (KIP-98). Reads after
// it returns are therefore final. opts come after those of a producer.
func OpenTransactions(ctx context.Context, c Config, id string, opts ...kgo.Opt) (*Transactions, error) {
	cl, err := openTransactional(ctx, c, id, opts...)
	if err != nil {
		return nil, err
	}
	return &Transactions{cl}, nil
}

// Write writes recs as one transaction. After an error its outcome is unknown, and only
// Close may follow.
func (t *Transactions) Write(ctx context.Context, recs []*kgo.Record) error {
	_, err := transact(ctx, t.cl, recs)
	return err
}

// Close closes the producer. A transaction that is open is aborted by the next
// OpenTransactions, or by the cluster after its timeout.
func (t *Transactions) Close() { t.cl.Close() }
