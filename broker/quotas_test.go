package broker

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

// setQuota sets a quota of a client id, or of all without one of their own.
func setQuota(t testing.TB, adm *kadm.Client, client *string, op kadm.AlterClientQuotaOp) error {
	t.Helper()
	rs, err := adm.AlterClientQuotas(testContext(t), []kadm.AlterClientQuotaEntry{
		{Entity: kadm.ClientQuotaEntity{{Type: "client-id", Name: client}}, Ops: []kadm.AlterClientQuotaOp{op}},
	})
	require.NoError(t, err)
	require.Len(t, rs, 1)
	return rs[0].Err
}

// rawClient is a client that does not wait, whatever a response says.
type rawClient struct {
	t  *testing.T
	nc net.Conn
	id string
}

// ask sends a request and returns the throttle time of the response.
func (c rawClient) ask(req kmsg.Request) time.Duration {
	c.t.Helper()
	_, err := c.nc.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID(c.id)).AppendRequest(nil, req, 1))
	require.NoError(c.t, err)
	var size [4]byte
	_, err = io.ReadFull(c.nc, size[:])
	require.NoError(c.t, err)
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err = io.ReadFull(c.nc, body)
	require.NoError(c.t, err)
	resp := req.ResponseKind()
	resp.SetVersion(req.GetVersion())
	if body = body[4:]; resp.IsFlexible() {
		body = body[1:]
	}
	require.NoError(c.t, resp.ReadFrom(body))
	ms, _ := resp.(kmsg.ThrottleResponse).Throttle()
	return time.Duration(ms) * time.Millisecond
}

// produced is a request with so many bytes, for a topic that does not exist.
func produced(bytes int) kmsg.Request {
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks = 9, -1
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic = "none"
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Records = make([]byte, bytes)
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	return req
}

// small is a request that no rate of bytes concerns.
func small() kmsg.Request {
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 9
	return req
}

func TestQuotas_ProducerAboveItsRate_AnsweredAtOnceThenMuted(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	b, _ := serveBroker(t, Config{Metrics: reg})
	require.NoError(t, setQuota(t, kadm.NewClient(newClient(t, b)), new("camera"), kadm.AlterClientQuotaOp{Key: "producer_byte_rate", Value: 100_000}))
	camera, other := rawClient{t, dialRaw(t, b), "camera"}, rawClient{t, dialRaw(t, b), "other"}
	require.Zero(t, other.ask(produced(200_000)))
	require.Zero(t, camera.ask(produced(50_000)), "less than a second's worth")
	began := time.Now()
	throttle := camera.ask(produced(150_000)) // at least 50,000 bytes are owed, with both at most 100,000
	require.GreaterOrEqual(t, throttle, 500*time.Millisecond)
	require.Less(t, throttle, 1100*time.Millisecond)
	camera.ask(small())
	require.GreaterOrEqual(t, time.Since(began), throttle, "the next request is served when the time is over")
	families, err := reg.Gather()
	require.NoError(t, err)
	at := slices.IndexFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == namespace+"throttled_total" })
	require.InDelta(t, 1, families[at].GetMetric()[0].GetCounter().GetValue(), 0)
}

func TestQuotas_ConsumerAboveItsRate_RecordsAndThenMuted(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	fillLog(t, b, "t", 1)
	require.NoError(t, setQuota(t, kadm.NewClient(newClient(t, b)), nil, kadm.AlterClientQuotaOp{Key: "consumer_byte_rate", Value: 500_000}))
	reader := rawClient{t, dialRaw(t, b), "reader"}
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxBytes, req.MinBytes = 4, 4<<20, 1
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.PartitionMaxBytes = 4 << 20
	req.Topics = []kmsg.FetchRequestTopic{{Topic: "t", Partitions: []kmsg.FetchRequestTopicPartition{rp}}}
	began := time.Now()
	throttle := reader.ask(req) // a batch of 950,072 bytes
	require.GreaterOrEqual(t, throttle, 900*time.Millisecond)
	require.Less(t, throttle, 950*time.Millisecond)
	reader.ask(small())
	require.GreaterOrEqual(t, time.Since(began), throttle)
}

func TestQuotas_Requests_TimeOfAThread(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	adm := kadm.NewClient(newClient(t, b))
	require.NoError(t, setQuota(t, adm, new("busy"), kadm.AlterClientQuotaOp{Key: "request_percentage", Value: 1e-6}))
	busy := rawClient{t, dialRaw(t, b), "busy"}
	require.Positive(t, busy.ask(small()), "ten nanoseconds a second are too few for any request")
	require.Zero(t, rawClient{t, dialRaw(t, b), "other"}.ask(small()))
}

func TestQuotas_UserWithSASL_OfAllItsClients(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{SASL: true, Users: map[string]string{"ann": "secret", "bob": "secret"}})
	as := func(user, id string) *kgo.Client {
		return newClient(t, b, kgo.SASL(plain.Auth{User: user, Pass: "secret"}.AsMechanism()), kgo.ClientID(id))
	}
	adm := kadm.NewClient(as("bob", "admin"))
	rs, err := adm.AlterClientQuotas(testContext(t), []kadm.AlterClientQuotaEntry{{
		Entity: kadm.ClientQuotaEntity{{Type: "user", Name: new("ann")}}, Ops: []kadm.AlterClientQuotaOp{{Key: "producer_byte_rate", Value: 100_000}},
	}})
	require.NoError(t, err)
	require.NoError(t, rs[0].Err)
	throttle := func(user string) int32 {
		resp, err := as(user, user+"s camera").Broker(0).Request(testContext(t), produced(150_000))
		require.NoError(t, err)
		return resp.(*kmsg.ProduceResponse).ThrottleMillis
	}
	require.GreaterOrEqual(t, throttle("ann"), int32(500))
	require.GreaterOrEqual(t, throttle("ann"), int32(500), "by another client id")
	require.Zero(t, throttle("bob"))
}

func TestQuotas_Described_AsAskedForAndKept(t *testing.T) {
	t.Parallel()
	cfg := Config{Dir: t.TempDir()}
	b, stop := serveBroker(t, cfg)
	ctx := testContext(t)
	adm := kadm.NewClient(newClient(t, b))
	require.NoError(t, setQuota(t, adm, new("camera"), kadm.AlterClientQuotaOp{Key: "producer_byte_rate", Value: 1000}))
	require.NoError(t, setQuota(t, adm, nil, kadm.AlterClientQuotaOp{Key: "request_percentage", Value: 12.5}))
	rs, err := adm.AlterClientQuotas(ctx, []kadm.AlterClientQuotaEntry{{
		Entity: kadm.ClientQuotaEntity{{Type: "user", Name: new("ann")}, {Type: "client-id", Name: new("camera")}},
		Ops:    []kadm.AlterClientQuotaOp{{Key: "consumer_byte_rate", Value: 2000}},
	}})
	require.NoError(t, err)
	require.NoError(t, rs[0].Err)
	require.ErrorIs(t, setQuota(t, adm, nil, kadm.AlterClientQuotaOp{Key: "controller_mutation_rate", Value: 1}), kerr.InvalidRequest)

	stop()
	b, _ = serveBroker(t, cfg)
	adm = kadm.NewClient(newClient(t, b))
	describe := func(strict bool, filters ...kadm.DescribeClientQuotaComponent) (out []string) {
		qs, err := adm.DescribeClientQuotas(ctx, strict, filters)
		require.NoError(t, err)
		for _, q := range qs {
			line := q.Entity.String()
			for _, v := range q.Values {
				line += " " + v.String()
			}
			out = append(out, line)
		}
		return out
	}
	camera := kadm.DescribeClientQuotaComponent{Type: "client-id", MatchName: new("camera"), MatchType: kmsg.QuotasMatchTypeExact}
	anyID := kadm.DescribeClientQuotaComponent{Type: "client-id", MatchType: kmsg.QuotasMatchTypeAny}
	byDefault := kadm.DescribeClientQuotaComponent{Type: "client-id", MatchType: kmsg.QuotasMatchTypeDefault}
	require.Len(t, describe(false), 3)
	require.Len(t, describe(false, camera), 2)
	require.Len(t, describe(true, camera), 1)
	require.Len(t, describe(true, anyID), 2)
	require.Len(t, describe(true, byDefault), 1)
	require.Contains(t, describe(true, camera)[0], "producer_byte_rate")
	require.NoError(t, setQuota(t, adm, new("camera"), kadm.AlterClientQuotaOp{Key: "producer_byte_rate", Remove: true}))
	require.Empty(t, describe(true, camera))
}
