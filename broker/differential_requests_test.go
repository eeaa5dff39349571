package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// Requests made at random.

func (d *differential) createTopics() kmsg.Request {
	req := kmsg.NewPtrCreateTopicsRequest()
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic = d.topic()
	rt.NumPartitions = []int32{1, 2, 3, 3, 0}[d.rng.IntN(5)]
	rt.ReplicationFactor = []int16{1, -1}[d.rng.IntN(2)]
	req.ValidateOnly = d.rng.IntN(5) == 0
	req.Topics = append(req.Topics, rt)
	return req
}

func (d *differential) deleteTopics() kmsg.Request {
	req := kmsg.NewPtrDeleteTopicsRequest()
	if d.rng.IntN(3) > 0 {
		req.Topics = []kmsg.DeleteTopicsRequestTopic{}
		return req // topics should live a while
	}
	rt := kmsg.NewDeleteTopicsRequestTopic()
	rt.Topic = new(d.topic())
	req.Topics = append(req.Topics, rt)
	return req
}

func (d *differential) createPartitions() kmsg.Request {
	req := kmsg.NewPtrCreatePartitionsRequest()
	rt := kmsg.NewCreatePartitionsRequestTopic()
	rt.Topic, rt.Count = d.topic(), int32(4+d.sent) // more than ever
	if d.rng.IntN(2) == 0 {
		rt.Count = 0
	}
	req.Topics = append(req.Topics, rt)
	return req
}

func (d *differential) metadata() kmsg.Request {
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = new(d.topic())
	req.Topics = append(req.Topics, rt)
	return req
}

func (d *differential) listOffsets() kmsg.Request {
	req := kmsg.NewPtrListOffsetsRequest()
	req.IsolationLevel = int8(d.rng.IntN(2))
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = d.topic()
	for p := range int32(3) {
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp = p, []int64{-1, -2, 0, 1 << 50}[d.rng.IntN(4)]
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	return req
}

func (d *differential) produce() kmsg.Request {
	req := kmsg.NewPtrProduceRequest()
	req.Version = 12
	req.Acks, req.TimeoutMillis = -1, 1000
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic = d.topic()
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Partition = int32(d.rng.IntN(4))
	rp.Records = plainBatch(1+d.rng.IntN(3), int64(d.rng.IntN(1000)))
	switch d.rng.IntN(12) {
	case 0:
		rp.Records[len(rp.Records)-1]++ // the CRC is wrong
	case 1:
		req.Acks = 5
	}
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	return pinned{req, 12}
}

func (d *differential) fetch() kmsg.Request {
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.SessionEpoch = 1<<20, -1
	req.IsolationLevel = int8(d.rng.IntN(2))
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic = d.topic()
	for p := range int32(2) {
		rp := kmsg.NewFetchRequestTopicPartition()
		rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = p, int64(d.rng.IntN(12)-1), 1<<20
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	return pinned{req, 12}
}

func (d *differential) offsetCommit() kmsg.Request {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group = d.group()
	rt := kmsg.NewOffsetCommitRequestTopic()
	rt.Topic = d.topic()
	rp := kmsg.NewOffsetCommitRequestTopicPartition()
	rp.Partition, rp.Offset = int32(d.rng.IntN(4)), int64(d.rng.IntN(100))
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	return pinned{req, 9}
}

func (d *differential) offsetFetch() kmsg.Request {
	req := kmsg.NewPtrOffsetFetchRequest()
	rg := kmsg.NewOffsetFetchRequestGroup()
	rg.Group = d.group()
	rt := kmsg.NewOffsetFetchRequestGroupTopic()
	rt.Topic, rt.Partitions = d.topic(), []int32{0, 1, 2}
	rg.Topics = append(rg.Topics, rt)
	req.Groups = append(req.Groups, rg)
	return pinned{req, 9}
}

func (d *differential) deleteRecords() kmsg.Request {
	req := kmsg.NewPtrDeleteRecordsRequest()
	rt := kmsg.NewDeleteRecordsRequestTopic()
	rt.Topic = d.topic()
	rp := kmsg.NewDeleteRecordsRequestTopicPartition()
	rp.Partition, rp.Offset = int32(d.rng.IntN(3)), []int64{-1, 1 << 40}[d.rng.IntN(2)]
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	return req
}

func (d *differential) alterConfigs() kmsg.Request {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	rr := kmsg.NewIncrementalAlterConfigsRequestResource()
	rr.ResourceType, rr.ResourceName = kmsg.ConfigResourceTypeTopic, d.topic()
	rc := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	rc.Name, rc.Value = "retention.ms", new("1000000000")
	rr.Configs = append(rr.Configs, rc)
	req.Resources = append(req.Resources, rr)
	return req
}

func (d *differential) describeGroups() kmsg.Request {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{"nobody"}
	return req
}

func (d *differential) listGroups() kmsg.Request {
	req := kmsg.NewPtrListGroupsRequest()
	req.StatesFilter = []string{"Stable"}
	return req
}

func (d *differential) deleteGroups() kmsg.Request {
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Groups = []string{"nobody"}
	return req
}

func (d *differential) endTxn() kmsg.Request {
	req := kmsg.NewPtrEndTxnRequest()
	req.TransactionalID, req.ProducerID = "nobody", 77
	return req
}

func (d *differential) leaderEpoch() kmsg.Request {
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	rt := kmsg.NewOffsetForLeaderEpochRequestTopic()
	rt.Topic = d.topic()
	rp := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
	rp.Partition, rp.CurrentLeaderEpoch, rp.LeaderEpoch = int32(d.rng.IntN(3)), -1, -1 // the side's; see compare
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	return req
}

func (d *differential) findCoordinator() kmsg.Request {
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorType = int8(d.rng.IntN(2))
	req.CoordinatorKeys = []string{d.group()}
	return req
}

// pinned is a request that is sent in one version.
type pinned struct {
	kmsg.Request
	version int16
}

func (p pinned) MaxVersion() int16 { return p.version }

// plainBatch is a batch of n records without keys.
func plainBatch(n int, ms int64) []byte {
	var records []byte
	for i := range n {
		records = appendRecord(records, int32(i), nil, []byte("value"))
	}
	return sealed(records, n, func(b *kmsg.RecordBatch) { b.FirstTimestamp, b.MaxTimestamp = ms, ms })
}
