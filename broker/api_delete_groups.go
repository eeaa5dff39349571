package broker

import (
	"github.com/sightlog/sightlog/broker/internal/rows"

	"github.com/sightlog/sightlog/broker/internal/wire"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DeleteGroups and OffsetDelete.
//
// A group with members is not deleted. Offsets are deleted for topics that no
// member of the group subscribes to; whoever's subscription cannot be read
// subscribes to all.

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
			err = b.deleteGroup(name)
		}
		sg.ErrorCode, sg.ErrorMessage = wire.Code(err), wire.Message(err)
		resp.Groups = append(resp.Groups, sg)
	}
	return resp
}

func (b *Broker) deleteGroup(name string) error {
	if err := checkGroupID(name); err != nil {
		return err
	}
	if b.groups.hasConsumers(name) {
		return kerr.NonEmptyGroup
	}
	c, err := b.deleteOffsets(name)
	if err != nil || c.Empty() {
		return err
	}
	return c.Wait()
}

// deleteOffsets submits the deletion of a group's offsets, if it has any.
func (b *Broker) deleteOffsets(name string) (*storage.Commit, error) {
	g := b.groups.lock(name, false)
	if g != nil {
		defer g.mu.Unlock()
		if len(g.members) > 0 || len(g.promised) > 0 {
			return nil, kerr.NonEmptyGroup
		}
	}
	offsets := b.store.Bucket(rows.OffsetsPrefix + name)
	if g == nil && len(offsets) == 0 {
		return nil, kerr.GroupIDNotFound
	}
	c := &storage.Commit{}
	for key := range offsets {
		c.Delete(rows.OffsetsPrefix+name, key)
	}
	if !c.Empty() {
		b.store.Submit(c)
	}
	return c, nil
}

var offsetDeleteAPI = api{
	key: 47, min: 0, max: 0,
	handler: handle((*Broker).offsetDelete),
	schema:  wire.Schema{wire.String, wire.List(wire.String, wire.List(wire.Int32))},
}

func (b *Broker) offsetDelete(c *caller, req *kmsg.OffsetDeleteRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.OffsetDeleteResponse)
	if err := b.authorize(c, opDelete, resourceGroup, req.Group); err != nil {
		resp.ErrorCode = wire.Code(err)
		return resp
	}
	var commit storage.Commit
	if b.addOffsetDeletes(req, resp, &commit); !commit.Empty() {
		resp.ErrorCode = wire.Code(commit.Wait())
	}
	return resp
}

// addOffsetDeletes fills the response in and submits what is to be deleted.
func (b *Broker) addOffsetDeletes(req *kmsg.OffsetDeleteRequest, resp *kmsg.OffsetDeleteResponse, commit *storage.Commit) {
	g := b.groups.lock(req.Group, false)
	if g != nil {
		defer g.mu.Unlock()
	}
	if (g == nil || g.state == groupEmpty) && len(b.store.Bucket(rows.OffsetsPrefix+req.Group)) == 0 {
		resp.ErrorCode = kerr.GroupIDNotFound.Code
		return
	}
	for i := range req.Topics {
		rt := &req.Topics[i]
		st := kmsg.NewOffsetDeleteResponseTopic()
		st.Topic = rt.Topic
		for _, rp := range rt.Partitions {
			sp := kmsg.NewOffsetDeleteResponseTopicPartition()
			sp.Partition = rp.Partition
			t := b.topics.named(rt.Topic)
			switch {
			case t == nil || t.partition(rp.Partition) == nil:
				sp.ErrorCode = kerr.UnknownTopicOrPartition.Code
			case g != nil && g.subscribes(rt.Topic):
				sp.ErrorCode = kerr.GroupSubscribedToTopic.Code
			default:
				commit.Delete(rows.OffsetsPrefix+req.Group, rows.OffsetKey(rt.Topic, rp.Partition))
			}
			st.Partitions = append(st.Partitions, sp)
		}
		resp.Topics = append(resp.Topics, st)
	}
	if !commit.Empty() {
		b.store.Submit(commit)
	}
}

// subscribes says whether a member subscribes to the topic.
func (g *group) subscribes(topic string) bool {
	for _, m := range g.members {
		var sub kmsg.ConsumerMemberMetadata
		if g.protocolType != "consumer" || sub.ReadFrom(m.metadata(g.protocol)) != nil {
			return true
		}
		for _, t := range sub.Topics {
			if t == topic {
				return true
			}
		}
	}
	return false
}
