package postgres_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/postgres"
)

func TestSupervise_ServerKilled_BackAtTheSameAddress(t *testing.T) {
	p, err := postgres.StartPrivate(t.Context(), pgtest.Dir(t), nil)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	kept := make(chan error, 1)
	url, pid := p.URL(), p.PID()
	go func() { kept <- p.Supervise(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-kept)
		require.NoError(t, p.Stop(context.Background()))
	})

	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	require.Eventually(t, func() bool {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return false
		}
		defer conn.Close(t.Context())
		var n int
		return conn.QueryRow(t.Context(), "select 1").Scan(&n) == nil
	}, 60e9, 20e6)
}

// A signal to all of a control group ends the server a moment before we hear of
// it: the server is not started again.
func TestKeep_ServerEndsJustBeforeUs_NoDeath(t *testing.T) {
	defer postgres.SetStopNotice(time.Hour)()
	var said lines
	p, err := postgres.StartPrivate(t.Context(), pgtest.Dir(t), slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelWarn})))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	kept := make(chan error, 1)
	go func() { kept <- p.Supervise(ctx) }()
	require.NoError(t, syscall.Kill(p.PID(), syscall.SIGTERM))
	<-p.Exited()
	cancel()
	require.NoError(t, <-kept)
	require.NoError(t, p.Stop(t.Context()))
	require.NotContains(t, said.String(), "restarting it")
}

// lines is a log that several goroutines write.
type lines struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
