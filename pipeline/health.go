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

// Failed waits for a service to end by itself and returns its error, or nil when ctx
// ends.
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

// Stopped returns an error that names the partitions that are stopped, which only a user
// can fix, or nil.
func (s *Services) Stopped() error { return s.blocked(sink.Stopped) }

// Lag returns the number of records of the log that are not in the tables yet. When ctx
// has ended it still asks, for drainGrace: a stop does not wait for an unavailable
// database.
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
func (s *Services) watchLag(reg prometheus.Registerer, unacknowledged func() int64) {
	promauto.With(reg).NewGaugeFunc(prometheus.GaugeOpts{
		Name: "sightlog_lag_records", Help: "Records that are not in the tables: those of the log, of stopped and waiting partitions too, and with run those that wait for the log.",
	}, func() float64 {
		inLog, err := s.Lag(context.Background())
		if err != nil {
			inLog = -1
		}
		var waiting int64
		if unacknowledged != nil {
			waiting = unacknowledged()
		}
		if lag := totalLag(inLog, waiting); lag >= 0 {
			return float64(lag)
		}
		return math.NaN()
	})
}

// totalLag returns the records that are not in the tables: inLog of the log, and those
// that wait for its acknowledgement; -1 if inLog is -1, not known.
func totalLag(inLog, unacknowledged int64) int64 {
	if inLog < 0 {
		return -1
	}
	return inLog + unacknowledged
}

// lagTimeout bounds Lag and sameHistory.
const lagTimeout = 5 * time.Second

// blocked returns an error that names the partitions in these states, with the reason of
// each, or nil.
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
	return fmt.Errorf("not all of the log is in the tables: %s", strings.Join(lines, "; "))
}

// sameHistory compares the log with the one that the tables were written from. checked
// is false if that was not possible; otherwise the error names the partitions that
// differ.
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

// Problems returns, a line each, the reasons for which sightings do not reach the log or
// the tables at present, including a log or a database that does not answer.
func (s *Services) Problems() []string {
	_, lines := s.check(context.Background())
	return lines
}

// check returns the lag, -1 if it is unknown, and the problems.
func (s *Services) check(ctx context.Context) (lag int64, lines []string) {
	if s.ownBroker != nil {
		if p := s.ownBroker.Problem(); p != "" {
			lines = append(lines, p)
		}
	}
	if s.private != nil {
		if p := s.private.Problem(); p != "" {
			lines = append(lines, p)
		}
	}
	for _, p := range s.sink.Blocked() {
		lines = append(lines, p.String())
	}
	lines = append(lines, s.alarmProblems()...)
	lag, err := s.Lag(ctx)
	if err != nil {
		return -1, append(lines, "the lag is unknown: "+err.Error())
	}
	return lag, lines
}

// Facts are the state of the services, each problem as one line.
type Facts struct {
	Broker   string // "": none
	Database string // "": none
	Blocked  []sink.PartitionState
	Lag      int64  // records of the log that are not in the tables; -1: not known
	LagError string // why it is not known
	// Receivers of the configuration, by name, and what those do not take that fail.
	Receivers        []string
	ReceiverProblems []string

	OwnBroker, OwnDatabase bool   // they run in this process's care
	Dir                    string // the data directory; "": none
}

// Facts asks for the state of the services.
func (s *Services) Facts(ctx context.Context) Facts {
	f := Facts{Blocked: s.sink.Blocked(), OwnBroker: s.ownBroker != nil, OwnDatabase: s.private != nil}
	if s.ownBroker != nil {
		f.Broker = s.ownBroker.Problem()
	}
	if s.private != nil {
		f.Database = s.private.Problem()
	}
	if s.dir != nil {
		f.Dir = s.cfg.Data.Data
	}
	for i := range s.cfg.Alarms.Receivers {
		f.Receivers = append(f.Receivers, s.cfg.Alarms.Receivers[i].Name)
	}
	f.ReceiverProblems = s.alarmProblems()
	var err error
	if f.Lag, err = s.Lag(ctx); err != nil {
		f.Lag, f.LagError = -1, err.Error()
	}
	return f
}
