package compare

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sightlog/sightlog/bench/result"
)

// Run measures the sides in turn, the next round in reverse order, and returns a report of each,
// ours first. When ctx ends it returns the reports of the rounds that were whole by then,
// and says so in Cut. Its error is *bench.IncorrectError when not every frame of a side
// arrived, once and in order: then there are no figures.
func Run(ctx context.Context, c Config) ([]*result.Report, error) {
	all := c.reports()
	var order []int // of the sides
	for i := range all {
		order = append(order, i)
	}
	for n := range c.Rounds {
		outcomes := make([]*result.Report, len(all))
		for k, i := range order {
			c.Progress(fmt.Sprintf("round %d of %d: %s (%d of %d), about %s left", n+1, c.Rounds, nameOf(all[i]), k+1, len(order),
				c.left(n, k, len(order)).Round(time.Second)))
			got, err := c.one(ctx, all[i])
			if ctx.Err() != nil {
				return cut(all, n, c.Rounds)
			}
			if err != nil {
				return nil, fmt.Errorf("round %d, %s: %w", n+1, nameOf(all[i]), err)
			}
			outcomes[i] = got
		}
		for i, got := range outcomes {
			add(all[i], got)
			all[i].Inputs = outcomes[0].Inputs // which ours has hashed
		}
		slices.Reverse(order)
	}
	for _, r := range all {
		r.Sum()
	}
	return all, nil
}

// startup is about how long a side takes beside what it plays.
const startup = 12 * time.Second

// left is about how long the rest takes, side k of round n included.
func (c *Config) left(n, k, sides int) time.Duration {
	return time.Duration((c.Rounds-n)*sides-k) * (startup + c.length())
}

// cut ends a comparison after so many whole rounds.
func cut(all []*result.Report, whole, of int) ([]*result.Report, error) {
	if whole == 0 {
		return nil, errors.New("the comparison was stopped before its first round was done")
	}
	for _, r := range all {
		r.Cut = fmt.Sprintf("it was stopped in round %d of %d, which has no figures", whole+1, of)
		r.Sum()
	}
	return all, nil
}

// reports are those of the sides, without rounds.
func (c *Config) reports() []*result.Report {
	var all []*result.Report
	for _, name := range append([]string{Ours}, c.Baselines...) {
		r := c.Report
		r.Settings = maps.Clone(r.Settings)
		r.Kind, r.Name, r.Warmup = result.Baseline, name, c.WarmUp.Seconds()
		r.Machine.Warnings = slices.Clone(r.Machine.Warnings)
		if name == Ours {
			r.Kind, r.Name = result.Pipeline, ""
		}
		all = append(all, &r)
	}
	return all
}

// nameOf is the side that a report is of.
func nameOf(r *result.Report) string {
	if r.Kind == result.Pipeline {
		return Ours
	}
	return r.Name
}

// one measures one round of a side and returns it as a report of its own.
func (c *Config) one(ctx context.Context, r *result.Report) (*result.Report, error) {
	if nameOf(r) == Ours {
		return c.Ours(ctx)
	}
	s := side{Config: c, name: r.Name}
	m, err := s.run(ctx)
	if err != nil {
		return nil, err
	}
	return &result.Report{
		Machine:    result.Machine{Steal: m.usage.Steal, Others: m.usage.Others, PostgreSQL: m.postgres, Broker: "Apache Kafka"},
		Durability: result.Durability{Stated: m.stated}, Correct: m.correct, Startup: m.startup.Seconds(), Rounds: []result.Round{m.round},
	}, nil
}

// add adds a round that was measured.
func add(r, got *result.Report) {
	m, n := &r.Machine, got.Machine
	m.Steal, m.Others, m.PostgreSQL, m.Broker = max(m.Steal, n.Steal), n.Others, n.PostgreSQL, n.Broker
	for _, o := range n.Others {
		if w := fmt.Sprintf("%s took %.0f %% of a CPU beside round %d", o.Name, 100*o.CPU, len(r.Rounds)+1); len(m.Warnings) < 5 {
			m.Warnings = append(m.Warnings, w)
		}
	}
	if len(r.Rounds) == 0 {
		r.Startup, r.Durability = got.Startup, got.Durability
	}
	r.Correct.Sent += got.Correct.Sent
	r.Correct.Stored += got.Correct.Stored
	r.Rounds = append(r.Rounds, got.Rounds...)
}
