package broker

import (
	"slices"
	"time"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// writeTxnMarkersAPI serves WriteTxnMarkers.
//
// Admin tools send it to abort a transaction that blocks read_committed consumers
// (KIP-664). A transaction known to the coordinator is aborted in all its partitions,
// and its producer is fenced. Otherwise an abort marker is written to the named
// partition only. A partition in which the producer has no open transaction is answered
// with success. Commit markers are refused with INVALID_REQUEST: the coordinator writes
// those itself.
var writeTxnMarkersAPI = api{
	key: 27, min: 1, max: 2,
	handler: handleDeferred((*Broker).writeTxnMarkers),
	schema: wire.Schema{
		wire.List(wire.Int64, wire.Int16, wire.Int8, wire.List(wire.String, wire.Int32s), wire.Int32, wire.Int8.Since(2)),
	},
}

func (b *Broker) writeTxnMarkers(c *caller, req *kmsg.WriteTxnMarkersRequest) reply {
	resp := req.ResponseKind().(*kmsg.WriteTxnMarkersResponse)
	var denied error
	if !b.allowed(c, opAlter, resourceCluster, auth.ClusterName) {
		denied = b.authorize(c, opClusterAction, resourceCluster, auth.ClusterName)
	}
	return func() kmsg.Response {
		for i := range req.Markers {
			m := &req.Markers[i]
			sm := kmsg.NewWriteTxnMarkersResponseMarker()
			sm.ProducerID = m.ProducerID
			for _, rt := range m.Topics {
				st := kmsg.NewWriteTxnMarkersResponseMarkerTopic()
				st.Topic = rt.Topic
				for _, partition := range rt.Partitions {
					err := denied
					if err == nil {
						err = b.abortInPartition(rt.Topic, partition, m)
					}
					sp := kmsg.NewWriteTxnMarkersResponseMarkerTopicPartition()
					sp.Partition, sp.ErrorCode = partition, wire.Code(err)
					st.Partitions = append(st.Partitions, sp)
				}
				sm.Topics = append(sm.Topics, st)
			}
			resp.Markers = append(resp.Markers, sm)
		}
		return resp
	}
}

// abortInPartition ends the producer's transaction in the partition.
func (b *Broker) abortInPartition(topic string, partition int32, m *kmsg.WriteTxnMarkersRequestMarker) error {
	if m.Committed {
		return kerr.InvalidRequest
	}
	t := b.topics.byName(topic)
	if t == nil || t.partition(partition) == nil {
		return kerr.UnknownTopicOrPartition
	}
	p := t.partition(partition)
	producers := p.log.Producers()
	i := slices.IndexFunc(producers, func(s storage.ProducerState) bool { return s.ProducerID == m.ProducerID })
	switch {
	case i < 0 || producers[i].TxnStart < 0:
		return nil
	case m.ProducerEpoch < producers[i].Epoch:
		return kerr.InvalidProducerEpoch
	}
	if found, err := b.txns.AbortIn(p.log, m.ProducerID); found {
		return err
	}
	b.log.Info("transaction unknown to the coordinator aborted by request", "topic", topic, "partition", partition, "producer", m.ProducerID)
	var commit storage.Commit
	commit.Mark(p.log, m.ProducerID, m.ProducerEpoch, false, time.Now().UnixMilli())
	return b.store.Do(&commit)
}
