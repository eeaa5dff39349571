package broker

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// BenchmarkFetch reads the same bytes over TCP: answers of up to 1 MiB, which the
// broker copies; a file that is written to the connection by the kernel (sendfile);
// and, what both are part of, a consumer that catches up (docs/decisions/fetch.md).
// The time of the processor is that of both ends.
func BenchmarkFetch(b *testing.B) {
	srv, _ := serveBroker(b, Config{})
	at := &target{addr: srv.Addr(), topic: "catch-up"}
	cl := at.client(b, kgo.AllowAutoTopicCreation(), kgo.ProducerLinger(0), kgo.ProducerBatchMaxBytes(1<<20))
	const records = 32_000
	for i := range records {
		cl.Produce(b.Context(), &kgo.Record{Value: benchRecord(i).Value}, nil)
	}
	require.NoError(b, cl.Flush(b.Context()))

	req := kmsg.NewPtrFetchRequest()
	req.SetVersion(11)
	req.MaxBytes, req.MinBytes, req.SessionEpoch = 1<<20, 1, -1
	part := kmsg.NewFetchRequestTopicPartition()
	part.PartitionMaxBytes = 1 << 20
	req.Topics = []kmsg.FetchRequestTopic{{Topic: at.topic, Partitions: []kmsg.FetchRequestTopicPartition{part}}}
	request := kmsg.NewRequestFormatter(kmsg.FormatterClientID("bench")).AppendRequest(nil, req, 1)

	size := 0
	b.Run("copied", func(b *testing.B) {
		size = readAnswers(b, srv.Addr(), request)
	})
	b.Run("sendfile", func(b *testing.B) {
		readAnswers(b, serveFile(b, size, len(request)), request)
	})
	b.Run("consumer", func(b *testing.B) {
		b.SetBytes(records * int64(len(benchValue)))
		defer reportCPU(b)()
		for range b.N {
			consumer := at.client(b, kgo.ConsumeTopics(at.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
			for n := 0; n < records; {
				n += consumer.PollFetches(b.Context()).NumRecords()
			}
			consumer.Close()
		}
	})
}

// readAnswers sends a request again and again and returns the size of an answer.
func readAnswers(b *testing.B, addr string, request []byte) (size int) {
	b.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(b, err)
	defer conn.Close()
	buf := make([]byte, 2<<20)
	b.ReportAllocs()
	defer reportCPU(b)()
	for range b.N {
		_, err := conn.Write(request)
		require.NoError(b, err)
		_, err = io.ReadFull(conn, buf[:4])
		require.NoError(b, err)
		size = int(binary.BigEndian.Uint32(buf))
		_, err = io.ReadFull(conn, buf[:size])
		require.NoError(b, err)
	}
	require.Greater(b, size, 900<<10)
	b.SetBytes(int64(size))
	return size
}

// reportCPU returns a function that reports the time of the processor since.
func reportCPU(b *testing.B) func() {
	b.Helper()
	used := func() time.Duration {
		var u syscall.Rusage
		require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	return func() { b.ReportMetric(float64((used()-before).Microseconds())/float64(b.N), "cpu-µs/op") }
}

// serveFile answers each request of so many bytes with a file, as sendfile(2) writes
// it. The file begins with its size.
func serveFile(b *testing.B, size, request int) (addr string) {
	b.Helper()
	content := binary.BigEndian.AppendUint32(nil, uint32(size))
	path := filepath.Join(b.TempDir(), "answer")
	require.NoError(b, os.WriteFile(path, append(content, make([]byte, size)...), 0o600))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	done := make(chan struct{})
	b.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			answer(conn, path, int64(request))
		}
	}()
	return l.Addr().String()
}

func answer(conn net.Conn, path string, request int64) {
	defer conn.Close()
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	for {
		if _, err := io.CopyN(io.Discard, conn, request); err != nil {
			return
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return
		}
		if _, err := io.Copy(conn, f); err != nil {
			return
		}
	}
}
