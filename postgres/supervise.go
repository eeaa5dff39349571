package postgres

import (
	"context"
	"time"

	"github.com/sightlog/sightlog/internal/backoff"
)

// stopNotice is how long after the server's end a ctx may end that says that it
// was no death: a signal to all of a control group reaches the server and us.
var stopNotice = 200 * time.Millisecond

// restartPauses are the pauses between attempts to start a server that died.
var restartPauses = backoff.Policy{First: 100 * time.Millisecond, Limit: 5 * time.Second}

// Keep watches the server and starts it again when it dies, until ctx ends.
// The address stays the same. It returns before Stop is called, by the caller
// ending ctx.
func (p *Private) Keep(ctx context.Context) error {
	for {
		if !p.await(ctx) {
			return nil
		}
		select {
		case <-time.After(stopNotice):
		case <-ctx.Done():
			return nil
		}
		p.log.Warn("the private database died, starting it again", "pid", p.pid)
		for failures := 1; ; failures++ {
			err := p.start(ctx)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return nil
			}
			p.log.Error("the private database does not start", "err", cause(err))
			if restartPauses.Wait(ctx, failures) != nil {
				return nil
			}
		}
	}
}

// await waits until the server is gone, or reports false when ctx ends first.
func (p *Private) await(ctx context.Context) bool {
	if p.exited == nil { // found running: no child of ours to wait for
		return awaitExit(ctx, p.pid, p.home.data()) == nil
	}
	select {
	case <-p.exited:
		return true
	case <-ctx.Done():
		return false
	}
}
