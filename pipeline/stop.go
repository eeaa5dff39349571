package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/postgres"
)

// drainGrace is how long a drain goes on after its context ended; the rest remains in
// the log for the next start.
const drainGrace = 300 * time.Millisecond

// waitingGrace is drainGrace where something is waited for, which may be back.
const waitingGrace = 2 * time.Second

// closePool closes the connections. Those to a database that does not answer are left
// to the end of the process: no transaction is in progress on them.
func closePool(pool *pgxpool.Pool) {
	closed := make(chan struct{})
	go func() {
		pool.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(drainGrace):
	}
}

// Stop stops the services, in the order of the data.
func (s *Services) Stop() error { return errors.Join(s.stopTables(), s.stopLog()) }

// stopTables stops the sinks and the database.
func (s *Services) stopTables() error {
	errs := []error{s.sinks.stop(), s.stopAlarms()}
	if s.admin != nil {
		s.admin.Close()
	}
	if s.Pool != nil {
		closePool(s.Pool)
	}
	errs = append(errs, s.dbSupervisor.stop())
	if s.private != nil {
		ctx, cancel := context.WithTimeout(context.Background(), postgres.StopTimeout)
		errs = append(errs, s.private.Stop(ctx))
		cancel()
	}
	return errors.Join(errs...)
}

// stopLog stops the broker and closes the data directory.
func (s *Services) stopLog() error {
	errs := []error{s.registry.stop(), s.broker.stop()}
	if s.dir != nil {
		errs = append(errs, s.dir.Close())
	}
	return errors.Join(errs...)
}
