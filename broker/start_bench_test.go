package broker

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// BenchmarkStart starts bin/sightlogd's broker and takes the time from its
// execution to the first answer: on an empty directory, on one that was closed,
// and on one whose broker was killed under load, with SIGHTLOG_BENCH_BYTES
// (256 MiB) in it. It reports the memory then, and the processor time of a
// second in which nobody asks for anything.
//
//	SIGHTLOG_BENCH_BYTES=10737418240 go test -run '^$' -bench Start -benchtime 5x ./broker
func BenchmarkStart(b *testing.B) {
	program := filepath.Join(b.TempDir(), "sightlogd")
	build := exec.Command("go", "build", "-o", program, "./cmd/sightlogd")
	build.Dir, build.Env = testenv.Root(), append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(b, err, "%s", out)
	size, err := strconv.ParseInt(os.Getenv("SIGHTLOG_BENCH_BYTES"), 10, 64)
	if err != nil {
		size = 256 << 20
	}

	for _, state := range []string{"empty", "closed", "killed"} {
		b.Run(state, func(b *testing.B) {
			dir := b.TempDir()
			if state != "empty" {
				p := startProgram(b, program, dir)
				p.fill(b, size)
				p.end(state == "killed")
			}
			var slowest time.Duration
			for i := range b.N {
				if state == "empty" {
					dir = filepath.Join(b.TempDir(), strconv.Itoa(i))
				}
				p := startProgram(b, program, dir)
				slowest = max(slowest, p.ready)
				if i == b.N-1 {
					b.ReportMetric(float64(p.rss(b))/(1<<20), "RSS-MiB")
					before := p.cpu(b)
					pause(time.Second)
					b.ReportMetric(float64((p.cpu(b) - before).Milliseconds()), "idle-cpu-ms/s")
				} else if state == "killed" {
					p.fill(b, 80<<20) // more than a journal file
				}
				p.end(state == "killed")
			}
			b.ReportMetric(float64(slowest.Microseconds())/1000, "ready-max-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// program is a running sightlogd broker.
type program struct {
	cmd   *exec.Cmd
	addr  string
	ready time.Duration // after its execution
}

func startProgram(b *testing.B, path, dir string) *program {
	p := &program{cmd: exec.Command(path, "broker", "--listen", "127.0.0.1:0", "--data", dir, "--log-level", "error")}
	out, err := p.cmd.StdoutPipe()
	require.NoError(b, err)
	began := time.Now()
	require.NoError(b, p.cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(b, err)
	p.addr = strings.TrimSpace(strings.TrimPrefix(line, "broker="))
	cl, err := kgo.NewClient(kgo.SeedBrokers(p.addr))
	require.NoError(b, err)
	defer cl.Close()
	require.NoError(b, cl.Ping(b.Context()))
	p.ready = time.Since(began)
	return p
}

// end stops the broker, or kills it.
func (p *program) end(kill bool) {
	if kill {
		p.cmd.Process.Kill()
	} else {
		p.cmd.Process.Signal(syscall.SIGTERM)
	}
	p.cmd.Wait()
}

// fill writes that many bytes and leaves writes under way.
func (p *program) fill(b *testing.B, size int64) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(p.addr), kgo.ProducerBatchMaxBytes(1<<20), kgo.MaxBufferedRecords(100),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.DefaultProduceTopic("fill"))
	require.NoError(b, err)
	defer cl.Close()
	adm := kadm.NewClient(cl)
	if _, err := adm.CreateTopic(b.Context(), 4, 1, nil, "fill"); err != nil {
		_, err = adm.ListTopics(b.Context(), "fill")
		require.NoError(b, err)
	}
	value := bytes.Repeat([]byte("sightlog"), 16<<10)
	for at := int64(0); at < size; at += int64(len(value)) {
		cl.Produce(b.Context(), &kgo.Record{Value: value}, nil)
	}
}

func (p *program) rss(b *testing.B) int64 {
	f := procFields(b, p.cmd.Process.Pid, "statm")
	pages, err := strconv.ParseInt(f[1], 10, 64)
	require.NoError(b, err)
	return pages * int64(os.Getpagesize())
}

// cpu is the processor time so far, which Linux counts in hundredths of a
// second.
func (p *program) cpu(b *testing.B) (total time.Duration) {
	f := procFields(b, p.cmd.Process.Pid, "stat")
	for _, ticks := range f[13:15] {
		n, err := strconv.Atoi(ticks)
		require.NoError(b, err)
		total += time.Duration(n) * 10 * time.Millisecond
	}
	return total
}

func procFields(b *testing.B, pid int, file string) []string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), file))
	require.NoError(b, err)
	return strings.Fields(string(text))
}
