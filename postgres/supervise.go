package postgres

import (
	"context"
	"time"

	"github.com/sightlog/sightlog/internal/backoff"
)

// stopNotice is how long after the server's end ctx may end so that the end counts as a
// stop: a signal to a whole control group reaches the server and this process.
var stopNotice = 200 * time.Millisecond

// restartPauses are the pauses between attempts to start a server that died.
var restartPauses = backoff.Policy{First: 100 * time.Millisecond, Limit: 5 * time.Second}

// Supervise restarts the server when it dies, until ctx ends. The address stays the
// same. The caller ends ctx, and waits for Supervise to return, before it calls Stop.
func (p *Private) Supervise(ctx context.Context) error {
	for {
		if !p.await(ctx) {
			return nil
		}
		select {
		case <-time.After(stopNotice):
		case <-ctx.Done():
			return nil
		}
		p.log.Warn("the private database died, restarting it", "pid", p.pid)
		for failures := 1; ; failures++ {
			err := p.start(ctx)
			if err == nil {
				p.problem.Store(nil)
				break
			}
			if ctx.Err() != nil {
				return nil
			}
			why := "the private database does not start, it is tried again: " + cause(err)
			p.problem.Store(&why)
			p.log.Error("the private database does not start, retrying", "err", cause(err))
			if restartPauses.Wait(ctx, failures) != nil {
				return nil
			}
		}
	}
}

// Problem returns one line with the reason for which the server does not run at present,
// although Supervise restarts it, or "".
func (p *Private) Problem() string {
	if why := p.problem.Load(); why != nil {
		return *why
	}
	return ""
}

// await waits for the server's end. It returns false if ctx ends first.
func (p *Private) await(ctx context.Context) bool {
	if p.exited == nil { // found running: no child of ours to wait for
		return awaitExit(ctx, p.pid, p.clusterDir.data()) == nil
	}
	select {
	case <-p.exited:
		return true
	case <-ctx.Done():
		return false
	}
}
