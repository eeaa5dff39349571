package deliver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sightlog/sightlog/alarm/rule"
)

// tryTimeout bounds one try.
const tryTimeout = 15 * time.Second

// lockReceiver is the advisory lock of a receiver, by its name.
const lockReceiver = "SELECT pg_try_advisory_xact_lock(hashtextextended('sightlog receiver ' || $1, 0))"

// oldest returns the receiver's oldest message that has not been sent, if it is due.
const oldest = `
SELECT id, message_id, payload, attempts, created_at FROM (
    SELECT * FROM alarm_deliveries WHERE receiver = $1 AND sent_at IS NULL AND dead_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
) m WHERE due <= now()`

// sendNext tries to send the oldest message of a receiver, and reports whether it was sent.
func (d *Deliverer) sendNext(ctx context.Context, r *rule.Receiver) (sent bool, err error) {
	err = pgx.BeginFunc(ctx, d.cfg.Pool, func(tx pgx.Tx) error {
		var alone bool
		if err := tx.QueryRow(ctx, lockReceiver, r.Name).Scan(&alone); err != nil || !alone {
			return err
		}
		var m outgoing
		err := tx.QueryRow(ctx, oldest, r.Name).Scan(&m.row, &m.id, &m.payload, &m.attempts, &m.created)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := m.read(); err != nil {
			return fmt.Errorf("decode message %s: %w", m.id, err)
		}
		try, cancel := context.WithTimeout(ctx, tryTimeout)
		failed := d.senders[r.Name].send(try, &m)
		cancel()
		if ctx.Err() != nil && failed != nil {
			return ctx.Err()
		}
		sent = true
		return d.conclude(context.WithoutCancel(ctx), tx, r, &m, failed)
	})
	return sent, err
}

// conclude writes the outcome of a try.
func (d *Deliverer) conclude(ctx context.Context, tx pgx.Tx, r *rule.Receiver, m *outgoing, failed error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	outcome := "sent"
	switch {
	case failed == nil:
		_, err = tx.Exec(ctx, "UPDATE alarm_deliveries SET sent_at = now(), error = NULL WHERE id = $1", m.row)
		d.report(r, "")
	case errors.Is(failed, errRefused), time.Since(m.created) > r.GiveUp:
		outcome = "dead"
		d.cfg.Log.Error("a message of an alarm is given up", "receiver", r.Name, "message", m.id, "err", failed)
		_, err = tx.Exec(ctx, "UPDATE alarm_deliveries SET dead_at = now(), attempts = attempts + 1, error = $2 WHERE id = $1", m.row, failed.Error())
	default:
		outcome = "failed"
		d.report(r, failed.Error())
		pause := d.cfg.Pauses.After(m.attempts + 1)
		pause += time.Duration(rand.Int64N(int64(pause)/4 + 1)) // many processes and receivers do not try at once
		_, err = tx.Exec(ctx, `UPDATE alarm_deliveries SET attempts = attempts + 1, error = $2,
			due = now() + $3::bigint * interval '1 us' WHERE id = $1`, m.row, failed.Error(), pause.Microseconds())
	}
	if err == nil {
		d.metrics.tries.WithLabelValues(r.Name, outcome).Inc()
		if outcome == "sent" {
			d.metrics.delay.Observe(time.Since(m.created).Seconds())
		}
	}
	return err
}
