package broker

import (
	"time"

	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fetchAPI serves Fetch.
//
// There are no fetch sessions: the response's session id is 0, so clients send complete
// requests (KIP-227). Complete batches are returned, the first one whatever its size. A
// request that finds fewer bytes than its minimum waits for a change of one of its logs,
// without polling. Batches are not down-converted.
var fetchAPI = api{
	key: 1, min: 4, max: 18,
	handler: handleDeferred((*Broker).fetch),
	schema: wire.Schema{
		wire.Int32.Through(14), wire.Int32, wire.Int32, wire.Int32.Since(3), wire.Int8.Since(4), wire.Int32.Since(7), wire.Int32.Since(7),
		wire.List(wire.String.Through(12), wire.ID.Since(13),
			wire.List(wire.Int32, wire.Int32.Since(9), wire.Int64, wire.Int32.Since(12), wire.Int64.Since(5), wire.Int32)),
		wire.List(wire.String.Through(12), wire.ID.Since(13), wire.Int32s).Since(7), wire.String.Since(11),
		wire.Tagged(1, wire.Int32, wire.Int64),
	},
}

func (b *Broker) fetch(c *caller, req *kmsg.FetchRequest) reply {
	if req.SessionID != 0 && req.SessionEpoch > 0 {
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		resp.ErrorCode = kerr.FetchSessionIDNotFound.Code
		return immediate(resp)
	}
	return func() kmsg.Response {
		resp := b.fetchWhenReady(c, req)
		b.met.fetchedBytes.Add(float64(resp.records()))
		return resp
	}
}

// fetched is a response whose record batches are in pooled buffers.
type fetched struct {
	*kmsg.FetchResponse
	bufs []*[]byte
	held *wire.Claim
	took time.Duration // to read the records
}

// records returns the bytes of the records.
func (f *fetched) records() (n int) {
	for i := range f.Topics {
		for j := range f.Topics[i].Partitions {
			n += len(f.Topics[i].Partitions[j].RecordBatches)
		}
	}
	return n
}

// leastAnswer is the size of the records that a response may have however little memory
// is free for responses. It waits until that much is free.
const leastAnswer = 256 << 10

// Size returns a bound of the encoded size, so that the records are appended to a
// buffer that has room for them.
func (f *fetched) Size() int {
	n := 64
	for i := range f.Topics {
		n += 64 + len(f.Topics[i].Topic)
		for j := range f.Topics[i].Partitions {
			p := &f.Topics[i].Partitions[j]
			n += 128 + len(p.RecordBatches) + 24*len(p.AbortedTransactions)
		}
	}
	return n
}

// Done gives back all memory of the response.
func (f *fetched) Done() {
	f.Encoded()
	f.held.Release()
}

// alloc returns a buffer that Encoded gives back.
func (f *fetched) alloc(n int) []byte {
	buf := wire.GetBuffer(n)
	f.bufs = append(f.bufs, buf)
	return *buf
}

// Encoded gives the buffers back. The claim lasts until the encoded response, which has
// as many bytes, was written.
func (f *fetched) Encoded() {
	for _, buf := range f.bufs {
		wire.PutBuffer(buf)
	}
	f.bufs = nil
}

// drop gives back the buffer that was allocated last.
func (f *fetched) drop() {
	last := len(f.bufs) - 1
	wire.PutBuffer(f.bufs[last])
	f.bufs = f.bufs[:last]
}

func (b *Broker) fetchWhenReady(c *caller, req *kmsg.FetchRequest) *fetched {
	resp, enough := b.fetchNow(c, req)
	if enough || req.MaxWaitMillis <= 0 {
		return resp
	}
	changed := make(chan struct{}, 1)
	for i := range req.Topics {
		rt := &req.Topics[i]
		t := b.topics.find(rt.Topic, rt.TopicID, req.Version >= 13)
		for j := range rt.Partitions {
			if t == nil {
				continue
			}
			if p := t.partition(rt.Partitions[j].Partition); p != nil {
				p.log.Watch(changed)
				defer p.log.Unwatch(changed)
			}
		}
	}
	deadline := time.NewTimer(time.Duration(req.MaxWaitMillis) * time.Millisecond)
	defer deadline.Stop()
	for {
		resp.Done()
		if resp, enough = b.fetchNow(c, req); enough {
			return resp
		}
		select {
		case <-changed:
		case <-deadline.C:
			return resp
		case <-c.ctx.Done():
			return resp
		}
	}
}

// fetchNow reads the records that exist now. Enough is the request's minimum of bytes, or
// an error that the client should learn at once.
// The free memory for responses limits them as well; records take it twice, because they
// are encoded into the response.
func (b *Broker) fetchNow(c *caller, req *kmsg.FetchRequest) (resp *fetched, enough bool) {
	resp = &fetched{FetchResponse: req.ResponseKind().(*kmsg.FetchResponse), held: b.responses.Claim(c.conn, c.host())}
	allowed := max(0, min(int(req.MaxBytes), b.cfg.MaxFetchBytes))
	granted, err := resp.held.Share(c.ctx, 2*int64(allowed), 2*leastAnswer)
	if err != nil { // the client has left, or the broker stops
		return resp, true
	}
	began := time.Now()
	defer func() { resp.took = time.Since(began) }()
	budget := int(granted / 2)
	total := 0
	for i := range req.Topics {
		rt := &req.Topics[i]
		t := b.topics.find(rt.Topic, rt.TopicID, req.Version >= 13)
		st := kmsg.NewFetchResponseTopic()
		st.Topic, st.TopicID = rt.Topic, rt.TopicID
		for j := range rt.Partitions {
			rp := &rt.Partitions[j]
			sp := kmsg.NewFetchResponseTopicPartition()
			sp.Partition = rp.Partition
			sp.HighWatermark, sp.LastStableOffset, sp.LogStartOffset = -1, -1, -1
			sp.PreferredReadReplica = -1
			sp.RecordBatches = []byte{}
			// The first batch of a response may exceed the limits, so that a client
			// can always continue.
			maxBytes := min(budget-total, int(rp.PartitionMaxBytes))
			if err := b.fetchPartition(c, req, t, rp, &sp, resp, maxBytes, total == 0); err != nil {
				sp.ErrorCode = wire.Code(err)
				enough = true
			}
			total += len(sp.RecordBatches)
			st.Partitions = append(st.Partitions, sp)
		}
		resp.Topics = append(resp.Topics, st)
	}
	resp.held.Resize(2 * int64(total))
	least := int(req.MinBytes)
	if budget < allowed {
		// More than the budget would not be read, however long the request waited. As
		// batches are whole, a budget is seldom used up: half of it counts as enough.
		least = min(least, budget/2)
	}
	return resp, enough || total >= least
}

func (b *Broker) fetchPartition(
	c *caller, req *kmsg.FetchRequest, t *topic, rp *kmsg.FetchRequestTopicPartition,
	sp *kmsg.FetchResponseTopicPartition, resp *fetched, maxBytes int, first bool,
) error {
	if t == nil && req.Version >= 13 {
		return kerr.UnknownTopicID
	}
	if t == nil || t.partition(rp.Partition) == nil {
		return kerr.UnknownTopicOrPartition
	}
	if err := b.authorize(c, opRead, resourceTopic, t.name); err != nil {
		return err
	}
	if err := b.checkEpoch(rp.CurrentLeaderEpoch); err != nil {
		return err
	}
	l := t.partition(rp.Partition).log
	bounds := l.Bounds()
	sp.HighWatermark, sp.LastStableOffset, sp.LogStartOffset = bounds.End, bounds.Stable, bounds.Start
	if rp.FetchOffset < bounds.Start || rp.FetchOffset > bounds.End {
		return kerr.OffsetOutOfRange
	}
	endOffset := bounds.End
	committed := req.IsolationLevel == 1
	if committed {
		endOffset = bounds.Stable
	}
	if rp.FetchOffset >= endOffset || maxBytes <= 0 && !first {
		return nil
	}
	data, err := l.Read(resp.alloc, rp.FetchOffset, endOffset, max(maxBytes, 0))
	if err != nil {
		return err
	}
	if len(data) > maxBytes && !first {
		resp.drop() // a single batch, larger than the rest of the limit
		data = []byte{}
	}
	sp.RecordBatches = data
	if committed && len(data) > 0 {
		sp.AbortedTransactions = abortedIn(l, rp.FetchOffset, data)
	}
	return nil
}

// abortedIn returns the aborted transactions that touch the batches in data.
func abortedIn(l *storage.Log, from int64, data []byte) []kmsg.FetchResponseTopicPartitionAbortedTransaction {
	end := from
	for p := storage.Batch(data); len(p) > 0; p = p[p.Size():] {
		end = p.Last() + 1
	}
	var out []kmsg.FetchResponseTopicPartitionAbortedTransaction
	for _, a := range l.Aborted(from, end) {
		ka := kmsg.NewFetchResponseTopicPartitionAbortedTransaction()
		ka.ProducerID, ka.FirstOffset = a.ProducerID, a.First
		out = append(out, ka)
	}
	return out
}
