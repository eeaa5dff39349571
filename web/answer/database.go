package answer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Database is the database that requests are answered from. It bounds how many queries run
// at once and how long one takes. It may be used concurrently.
type Database struct {
	pool  *pgxpool.Pool
	turns chan struct{} // capacity: how many queries run at once; holds one for each that runs
	limit time.Duration
}

// Limits of NewDatabase.
const (
	AtOnce    = 8
	TimeLimit = 20 * time.Second
	patience  = 5 * time.Second // that a request waits for its turn
)

// NewDatabase returns the database of a pool, whose role can only read and whose contexts
// cancel their statements in the server (postgres.Options.ReadOnly). Its connections should
// be atOnce and one more: a statement that is cancelled needs no other, but ends later.
func NewDatabase(pool *pgxpool.Pool, atOnce int, limit time.Duration) *Database {
	return &Database{pool: pool, turns: make(chan struct{}, atOnce), limit: limit}
}

// Ask calls f, which may query the pool, when it is its turn. Its context ends when the
// client goes, or after the time limit.
func (d *Database) Ask(ctx context.Context, f func(ctx context.Context, pool *pgxpool.Pool) error) error {
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case d.turns <- struct{}{}:
	default:
		select {
		case d.turns <- struct{}{}:
		case <-wait.C:
			return errBusy
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer func() { <-d.turns }()
	within, cancel := context.WithTimeoutCause(ctx, d.limit, errSlow)
	defer cancel()
	err := f(within, d.pool)
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(within), errSlow) {
		return fmt.Errorf("%w: %w", errSlow, err)
	}
	return err
}
