package broker

import (
	"errors"
	"fmt"

	"github.com/sightlog/sightlog/broker/internal/txn"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// produceAPI serves Produce.
//
// v0-2 are advertised, because librdkafka before 2.1 compresses only if they are, and
// refused with UNSUPPORTED_VERSION when used, as in Kafka 4. The header, the CRC and the
// compression frames of a batch are checked, and it is stored unchanged unless the topic has a
// compression.type. A batch whose
// records take more than 64 times the topic's max.message.bytes decompressed is refused
// with MESSAGE_TOO_LARGE. Batches are decompressed only if their frames do not bound
// that size, for compacted topics, which refuse a record without a key (INVALID_RECORD), as
// in Kafka, and to compress them anew as the topic's compression.type says. acks=1 waits for the disk as acks=all does. From v12 on
// a transactional batch adds its partition to the transaction (KIP-890).
var produceAPI = api{
	key: produceKey, min: 0, max: 13,
	handler: handleDeferred((*Broker).produce),
	schema: wire.Schema{
		wire.String.Since(3),
		wire.Int16, wire.Int32,
		wire.List(wire.String.Through(12), wire.ID.Since(13), wire.List(wire.Int32, wire.Bytes)),
	},
}

const produceKey = 0

func (b *Broker) produce(c *caller, req *kmsg.ProduceRequest) reply {
	resp := req.ResponseKind().(*kmsg.ProduceResponse)
	p := produceOp{b: b, req: req}
	for i := range req.Topics {
		rt := &req.Topics[i]
		t := b.topics.find(rt.Topic, rt.TopicID, req.Version >= 13)
		st := kmsg.NewProduceResponseTopic()
		st.Topic, st.TopicID = rt.Topic, rt.TopicID
		for j := range rt.Partitions {
			sp := kmsg.NewProduceResponseTopicPartition()
			sp.Partition = rt.Partitions[j].Partition
			sp.BaseOffset, sp.LogAppendTime, sp.LogStartOffset = -1, -1, -1
			st.Partitions = append(st.Partitions, sp)
			p.add(c, t, &rt.Partitions[j])
		}
		resp.Topics = append(resp.Topics, st)
	}
	if !p.commit.Empty() {
		b.store.Submit(&p.commit)
	}
	return func() kmsg.Response {
		p.answer(resp)
		if req.Acks == 0 {
			return nil
		}
		return resp
	}
}

// produceOp is a Produce request that is being served.
type produceOp struct {
	b       *Broker
	req     *kmsg.ProduceRequest
	commit  storage.Commit
	results []partitionResult // for each partition, in the request's order
}

// partitionResult is the outcome for one partition.
type partitionResult struct {
	appended *storage.AppendResult // nil if the batch was refused before it was submitted
	bytes    int
	err      error
}

// add checks one partition's batch and adds it to the commit.
func (p *produceOp) add(c *caller, t *topic, rp *kmsg.ProduceRequestTopicPartition) {
	r, err := p.append(c, t, rp)
	p.results = append(p.results, partitionResult{r, len(rp.Records), err})
}

func (p *produceOp) append(c *caller, t *topic, rp *kmsg.ProduceRequestTopicPartition) (*storage.AppendResult, error) {
	switch {
	case p.req.Version < 3:
		return nil, kerr.UnsupportedVersion
	case p.req.Acks < -1 || p.req.Acks > 1:
		return nil, kerr.InvalidRequiredAcks
	case t == nil && p.req.Version >= 13:
		return nil, kerr.UnknownTopicID
	case t == nil:
		return nil, kerr.UnknownTopicOrPartition
	}
	part := t.partition(rp.Partition)
	if part == nil {
		return nil, kerr.UnknownTopicOrPartition
	}
	if err := storage.CheckBatch(rp.Records); err != nil {
		return nil, err
	}
	if err := p.b.authorize(c, opWrite, resourceTopic, t.name); err != nil {
		return nil, err
	}
	batch := storage.Batch(rp.Records)
	conf := t.config.Load()
	if len(batch) > conf.maxMessageBytes {
		return nil, tooLarge(batch, conf)
	}
	if batch.Control() {
		return nil, fmt.Errorf("%w: clients do not write control batches", kerr.InvalidRecord)
	}
	if err := conf.checkTimestamps(batch); err != nil {
		return nil, err
	}
	if err := p.b.checkExpansion(batch, conf); err != nil {
		return nil, err
	}
	if conf.compact {
		if err := p.b.checkKeys(batch); err != nil {
			return nil, err
		}
	}
	if batch.Transactional() {
		if p.req.TransactionID != nil {
			if err := p.b.authorize(c, opWrite, resourceTxn, *p.req.TransactionID); err != nil {
				return nil, err
			}
		}
		producer := txn.Producer{ID: batch.ProducerID(), Epoch: batch.ProducerEpoch()}
		if err := p.b.txns.Verify(p.req.TransactionID, producer, part.inTxn(), p.req.Version >= 12); err != nil {
			return nil, err
		}
	}
	if err := p.b.checkHold(part, conf); err != nil {
		return nil, err
	}
	stored, err := p.b.compressed(batch, conf)
	if err != nil {
		return nil, err
	}
	return p.commit.Append(part.log, stored, conf.logAppendTime), nil
}

// answer waits for the commit and fills the response in.
func (p *produceOp) answer(resp *kmsg.ProduceResponse) {
	var failed error
	if !p.commit.Empty() {
		failed = p.commit.Wait()
	}
	i := 0
	for t := range resp.Topics {
		for j := range resp.Topics[t].Partitions {
			sp, r := &resp.Topics[t].Partitions[j], p.results[i]
			i++
			err := r.err
			if err == nil {
				if err = failed; err == nil {
					err = r.appended.Err
				}
			}
			if sp.ErrorCode = wire.Code(err); err != nil {
				sp.ErrorMessage = wire.Message(err)
				if bad := (invalidRecords)(nil); errors.As(err, &bad) {
					sp.ErrorRecords = bad
				}
				continue
			}
			p.b.met.producedBytes.Add(float64(r.bytes))
			sp.BaseOffset, sp.LogAppendTime, sp.LogStartOffset = r.appended.Base, r.appended.Time, r.appended.Start
		}
	}
}
