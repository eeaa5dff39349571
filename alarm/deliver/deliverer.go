package deliver

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/internal/backoff"
)

// lookEvery is the time between two looks into the tables when there is nothing to be sent.
const lookEvery = time.Second

// Config of a Deliverer.
type Config struct {
	Receivers []rule.Receiver
	Pool      *pgxpool.Pool // one more connection for each receiver, two for MQTT
	Kafka     *kgo.Client   // produces to receivers that are topics
	Cameras   []string      // those that are devices; nil: those in the tables
	Rules     []rule.Rule   // those of the configuration: MQTT gets a sensor of each

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
		for what, key := range map[string]string{"alarms": r.Name, "the states of cameras": r.Name + camerasOf} {
			if p := d.problems[key]; p != "" {
				lines = append(lines, fmt.Sprintf("receiver %s does not take %s: %s", r.Name, what, p))
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// report stores why a receiver does not take its messages, "" if it does, and logs a change.
func (d *Deliverer) report(r *rule.Receiver, problem string) {
	d.note(r.Name, "alarms", r.Name, problem)
}

// camerasOf is behind a receiver's name in the problems with the states of cameras.
const camerasOf = " cameras"

// reportCameras is report of the states of cameras.
func (d *Deliverer) reportCameras(r *rule.Receiver, problem string) {
	d.note(r.Name+camerasOf, "the states of cameras", r.Name, problem)
}

func (d *Deliverer) note(key, what, receiver, problem string) {
	d.mu.Lock()
	before := d.problems[key]
	d.problems[key] = problem
	d.mu.Unlock()
	switch {
	case problem != "" && before == "":
		d.cfg.Log.Warn("a receiver does not take what it is sent, retrying", "receiver", receiver, "what", what, "err", problem)
	case problem == "" && before != "":
		d.cfg.Log.Info("a receiver takes again what it is sent", "receiver", receiver, "what", what)
	}
}
