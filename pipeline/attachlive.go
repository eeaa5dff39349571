package pipeline

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"

	"github.com/sightlog/sightlog/live"
)

// attachLive makes a connection for the pictures of a detect and returns the child's end of it, nil
// without a client. The returned function waits until the connection has ended, which it does with
// the child, and must be called when no process can hold its end.
func attachLive(ctx context.Context, client *live.Client, log *slog.Logger) (child *os.File, wait func(), err error) {
	if client == nil {
		return nil, func() {}, nil
	}
	syscall.ForkLock.RLock()
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(ends[0])
		syscall.CloseOnExec(ends[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("connect to detect for live pictures: %w", err)
	}
	child = os.NewFile(uintptr(ends[1]), "live")
	ours := os.NewFile(uintptr(ends[0]), "live")
	conn, err := net.FileConn(ours)
	ours.Close()
	if err != nil {
		child.Close()
		return nil, nil, fmt.Errorf("connect to detect for live pictures: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	var attached sync.WaitGroup
	attached.Go(func() {
		if err := client.Attach(ctx, conn, ""); err != nil && ctx.Err() == nil {
			log.Debug("live pictures have ended", "err", err)
		}
	})
	return child, func() { cancel(); attached.Wait() }, nil
}
