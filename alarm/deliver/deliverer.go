package deliver

import (
	"fmt"
	"log/slog"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/internal/backoff"
)

// Config of a Deliverer.
type Config struct {
	Receivers []rule.Receiver
	Pool      *pgxpool.Pool // one more connection for each receiver
	Kafka     *kgo.Client   // produces to receivers that are topics

	Pauses  backoff.Policy        // between the tries of a message; default 1 s to 10 min
	Log     *slog.Logger          // default: discard
	Metrics prometheus.Registerer // default: none
}

// Deliverer sends messages.
type Deliverer struct {
	cfg     Config
	senders map[string]sender // by receiver
	metrics *metrics

	mu       sync.Mutex        // guards the following
	problems map[string]string // why a receiver does not take its messages
}

// Problems returns, a line each, the receivers that do not take their messages.
func (d *Deliverer) Problems() (lines []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.cfg.Receivers {
		if p := d.problems[r.Name]; p != "" {
			lines = append(lines, fmt.Sprintf("receiver %s does not take alarms: %s", r.Name, p))
		}
	}
	return lines
}

// report stores why a receiver does not take its messages, "" if it does, and logs a change.
func (d *Deliverer) report(r *rule.Receiver, problem string) {
	d.mu.Lock()
	before := d.problems[r.Name]
	d.problems[r.Name] = problem
	d.mu.Unlock()
	switch {
	case problem != "" && before == "":
		d.cfg.Log.Warn("a receiver does not take alarms, retrying", "receiver", r.Name, "err", problem)
	case problem == "" && before != "":
		d.cfg.Log.Info("a receiver takes alarms again", "receiver", r.Name)
	}
}
