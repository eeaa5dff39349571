package deliver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/internal/backoff"
	"github.com/sightlog/sightlog/usage"
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

// sender sends to one receiver. A second call with the same message is a repetition of it.
type sender interface {
	send(ctx context.Context, m *outgoing) error
	close()
}

// errRefused wraps the error of a message that the receiver will not take however often it
// is tried.
var errRefused = errors.New("refused")

// Deliverer sends messages.
type Deliverer struct {
	cfg     Config
	senders map[string]sender // by receiver
	metrics *metrics

	mu       sync.Mutex        // guards the following
	problems map[string]string // why a receiver does not take its messages
}

// New returns a Deliverer. A secret that cannot be read is a *usage.Error.
func New(cfg Config) (*Deliverer, error) {
	if cfg.Pauses == (backoff.Policy{}) {
		cfg.Pauses = backoff.Policy{First: time.Second, Limit: 10 * time.Minute}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	d := &Deliverer{cfg: cfg, senders: make(map[string]sender), metrics: newMetrics(cfg.Metrics), problems: make(map[string]string)}
	for _, r := range cfg.Receivers {
		s, err := newSender(cfg, r)
		if err != nil {
			d.close()
			return nil, usage.Wrap(err, "correct it in the configuration (receivers)", "receiver %s: %v", r.Name, err)
		}
		d.senders[r.Name] = s
	}
	return d, nil
}

func newSender(cfg Config, r rule.Receiver) (sender, error) {
	secret, err := r.Secret.Read()
	if err != nil {
		return nil, err
	}
	switch r.Kind {
	case rule.Webhook:
		return newWebhook(r, secret)
	case rule.NTFY:
		return newNTFY(r, secret)
	case rule.Email:
		return newEmail(r, secret)
	case rule.MQTT:
		return newMQTT(r, secret)
	case rule.Topic:
		return &topic{client: cfg.Kafka, name: r.Where}, nil
	}
	return nil, fmt.Errorf("%q is no kind of receiver", r.Kind)
}

func (d *Deliverer) close() {
	for _, s := range d.senders {
		s.close()
	}
}

// Run sends until ctx ends.
func (d *Deliverer) Run(ctx context.Context) error {
	defer d.close()
	var all sync.WaitGroup
	for i := range d.cfg.Receivers {
		all.Go(func() { d.serve(ctx, &d.cfg.Receivers[i]) })
	}
	all.Wait()
	return nil
}

// lookEvery is the time between two looks for messages when there are none.
const lookEvery = time.Second

// serve sends to one receiver.
func (d *Deliverer) serve(ctx context.Context, r *rule.Receiver) {
	for ctx.Err() == nil {
		more, err := d.sendNext(ctx, r)
		if err != nil && ctx.Err() == nil {
			d.cfg.Log.Debug("cannot read what is to be sent, retrying", "receiver", r.Name, "err", err)
		}
		if !more {
			_ = backoff.Sleep(ctx, lookEvery) // the loop ends with ctx
		}
	}
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
