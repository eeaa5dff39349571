package broker

import (
	"path/filepath"
	"slices"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describeLogDirsAPI serves DescribeLogDirs.
//
// There is one directory, which is never cordoned. The size of its disk is not reported (-1).
var describeLogDirsAPI = api{
	key: 35, min: 0, max: 5,
	handler: handle((*Broker).describeLogDirs),
	schema:  wire.Schema{wire.List(wire.String, wire.Int32s)},
}

// logDir is the data directory as clients name it: its absolute path.
func (b *Broker) logDir() string {
	if dir, err := filepath.Abs(b.cfg.Dir); err == nil {
		return dir
	}
	return b.cfg.Dir
}

func (b *Broker) describeLogDirs(c *caller, req *kmsg.DescribeLogDirsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeLogDirsResponse)
	if err := b.authorize(c, opDescribe, resourceCluster, auth.ClusterName); err != nil {
		resp.ErrorCode = wire.Code(err)
		return resp
	}
	dir := kmsg.NewDescribeLogDirsResponseDir()
	dir.Dir, dir.TotalBytes, dir.UsableBytes = b.logDir(), -1, -1
	for _, t := range b.topics.all() {
		var wanted []int32 // nil: all
		if req.Topics != nil {
			i := slices.IndexFunc(req.Topics, func(rt kmsg.DescribeLogDirsRequestTopic) bool { return rt.Topic == t.name })
			if i < 0 {
				continue
			}
			wanted = req.Topics[i].Partitions
		}
		st := kmsg.NewDescribeLogDirsResponseDirTopic()
		st.Topic = t.name
		for _, p := range t.partitions() {
			if wanted != nil && !slices.Contains(wanted, p.index) {
				continue
			}
			sp := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
			sp.Partition, sp.Size = p.index, p.log.Size()
			st.Partitions = append(st.Partitions, sp)
		}
		dir.Topics = append(dir.Topics, st)
	}
	resp.Dirs = append(resp.Dirs, dir)
	return resp
}
