package bench

import (
	"context"
	"math"
	"time"

	"github.com/sightlog/sightlog/bench/host"
	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/internal/backoff"
	"github.com/sightlog/sightlog/pipeline"
)

// watch meters the processes and probes the database while frames are due.
type watch struct {
	start, from, to time.Time // to is zero where it is not known beforehand
	cancel          context.CancelFunc
	done            chan struct{} // closed when seen is set
	seen            *watched      // nil: it ended before from
}

// watched is what a watch saw.
type watched struct {
	start, from, to time.Time
	interval        time.Duration // between two frames of a camera
	usage           host.Usage
	visible, gaps   *result.Histogram
	postgres        string // version
	stated          string // what the database says of its durability
}

// markEvery is how often processes are sampled where the end is not known beforehand.
const markEvery = 500 * time.Millisecond

// startWatch watches until ctx ends or stop is called.
func startWatch(ctx context.Context, cfg Config, url string, cams []pipeline.CameraStatus) *watch {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{cancel: cancel, done: make(chan struct{})}
	var interval, length time.Duration
	for i, c := range cams {
		if c.Start.IsZero() {
			c.Start = time.Now()
		}
		if i == 0 || c.Start.Before(w.start) {
			w.start = c.Start
		}
		if c.Rate > 0 {
			interval = max(interval, time.Duration(float64(time.Second)/c.Rate))
			length = max(length, time.Duration(float64(c.Total)/c.Rate*float64(time.Second)))
		}
	}
	w.start = w.start.Truncate(time.Microsecond) // as captured_at is
	w.from = w.start.Add(cfg.Warmup)
	if cfg.Duration > 0 {
		length = cfg.length()
	}
	if length > 0 && cfg.Detect.Pace != "fast" {
		w.to = w.start.Add(length)
	}
	go func() {
		defer close(w.done)
		w.seen = w.run(ctx, url, interval, cams)
	}()
	return w
}

// stop ends the watch and returns what it saw, nil if that is nothing.
func (w *watch) stop() *watched {
	if w == nil {
		return nil
	}
	w.cancel()
	<-w.done
	return w.seen
}

func (w *watch) run(ctx context.Context, url string, interval time.Duration, cams []pipeline.CameraStatus) *watched {
	probe := openProbe(ctx, url, cams)
	if backoff.Sleep(ctx, time.Until(w.from)) != nil {
		probe.close()
		return nil
	}
	seen := &watched{start: w.start, from: w.from, interval: interval, postgres: probe.version, stated: probe.stated}
	meter := host.Begin(probe.pid)
	if seen.from = meter.Began(); seen.from.Sub(w.from) < interval {
		seen.from = w.from // exactly: the frames that are due from then on
	}
	probe.begin(interval)
	if w.to.IsZero() {
		for backoff.Sleep(ctx, markEvery) == nil {
			meter.Mark()
		}
	} else {
		_ = backoff.Sleep(ctx, time.Until(w.to)) // until ctx ends, if that is sooner
	}
	seen.usage = meter.End()
	seen.visible, seen.gaps = probe.close()
	separate(&seen.usage, probe.spent)
	seen.to = seen.from.Add(time.Duration(seen.usage.Seconds * float64(time.Second)))
	if !w.to.IsZero() && math.Abs(seen.to.Sub(w.to).Seconds()) < 0.5 {
		seen.to = w.to
	}
	return seen
}

// separate takes the time of the probe's thread from that of this process.
func separate(u *host.Usage, spent time.Duration) {
	for i := range u.Processes {
		if p := &u.Processes[i]; p.Part == host.Services {
			share := min(spent.Seconds(), p.User)
			p.User -= share
			u.Processes = append(u.Processes, result.Process{Part: host.Probe, Name: p.Name + ", the probe's thread", PID: p.PID, User: share})
			return
		}
	}
}
