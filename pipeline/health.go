package pipeline

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

// Failed returns when a stage has ended by itself, with its error, or when ctx
// ends, with nil.
func (s *Services) Failed(ctx context.Context) error {
	var brokerDone, sinksDone chan struct{}
	if s.broker != nil {
		brokerDone = s.broker.done
	}
	if s.sinks != nil {
		sinksDone = s.sinks.done
	}
	select {
	case <-ctx.Done():
		return nil
	case <-brokerDone:
		return fmt.Errorf("the broker ended: %w", s.broker.err)
	case <-sinksDone:
		return fmt.Errorf("the sinks ended: %w", s.sinks.err)
	}
}

// Stopped is nil, or says which partitions only a user can set going again.
func (s *Services) Stopped() error { return s.blocked(sink.Stopped) }

// Lag is how many records of the log the tables do not hold yet. When ctx has
// ended it still asks, but only for a moment: a stop does not wait for a
// database that is away.
func (s *Services) Lag(ctx context.Context) (int64, error) {
	limit := lagTimeout
	if ctx.Err() != nil {
		ctx, limit = context.WithoutCancel(ctx), drainGrace
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return sink.CaughtUp(ctx, s.admin, s.Pool, kafka.Topics()...)
}

// watchLag registers the lag as a metric, NaN while it is not known. The sinks' own
// gauge covers only the partitions that they fetch.
func (s *Services) watchLag(reg prometheus.Registerer) {
	promauto.With(reg).NewGaugeFunc(prometheus.GaugeOpts{
		Name: "sightlog_lag_records", Help: "Records of the log that are not in the tables, those of stopped and waiting partitions included.",
	}, func() float64 {
		lag, err := s.Lag(context.Background())
		if err != nil {
			return math.NaN()
		}
		return float64(lag)
	})
}

// lagTimeout bounds the question how far the tables are.
const lagTimeout = 5 * time.Second

// blocked is nil, or says which partitions in these states the sinks cannot pass
// and why.
func (s *Services) blocked(states ...sink.State) error {
	all := slices.DeleteFunc(s.sink.Blocked(), func(p sink.PartitionState) bool { return !slices.Contains(states, p.State) })
	return notInTables(all)
}

func notInTables(blocked []sink.PartitionState) error {
	if len(blocked) == 0 {
		return nil
	}
	lines := make([]string, len(blocked))
	for i, p := range blocked {
		lines[i] = p.String()
	}
	return fmt.Errorf("the tables do not hold all of the log: %s", strings.Join(lines, "; "))
}

// sameHistory reports whether it could be found out that the log is the one that
// the tables were written from; the error says that it is not, and where.
func (s *Services) sameHistory(ctx context.Context) (checked bool, err error) {
	if ctx.Err() != nil {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, lagTimeout)
	defer cancel()
	wrong, err := s.sink.CheckHistory(ctx, s.admin)
	if err != nil {
		return false, nil
	}
	return true, notInTables(wrong)
}

// Problems says, a line each, what keeps data from the log or from the tables
// at present, a log or a database that does not answer too.
func (s *Services) Problems() []string {
	_, lines := s.check(context.Background())
	return lines
}

// check returns the lag, -1 when it cannot be known, and the problems.
func (s *Services) check(ctx context.Context) (lag int64, lines []string) {
	if s.ownBroker != nil {
		if p := s.ownBroker.Problem(); p != "" {
			lines = append(lines, p)
		}
	}
	for _, p := range s.sink.Blocked() {
		lines = append(lines, p.String())
	}
	lag, err := s.Lag(ctx)
	if err != nil {
		return -1, append(lines, "how far the tables are cannot be known: "+err.Error())
	}
	return lag, lines
}
