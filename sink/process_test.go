package sink_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/sink"
)

// brokerProcess is the broker that a test starts as a process of its own.
func brokerProcess(listen string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	b, err := broker.Open(broker.Config{
		Listen: listen, Dir: os.Getenv("SIGHTLOG_TEST_DIR"), NoAutoCreate: true, GroupInitialDelay: 50 * time.Millisecond,
		GroupMinSession: time.Second,
	})
	if err != nil {
		return err
	}
	return b.Run(ctx)
}

// sinkProcess is the sink that a test starts as a process of its own.
func sinkProcess(brokers string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	pool, err := postgres.Open(ctx, os.Getenv("SIGHTLOG_TEST_SINK_DATABASE"), postgres.Options{})
	if err != nil {
		return err
	}
	defer pool.Close()
	number := func(name string, missing int) int {
		if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
			return n
		}
		return missing
	}
	s, err := sink.New(sink.Config{
		Kafka: kafka.Config{Brokers: []string{brokers}}, Pool: pool, Group: os.Getenv("SIGHTLOG_TEST_SINK_GROUP"),
		MaxRecords: number("SIGHTLOG_TEST_SINK_RECORDS", 10), Consumers: number("SIGHTLOG_TEST_SINK_CONSUMERS", 0),
		SessionTimeout: time.Duration(number("SIGHTLOG_TEST_SINK_SESSION", 0)) * time.Second,
		Log:            slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// process is the test binary as a broker or a sink.
type process struct {
	testing.TB
	*exec.Cmd
}

// startProcess starts one, with these variables in its environment, that the test's end kills.
func startProcess(t testing.TB, out io.Writer, env ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	p := &process{t, exec.Command(exe)}
	p.Stderr, p.Env = out, append(os.Environ(), env...)
	require.NoError(t, p.Start())
	t.Cleanup(p.kill)
	return p
}

// output is what processes have written.
type output struct {
	mu  sync.Mutex // guards the following
	all bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}

func startSink(t testing.TB, out io.Writer, brokers, url, group string, more ...string) *process {
	t.Helper()
	return startProcess(t, out, append(more,
		"SIGHTLOG_TEST_SINK_BROKERS="+brokers, "SIGHTLOG_TEST_SINK_DATABASE="+url, "SIGHTLOG_TEST_SINK_GROUP="+group)...)
}

// kill ends a process with SIGKILL; one that has ended stays so.
func (p *process) kill() {
	_ = p.Process.Kill() // it may have ended
	_ = p.Wait()         // it was killed
}

// stop ends a process as a service manager does.
func (p *process) stop() {
	p.Helper()
	require.NoError(p, p.Process.Signal(syscall.SIGTERM))
	require.NoError(p, p.Wait(), "the process ends with 0")
}

func (p *process) signal(sig syscall.Signal) {
	p.Helper()
	require.NoError(p, p.Process.Signal(sig), fmt.Sprint("the process has ended by itself before ", sig))
}
