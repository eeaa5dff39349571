package deliver

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sightlog/sightlog/alarm"
	"github.com/sightlog/sightlog/usage"
)

// Outcome is what a receiver said to a message.
type Outcome struct {
	Receiver string
	Err      error // nil: it has taken it
}

// Send sends a message once to each receiver, past the tables. It is not tried again, and
// quiet times do not hold it.
func Send(ctx context.Context, cfg Config, m alarm.Message) ([]Outcome, error) {
	payload, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode message %s: %w", m.ID, err)
	}
	out := &outgoing{id: m.ID + "." + m.Event, payload: payload, created: time.Now()}
	if err := out.read(); err != nil {
		return nil, fmt.Errorf("decode message %s: %w", m.ID, err)
	}
	var all []Outcome
	for _, r := range cfg.Receivers {
		s, err := newSender(cfg, r)
		if err != nil {
			return nil, usage.Wrap(err, "correct it in the configuration (receivers)", "receiver %s: %v", r.Name, err)
		}
		try, cancel := context.WithTimeout(ctx, tryTimeout)
		all = append(all, Outcome{Receiver: r.Name, Err: s.send(try, out)})
		cancel()
		s.close()
	}
	return all, nil
}
