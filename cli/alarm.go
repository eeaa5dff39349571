package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/alarm"
	"github.com/sightlog/sightlog/alarm/deliver"
	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// AlarmCmd handles the rules of the configuration and their alarms.
type AlarmCmd struct {
	Test   AlarmTestCmd   `cmd:"" help:"Send a test by the receivers of a rule, or by one receiver."`
	List   AlarmListCmd   `cmd:"" help:"The alarms in the tables, the newest first, and whether they were sent."`
	Replay AlarmReplayCmd `cmd:"" help:"What the rules would have found in the tables, the newest last; sends nothing."`
}

// AlarmTestCmd sends a test.
type AlarmTestCmd struct {
	ClusterAddress
	Name string `arg:"" help:"The rule, or the receiver, in the file of --config."`
}

// Help is the rest of --help.
func (*AlarmTestCmd) Help() string {
	return `The test goes to each receiver once, past the tables, also in its quiet time. Exit code 1 if one does not take it. Only receivers that are topics need the services, or --brokers.`
}

// Run implements the command.
func (c *AlarmTestCmd) Run(ctx context.Context, env *Env) error {
	outcomes, err := env.testAlarm(ctx, c.Name, c.config)
	if err != nil {
		return err
	}
	for _, o := range outcomes {
		if o.Err != nil {
			continue
		}
		if _, err := fmt.Fprintf(env.Stdout, "%s has taken the test\n", o.Receiver); err != nil {
			return err
		}
	}
	return notTaken(outcomes)
}

// notTaken returns, on one line, which receivers do not take a message; nil if all do.
func notTaken(outcomes []deliver.Outcome) error {
	var all []string
	for _, o := range outcomes {
		if o.Err != nil {
			all = append(all, fmt.Sprintf("receiver %s does not take it: %v", o.Receiver, o.Err))
		}
	}
	if len(all) > 0 {
		return errors.New(strings.Join(all, "; "))
	}
	return nil
}

// testAlarm sends a test to the receivers of a rule, or to one receiver. stream is that of
// sendOnce.
func (e *Env) testAlarm(ctx context.Context, name string, stream func() (kafka.Config, error)) ([]deliver.Outcome, error) {
	r, to, err := e.chosen(name)
	if err != nil {
		return nil, err
	}
	return sendOnce(ctx, to, stream, alarm.TestMessage(r, time.Now().UTC()))
}

// sendOnce sends a message once to each receiver, past the tables. stream is the log, which only
// receivers that are topics need.
func sendOnce(ctx context.Context, to []rule.Receiver, stream func() (kafka.Config, error), m alarm.Message) ([]deliver.Outcome, error) {
	cfg := deliver.Config{Receivers: to}
	if slices.ContainsFunc(to, func(r rule.Receiver) bool { return r.Kind == rule.Topic }) {
		log, err := stream()
		if err != nil {
			return nil, err
		}
		if cfg.Kafka, err = log.Client(kgo.ProducerLinger(0)); err != nil {
			return nil, err
		}
		defer cfg.Kafka.Close()
	}
	return deliver.Send(ctx, cfg, m)
}

// chosen returns the rule of a name and its receivers, or a rule for the one receiver of it.
func (e *Env) chosen(name string) (*rule.Rule, []rule.Receiver, error) {
	var names []string
	for i := range e.Alarms.Rules {
		r := &e.Alarms.Rules[i]
		names = append(names, r.Name)
		if r.Name != name {
			continue
		}
		to := slices.DeleteFunc(slices.Clone(e.Alarms.Receivers), func(to rule.Receiver) bool { return !r.Sends(to.Name) })
		if len(to) == 0 {
			return nil, nil, usage.New("add receivers to the configuration", "rule %s has no receiver", name)
		}
		return r, to, nil
	}
	for _, to := range e.Alarms.Receivers {
		names = append(names, to.Name)
		if to.Name == name {
			return &rule.Rule{Name: name, Kind: alarm.Test, Camera: alarm.Test}, []rule.Receiver{to}, nil
		}
	}
	if len(names) == 0 {
		return nil, nil, usage.New("give the file of the rules: --config FILE", "the configuration has no alarms and no receivers")
	}
	return nil, nil, usage.New("there is "+strings.Join(names, ", "), "no rule and no receiver is named %q", name)
}
