package alarm

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// tickLock is the advisory lock with which one ticker of all looks.
const tickLock = 7303014601517301109

// Ticker finds what follows from time passing.
type Ticker struct {
	Rules *Rules
	Pool  *pgxpool.Pool
	// Horizon returns a time up to which the tables hold what the log held then; zero if that
	// is not known yet.
	Horizon func(context.Context) (time.Time, error)

	found []beginning // in this transaction
	pulse pulse

	noted, ended time.Time // when note and EndRemoved were called last
}

// alone runs f in a transaction, unless another ticker looks.
func (t *Ticker) alone(ctx context.Context, f func(pgx.Tx) error) error {
	t.found = nil
	err := pgx.BeginFunc(ctx, t.Pool, func(tx pgx.Tx) error {
		var alone bool
		if err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", int64(tickLock)).Scan(&alone); err != nil || !alone {
			return err
		}
		return f(tx)
	})
	if err == nil {
		t.Rules.count(t.found)
	}
	return err
}
