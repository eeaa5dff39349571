package postgres

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/sightlog/sightlog/internal/filelock"
)

// StopTimeout bounds the stop of a private server with a checkpoint, which takes about
// 30 ms. After it the server is stopped without one; no committed transaction is lost.
const StopTimeout = 3 * time.Second

// Stop ends the server's sessions, checkpoints, and returns when the server has ended.
// If ctx ends before, the server is stopped without a checkpoint: no committed
// transaction is lost, but the next start takes longer.
func (p *Private) Stop(ctx context.Context) error {
	defer filelock.Close(p.lock)
	if err := p.end(ctx, syscall.SIGINT); err != nil {
		p.log.Warn("the private database does not stop, stopping it without a checkpoint", "err", err)
		hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := p.end(hard, syscall.SIGQUIT); err != nil {
			return fmt.Errorf("stop private database: %w", err)
		}
	}
	if err := p.clusterDir.dropSocketDir(p.root, p.user); err != nil {
		p.log.Warn("the socket's directory is not removed", "err", err)
	}
	p.root.Close() // nothing is written through it
	return nil
}

func (p *Private) end(ctx context.Context, sig syscall.Signal) error {
	if p.exited == nil {
		if runsOn(p.pid, p.clusterDir.data()) {
			if err := syscall.Kill(p.pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		}
		return awaitExit(ctx, p.pid, p.clusterDir.data())
	}
	select {
	case <-p.exited:
		return nil
	default:
	}
	if err := syscall.Kill(p.pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
