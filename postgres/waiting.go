package postgres

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

// cancelGrace is how long a connection waits for the server's answer to a cancel
// request before it is closed.
const cancelGrace = 2 * time.Second

// forReaders prepares connections for queries that a user waits for. A context that
// ends cancels the statement in the server, which would otherwise keep waiting for a
// lock after its client has gone. A statement without an answer is reported.
func forReaders(cfg *pgx.ConnConfig, log *slog.Logger) {
	cfg.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelGrace}
	}
	cfg.Tracer = &waitReporter{log: log}
}

// waitReporter logs, once for a pool, what a statement waits for that takes longer
// than sayAfter. A statement that merely computes is logged at level Info.
type waitReporter struct {
	log      *slog.Logger
	reported atomic.Bool
}

var _ pgx.QueryTracer = (*waitReporter)(nil)

type endWait struct{} // context key of the function that ends the report of a statement

// TraceQueryStart implements pgx.QueryTracer.
func (r *waitReporter) TraceQueryStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	look, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	timer := time.AfterFunc(reportAfter, func() {
		defer close(done)
		r.report(look, conn)
	})
	return context.WithValue(ctx, endWait{}, sync.OnceFunc(func() {
		cancel()
		if !timer.Stop() {
			<-done
		}
	}))
}

// TraceQueryEnd implements pgx.QueryTracer.
func (r *waitReporter) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	if end, ok := ctx.Value(endWait{}).(func()); ok {
		end()
	}
}

// report asks the server, on a connection of its own, what the session of conn waits
// for.
func (r *waitReporter) report(ctx context.Context, conn *pgx.Conn) {
	kind, table, holders, err := waitOf(ctx, conn)
	if ctx.Err() != nil || r.reported.Swap(true) {
		return
	}
	switch {
	case err != nil:
		r.log.Warn("waiting for the database, which does not answer", "database", Describe(conn.Config()), "err", cause(err))
	case kind == "Lock":
		r.log.Warn("waiting for a lock in the database", "table", table, "held_by_process", holders, "see", "pg_stat_activity")
	default:
		r.log.Info("the database is still at work on the query", "database", Describe(conn.Config()))
	}
}

// waitOf returns what a session waits for: the kind of event, as pg_stat_activity has
// it; of a lock, the table if it is one's, and the processes that hold it. Behind a
// pooler the session is not known: then kind is "".
func waitOf(ctx context.Context, conn *pgx.Conn) (kind, table string, holders []int32, err error) {
	ctx, cancel := context.WithTimeout(ctx, reportAfter)
	defer cancel()
	cfg := conn.Config()
	cfg.Tracer = nil
	other, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return "", "", nil, err
	}
	defer other.Close(ctx)
	rows, err := other.Query(ctx, `
		SELECT coalesce(a.wait_event_type, ''), pg_blocking_pids(a.pid),
		       coalesce((SELECT relation::regclass::text FROM pg_locks WHERE pid = a.pid AND NOT granted AND relation IS NOT NULL LIMIT 1), '')
		FROM pg_stat_activity a WHERE a.pid = $1`, pgx.QueryExecModeExec, int32(conn.PgConn().PID()))
	if err != nil {
		return "", "", nil, err
	}
	_, err = pgx.ForEachRow(rows, []any{&kind, &holders, &table}, func() error { return nil })
	return kind, table, holders, err
}
