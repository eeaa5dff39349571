package broker

import (
	"slices"

	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// offsetFetchAPI serves OffsetFetch.
//
// v8 asks for several groups, v10 names topics by id. Under RequireStable a
// partition with an offset in an open transaction is UNSTABLE_OFFSET_COMMIT
// (KIP-447).
var offsetFetchAPI = api{
	key: 9, min: 1, max: 10,
	handler: handle((*Broker).offsetFetch),
	schema: wire.Schema{
		wire.String.Through(7), wire.List(wire.String, wire.Int32s).Through(7),
		wire.List(wire.String, wire.String.Since(9), wire.Int32.Since(9),
			wire.List(wire.String.Through(9), wire.ID.Since(10), wire.Int32s)).Since(8),
		wire.Int8.Since(7),
	},
}

func (b *Broker) offsetFetch(c *caller, req *kmsg.OffsetFetchRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
	if req.Version >= 8 {
		for i := range req.Groups {
			resp.Groups = append(resp.Groups, b.fetchOffsets(c, &req.Groups[i], req))
		}
		return resp
	}
	// Before v8 there is one group; the answer is that group's, reshaped.
	rg := kmsg.NewOffsetFetchRequestGroup()
	rg.Group = req.Group
	for _, t := range req.Topics {
		gt := kmsg.NewOffsetFetchRequestGroupTopic()
		gt.Topic, gt.Partitions = t.Topic, t.Partitions
		rg.Topics = append(rg.Topics, gt)
	}
	if req.Topics == nil && req.Version >= 2 {
		rg.Topics = nil
	} else if rg.Topics == nil {
		rg.Topics = []kmsg.OffsetFetchRequestGroupTopic{}
	}
	g := b.fetchOffsets(c, &rg, req)
	resp.ErrorCode = g.ErrorCode
	for _, gt := range g.Topics {
		st := kmsg.NewOffsetFetchResponseTopic()
		st.Topic = gt.Topic
		for _, gp := range gt.Partitions {
			sp := kmsg.NewOffsetFetchResponseTopicPartition()
			sp.Partition, sp.Offset, sp.LeaderEpoch, sp.Metadata, sp.ErrorCode = gp.Partition, gp.Offset, gp.LeaderEpoch, gp.Metadata, gp.ErrorCode
			st.Partitions = append(st.Partitions, sp)
		}
		resp.Topics = append(resp.Topics, st)
	}
	return resp
}

func (b *Broker) fetchOffsets(c *caller, rg *kmsg.OffsetFetchRequestGroup, req *kmsg.OffsetFetchRequest) kmsg.OffsetFetchResponseGroup {
	sg := kmsg.NewOffsetFetchResponseGroup()
	sg.Group = rg.Group
	if err := b.authorizeGroup(c, opDescribe, rg.Group); err != nil {
		sg.ErrorCode = wire.Code(err)
		return sg
	}
	if rg.MemberID != nil && rg.MemberEpoch >= 0 && b.groups.HasConsumers(rg.Group) {
		if err := b.groups.CheckCommit(rg.Group, *rg.MemberID, nil, rg.MemberEpoch); err != nil {
			sg.ErrorCode = wire.Code(err)
			return sg
		}
	}
	topics := rg.Topics
	if topics == nil {
		topics = b.committedTopics(rg.Group)
	}
	for i := range topics {
		rt := &topics[i]
		st := kmsg.NewOffsetFetchResponseGroupTopic()
		st.Topic, st.TopicID = rt.Topic, rt.TopicID
		byID := req.Version >= 10
		t := b.topics.find(rt.Topic, rt.TopicID, byID)
		if t != nil {
			st.Topic, st.TopicID = t.name, t.id
		}
		for _, partition := range rt.Partitions {
			sp := kmsg.NewOffsetFetchResponseGroupTopicPartition()
			sp.Partition, sp.Offset, sp.LeaderEpoch, sp.Metadata = partition, -1, -1, new("")
			key := rows.OffsetKey(st.Topic, partition)
			if t != nil && !b.allowed(c, opDescribe, resourceTopic, t.name) {
				sp.ErrorCode = kerr.TopicAuthorizationFailed.Code
			} else if byID && t == nil {
				sp.ErrorCode = kerr.UnknownTopicID.Code
			} else if req.RequireStable && b.txns.HasPendingOffset(rg.Group, key) {
				sp.ErrorCode = kerr.UnstableOffsetCommit.Code
			} else if row, ok := b.groups.Offset(rg.Group, key); ok {
				sp.Offset, sp.LeaderEpoch, sp.Metadata = row.Offset, row.Epoch, new(row.Metadata)
			}
			st.Partitions = append(st.Partitions, sp)
		}
		sg.Topics = append(sg.Topics, st)
	}
	return sg
}

// committedTopics returns the partitions for which the group has offsets.
func (b *Broker) committedTopics(group string) (out []kmsg.OffsetFetchRequestGroupTopic) {
	byTopic := map[string]int{}
	for _, key := range b.groups.OffsetKeys(group) {
		name, partition := rows.SplitOffsetKey(key)
		i, seen := byTopic[name]
		if !seen {
			i = len(out)
			byTopic[name] = i
			rt := kmsg.NewOffsetFetchRequestGroupTopic()
			rt.Topic = name
			if t := b.topics.byName(name); t != nil {
				rt.TopicID = t.id
			}
			out = append(out, rt)
		}
		out[i].Partitions = append(out[i].Partitions, partition)
	}
	for i := range out {
		slices.Sort(out[i].Partitions)
	}
	return out
}
