package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sightlog/sightlog/bench/host"
	"github.com/sightlog/sightlog/bench/result"
)

// Run measures round after round and returns the report. When ctx ends it returns the
// report of what was measured by then, and says so in Cut. Its error is *IncorrectError
// when not every frame arrived, once and in order: then there are no figures.
func Run(ctx context.Context, cfg Config) (*result.Report, error) {
	r, err := describe(cfg)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	clock := newEstimate(cfg)
	for n := range cfg.Rounds {
		clock.round(n)
		one := round{cfg: cfg, number: n, clock: clock}
		got, err := one.run(ctx)
		if err != nil {
			return nil, err
		}
		r.add(got, began)
		if ctx.Err() != nil {
			break
		}
	}
	if len(r.Rounds) == 0 {
		return nil, errors.New("the benchmark was stopped before the first frame was measured")
	}
	if ctx.Err() != nil {
		r.Cut = fmt.Sprintf("it was stopped in round %d of %d", len(r.Rounds), cfg.Rounds)
	}
	r.Sum()
	r.Machine.Warnings = warnings(r.Report)
	return r.Report, nil
}

// report is a result that grows.
type report struct{ *result.Report }

// describe returns a report without figures.
func describe(cfg Config) (*report, error) {
	inputs, err := inputsOf(cfg)
	if err != nil {
		return nil, err
	}
	r := &report{&result.Report{
		Kind: result.Pipeline, Name: cfg.Detect.Model, Version: cfg.Version, At: time.Now().UTC().Truncate(time.Second),
		Machine: host.Describe(), Inputs: inputs, Settings: cfg.Settings, Warmup: cfg.Warmup.Seconds(),
	}}
	r.Machine.Onnx = cfg.Onnx
	return r, nil
}

// add adds a round. began is when the command did.
func (r *report) add(got outcome, began time.Time) {
	if got.Frames == 0 { // it was stopped in its warm-up
		return
	}
	if len(r.Rounds) == 0 {
		r.Startup = got.start.Sub(began).Seconds()
		r.Durability = got.durability
	}
	c := &r.Correct
	c.Sent += got.correct.Sent
	c.Stored += got.correct.Stored
	r.Rounds = append(r.Rounds, got.Round)
	r.Machine.Steal = max(r.Machine.Steal, got.usage.Steal)
	r.Machine.PostgreSQL, r.Machine.Broker = got.postgres, got.broker
	r.Machine.Others = got.usage.Others
}

// warnings are the reasons to doubt the figures.
func warnings(r *result.Report) (lines []string) {
	m := r.Machine
	if m.Load > 0.3*float64(m.CPUs) {
		lines = append(lines, fmt.Sprintf("the load was %.1f before the start: the machine was not quiet", m.Load))
	}
	for _, o := range m.Others {
		lines = append(lines, fmt.Sprintf("%s (process %d) took %.0f %% of a CPU", o.Name, o.PID, 100*o.CPU))
	}
	if m.Steal > 0.01 {
		lines = append(lines, fmt.Sprintf("the hypervisor took %.0f %% of the CPU time for others", 100*m.Steal))
	}
	for _, d := range r.Durability.Disks {
		if !d.Durable {
			lines = append(lines, fmt.Sprintf("the disk of the %s (%s) syncs in %.0f µs: it is NOT durable, or an emulated one", d.Use, d.FileSystem, d.P50))
		}
	}
	return lines
}
