package broker

import (
	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// alterReplicaLogDirsAPI serves AlterReplicaLogDirs.
//
// There is one directory: every partition is in it already, and there is none
// else to move to.
var alterReplicaLogDirsAPI = api{
	key: 34, min: 1, max: 2,
	handler: handle((*Broker).alterReplicaLogDirs),
	schema:  wire.Schema{wire.List(wire.String, wire.List(wire.String, wire.Int32s))},
}

func (b *Broker) alterReplicaLogDirs(c *caller, req *kmsg.AlterReplicaLogDirsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AlterReplicaLogDirsResponse)
	denied := b.authorize(c, opAlter, resourceCluster, auth.ClusterName)
	for i := range req.Dirs {
		for _, rt := range req.Dirs[i].Topics {
			t := b.topics.byName(rt.Topic)
			st := kmsg.NewAlterReplicaLogDirsResponseTopic()
			st.Topic = rt.Topic
			for _, partition := range rt.Partitions {
				err := denied
				switch {
				case denied != nil:
				case t == nil || t.partition(partition) == nil:
					err = kerr.UnknownTopicOrPartition
				case req.Dirs[i].Dir != b.logDir():
					err = kerr.LogDirNotFound
				}
				sp := kmsg.NewAlterReplicaLogDirsResponseTopicPartition()
				sp.Partition, sp.ErrorCode = partition, wire.Code(err)
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
	}
	return resp
}
