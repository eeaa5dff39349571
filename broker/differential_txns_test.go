package broker

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A transactional producer does what producers do, right or wrong, at random,
// and readers look at what it has done.
func TestTransactions_RandomRequests_AnswersEqualKfake(t *testing.T) {
	t.Parallel()
	d := newDifferential(t)
	d.createTopic("t0", 2)
	w := txnWalk{differential: d, start: time.Now().UnixMilli()}
	w.init(false)
	commit := d.offsetCommit() // the group is there
	req := commit.(pinned).Request.(*kmsg.OffsetCommitRequest)
	req.Group, req.Topics[0].Topic, req.Topics[0].Partitions[0].Partition = "g", "t0", 1
	d.compare(commit)
	for range 500 {
		w.step()
	}
	t.Logf("%d requests of %d kinds", d.sent, len(d.kinds))
}

type txnWalk struct {
	*differential
	start    int64 // ms, the time of all records
	epoch    int16
	open     bool
	in       [2]bool // the partitions that are in the transaction
	group    bool
	sequence [2]int32 // the next of each partition
}

const txnID = "tx"

func (w *txnWalk) step() {
	stale := int16(0)
	if w.rng.IntN(8) == 0 {
		stale = 1
	}
	p := w.rng.IntN(2)
	switch w.rng.IntN(12) {
	case 0:
		w.init(w.rng.IntN(2) == 0)
	case 1:
		w.addPartition(p, w.epoch-stale)
	case 2, 3:
		w.produce(p, w.epoch-stale, 11)
	case 4:
		w.produce(p, w.epoch, 12) // kfake adds the partition of a stale batch, too
	case 5:
		w.addOffsets(w.epoch - stale)
	case 6:
		w.commitOffsets(w.epoch - stale)
	case 7:
		w.end(w.epoch-stale, int16(2+w.rng.IntN(4))) // kfake answers versions before with a code that they do not know
	case 8, 9:
		w.fetch(p)
	case 10:
		w.look()
	case 11:
		w.offsets()
	}
}

func (w *txnWalk) init(again bool) {
	epoch := w.epoch
	w.both(func(s *side) kmsg.Request {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.TransactionalID, req.TransactionTimeoutMillis = new(txnID), 60_000
		if again {
			req.ProducerID, req.ProducerEpoch = s.pid, epoch
		}
		return pinned{req, 4}
	}, func(s *side, resp kmsg.Response) {
		r := resp.(*kmsg.InitProducerIDResponse)
		require.Zero(w.t, r.ErrorCode)
		s.pid, w.epoch = r.ProducerID, r.ProducerEpoch
	})
	w.ended()
	w.sequence = [2]int32{}
}

func (w *txnWalk) ended() { w.open, w.in, w.group = false, [2]bool{}, false }

func (w *txnWalk) addPartition(p int, epoch int16) {
	var code int16
	w.both(func(s *side) kmsg.Request {
		req := kmsg.NewPtrAddPartitionsToTxnRequest()
		req.TransactionalID, req.ProducerID, req.ProducerEpoch = txnID, s.pid, epoch
		req.Topics = []kmsg.AddPartitionsToTxnRequestTopic{{Topic: "t0", Partitions: []int32{int32(p)}}}
		return pinned{req, 3}
	}, func(_ *side, resp kmsg.Response) {
		code = resp.(*kmsg.AddPartitionsToTxnResponse).Topics[0].Partitions[0].ErrorCode
	})
	if code == 0 {
		w.open, w.in[p] = true, true
	}
}

// produce writes the next batch, the last one again, or one out of order.
func (w *txnWalk) produce(p int, epoch, version int16) {
	if version < 12 && !w.in[p] && (w.open || epoch != w.epoch) {
		return // kfake takes it, or does not look at its epoch
	}
	n := int32(1 + w.rng.IntN(3))
	first := w.sequence[p]
	gap := w.rng.IntN(8) == 0 && first > 0
	if gap {
		first += 5
	}
	var code int16
	w.both(func(s *side) kmsg.Request {
		req := kmsg.NewPtrProduceRequest()
		req.Acks, req.TimeoutMillis, req.TransactionID = -1, 1000, new(txnID)
		rt := kmsg.NewProduceRequestTopic()
		rt.Topic = "t0"
		rp := kmsg.NewProduceRequestTopicPartition()
		rp.Partition = int32(p)
		var records []byte
		for i := range n {
			records = appendRecord(records, i, nil, []byte("value"))
		}
		rp.Records = sealed(records, int(n), func(b *kmsg.RecordBatch) {
			b.Attributes, b.ProducerID, b.ProducerEpoch, b.FirstSequence = 1<<4, s.pid, epoch, first
			b.FirstTimestamp, b.MaxTimestamp = w.start, w.start
		})
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
		return pinned{req, version}
	}, func(_ *side, resp kmsg.Response) {
		code = resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode
	})
	if code == 0 {
		w.sequence[p] += n
	}
	if code == 0 || gap && version >= 12 {
		w.open, w.in[p] = true, true
	}
}

func (w *txnWalk) addOffsets(epoch int16) {
	var code int16
	w.both(func(s *side) kmsg.Request {
		req := kmsg.NewPtrAddOffsetsToTxnRequest()
		req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = txnID, s.pid, epoch, "g"
		return pinned{req, 3}
	}, func(_ *side, resp kmsg.Response) { code = resp.(*kmsg.AddOffsetsToTxnResponse).ErrorCode })
	if code == 0 {
		w.open, w.group = true, true
	}
}

func (w *txnWalk) commitOffsets(epoch int16) {
	if !w.group {
		return
	}
	w.both(func(s *side) kmsg.Request {
		req := kmsg.NewPtrTxnOffsetCommitRequest()
		req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = txnID, s.pid, epoch, "g"
		rt := kmsg.NewTxnOffsetCommitRequestTopic()
		rt.Topic = "t0"
		rp := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		rp.Offset = int64(w.sent)
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
		return pinned{req, 3}
	}, nil)
}

func (w *txnWalk) end(epoch, version int16) {
	commit := w.rng.IntN(2) == 0
	if !w.open && (version < 5 || commit || epoch != w.epoch) {
		return // kfake takes it, or does not look at its epoch
	}
	var code int16
	w.both(func(s *side) kmsg.Request {
		req := kmsg.NewPtrEndTxnRequest()
		req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = txnID, s.pid, epoch, commit
		return pinned{req, version}
	}, func(s *side, resp kmsg.Response) {
		r := resp.(*kmsg.EndTxnResponse)
		if code = r.ErrorCode; code == 0 && version >= 5 {
			s.pid, w.epoch = r.ProducerID, r.ProducerEpoch
			w.sequence = [2]int32{}
		}
	})
	if code == 0 {
		w.ended()
	}
}

// fetch reads a partition from its start, committed records or all.
func (w *txnWalk) fetch(p int) {
	isolation := int8(w.rng.IntN(2))
	w.both(func(*side) kmsg.Request {
		req := kmsg.NewPtrFetchRequest()
		req.MaxBytes, req.SessionEpoch, req.IsolationLevel = 1<<20, -1, isolation
		rt := kmsg.NewFetchRequestTopic()
		rt.Topic = "t0"
		rp := kmsg.NewFetchRequestTopicPartition()
		rp.Partition, rp.PartitionMaxBytes = int32(p), 1<<20
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
		return pinned{req, 12}
	}, func(_ *side, resp kmsg.Response) {
		sp := &resp.(*kmsg.FetchResponse).Topics[0].Partitions[0]
		sp.RecordBatches = described(w.t, sp.RecordBatches)
	})
}

// described describes the content of batches, except the parts that each broker chooses:
// producer ids, the times and epochs of markers, and with them the CRC.
func described(t testing.TB, raw []byte) []byte {
	t.Helper()
	var out []byte
	for len(raw) > 0 {
		n := 12 + int(binary.BigEndian.Uint32(raw[8:]))
		var b kmsg.RecordBatch
		require.NoError(t, b.ReadFrom(raw[:n]))
		if b.Attributes&(1<<5) != 0 {
			b.FirstTimestamp, b.MaxTimestamp, b.ProducerEpoch = 0, 0, 0
		}
		out = fmt.Appendf(out, "%d +%d attributes %d times %d %d epoch %d sequence %d records %d: %x\n", b.FirstOffset, b.LastOffsetDelta,
			b.Attributes, b.FirstTimestamp, b.MaxTimestamp, b.ProducerEpoch, b.FirstSequence, b.NumRecords, b.Records)
		raw = raw[n:]
	}
	return out
}

// look asks what the state of things is.
func (w *txnWalk) look() {
	if !w.open {
		return // kfake calls a transaction Empty that is CompleteCommit or CompleteAbort
	}
	list := kmsg.NewPtrListTransactionsRequest()
	describe := kmsg.NewPtrDescribeTransactionsRequest()
	describe.TransactionalIDs = []string{txnID}
	w.compare(pinned{list, 0})
	w.compare(describe)
}

func (w *txnWalk) offsets() {
	req := kmsg.NewPtrOffsetFetchRequest()
	rg := kmsg.NewOffsetFetchRequestGroup()
	rg.Group, rg.Topics = "g", []kmsg.OffsetFetchRequestGroupTopic{{Topic: "t0", Partitions: []int32{0}}}
	req.Groups, req.RequireStable = append(req.Groups, rg), w.rng.IntN(2) == 0
	w.compare(pinned{req, 9})
	list := w.listOffsets().(*kmsg.ListOffsetsRequest)
	list.Topics[0].Topic = "t0"
	for p := range list.Topics[0].Partitions {
		list.Topics[0].Partitions[p].Timestamp = int64(-1 - w.rng.IntN(2)) // not the times of markers
	}
	w.compare(list)
}
