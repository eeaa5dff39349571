package broker

import (
	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DeleteGroups and OffsetDelete.
//
// A group with members is not deleted. Offsets are deleted for topics to which no
// member of the group subscribes.

var deleteGroupsAPI = api{
	key: 42, min: 0, max: 3,
	handler: handle((*Broker).deleteGroups),
	schema:  wire.Schema{wire.Strings},
}

func (b *Broker) deleteGroups(c *caller, req *kmsg.DeleteGroupsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DeleteGroupsResponse)
	for _, name := range req.Groups {
		sg := kmsg.NewDeleteGroupsResponseGroup()
		sg.Group = name
		err := b.authorize(c, opDelete, resourceGroup, name)
		if err == nil {
			err = b.groups.Delete(name)
		}
		sg.ErrorCode, sg.ErrorMessage = wire.Code(err), wire.Message(err)
		resp.Groups = append(resp.Groups, sg)
	}
	return resp
}

var offsetDeleteAPI = api{
	key: 47, min: 0, max: 0,
	handler: handle((*Broker).offsetDelete),
	schema:  wire.Schema{wire.String, wire.List(wire.String, wire.List(wire.Int32))},
}

func (b *Broker) offsetDelete(c *caller, req *kmsg.OffsetDeleteRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.OffsetDeleteResponse)
	err := b.authorize(c, opDelete, resourceGroup, req.Group)
	if err == nil {
		err = b.groups.DeleteOffsets(req.Group, func(subscribed func(string) bool) []string {
			return b.offsetsToDelete(req, resp, subscribed)
		})
	}
	resp.ErrorCode = wire.Code(err)
	return resp
}

// offsetsToDelete returns the keys of the offsets that may be deleted, and adds every
// partition to the response.
func (b *Broker) offsetsToDelete(
	req *kmsg.OffsetDeleteRequest, resp *kmsg.OffsetDeleteResponse, subscribed func(topic string) bool,
) (keys []string) {
	for i := range req.Topics {
		rt := &req.Topics[i]
		st := kmsg.NewOffsetDeleteResponseTopic()
		st.Topic = rt.Topic
		for _, rp := range rt.Partitions {
			sp := kmsg.NewOffsetDeleteResponseTopicPartition()
			sp.Partition = rp.Partition
			t := b.topics.byName(rt.Topic)
			switch {
			case t == nil || t.partition(rp.Partition) == nil:
				sp.ErrorCode = kerr.UnknownTopicOrPartition.Code
			case subscribed(rt.Topic):
				sp.ErrorCode = kerr.GroupSubscribedToTopic.Code
			default:
				keys = append(keys, rows.OffsetKey(rt.Topic, rp.Partition))
			}
			st.Partitions = append(st.Partitions, sp)
		}
		resp.Topics = append(resp.Topics, st)
	}
	return keys
}
