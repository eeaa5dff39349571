package deliver

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/internal/backoff"
	"github.com/sightlog/sightlog/usage"
)

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
		r := &d.cfg.Receivers[i]
		all.Go(func() { d.serve(ctx, r) })
		if r.Kind == rule.MQTT {
			all.Go(func() { d.sendCameras(ctx, r) })
		}
	}
	all.Wait()
	return nil
}

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
