package broker

import (
	"encoding/binary"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/broker/storage"
)

// BenchmarkQuota is a produce request of one record of 1 KB, over TCP to a broker that does not sync: without a quota,
// with those of another client, and with ones of this client that are never reached. The rounds take turns. The time of
// the processor is that of both ends, and the client does the same each time.
//
//	go test -run '^$' -bench Quota -benchtime 50000x ./broker
func BenchmarkQuota(b *testing.B) {
	sides := []struct{ name, of string }{{"none", ""}, {"of another client", "other"}, {"never reached", "bench"}}
	requests := make([]func(*testing.B), len(sides))
	for i, side := range sides {
		srv, _ := serveBroker(b, Config{Flush: storage.FlushOS})
		cl := (&target{addr: srv.Addr(), topic: "t"}).client(b)
		_, err := kadm.NewClient(cl).CreateTopic(b.Context(), 1, 1, nil, "t")
		require.NoError(b, err)
		for key, value := range map[string]float64{"producer_byte_rate": 1e15, "request_percentage": 1e9} {
			if side.of != "" {
				require.NoError(b, setQuota(b, kadm.NewClient(cl), &side.of, kadm.AlterClientQuotaOp{Key: key, Value: value}))
			}
		}
		requests[i] = produceLoop(b, srv)
	}
	for round := range 3 {
		for i, side := range sides {
			b.Run(fmt.Sprintf("%s/%d", side.name, round+1), requests[i])
		}
	}
}

// produceLoop returns a benchmark of one produce request after the other, each with its answer.
func produceLoop(t testing.TB, srv *Broker) func(*testing.B) {
	t.Helper()
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks = 9, -1
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic = "t"
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Records = sealed(appendRecord(nil, 0, nil, benchValue), 1)
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	request := kmsg.NewRequestFormatter(kmsg.FormatterClientID("bench")).AppendRequest(nil, req, 1)
	conn := dialRaw(t, srv)
	return func(b *testing.B) {
		buf := make([]byte, 1024)
		defer reportCPU(b)()
		for range b.N {
			_, err := conn.Write(request)
			require.NoError(b, err)
			_, err = io.ReadFull(conn, buf[:4])
			require.NoError(b, err)
			size := binary.BigEndian.Uint32(buf)
			_, err = io.ReadFull(conn, buf[:size])
			require.NoError(b, err)
		}
		resp := kmsg.NewPtrProduceResponse()
		resp.Version = 9
		require.NoError(b, resp.ReadFrom(buf[5:])) // the last one, behind its header
		require.Zero(b, resp.Topics[0].Partitions[0].ErrorCode)
		require.Zero(b, resp.ThrottleMillis)
	}
}
