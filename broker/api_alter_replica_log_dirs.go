package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AlterReplicaLogDirs (key 34), v1-2.
//
// There is one directory: every partition is in it already, and there is none
// else to move to.

func (b *Broker) alterReplicaLogDirs(c *caller, req *kmsg.AlterReplicaLogDirsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AlterReplicaLogDirsResponse)
	denied := b.authorize(c, opAlter, resourceCluster, ClusterName)
	for i := range req.Dirs {
		for _, rt := range req.Dirs[i].Topics {
			t := b.topics.named(rt.Topic)
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
				sp.Partition, sp.ErrorCode = partition, Code(err)
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
	}
	return resp
}
