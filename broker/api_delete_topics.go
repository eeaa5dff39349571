package broker

import (
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// deleteTopicsAPI serves DeleteTopics.
//
// The offsets that groups committed for the topic are deleted with it, in the same
// commit. A topic that is named twice is deleted; its second mention is not found (Kafka
// refuses both).
var deleteTopicsAPI = api{
	key: 20, min: 0, max: 6,
	handler: handle((*Broker).deleteTopics),
	schema:  wire.Schema{wire.Strings.Through(5), wire.List(wire.String, wire.ID).Since(6), wire.Int32},
}

func (b *Broker) deleteTopics(c *caller, req *kmsg.DeleteTopicsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DeleteTopicsResponse)
	for _, name := range req.TopicNames {
		rt := kmsg.NewDeleteTopicsRequestTopic()
		rt.Topic = new(name)
		req.Topics = append(req.Topics, rt)
	}
	for i := range req.Topics {
		rt := &req.Topics[i]
		st := kmsg.NewDeleteTopicsResponseTopic()
		st.Topic, st.TopicID = rt.Topic, rt.TopicID
		t, err := b.topicToDelete(rt)
		if err == nil {
			err = b.authorize(c, opDelete, resourceTopic, t.name)
		}
		if err == nil {
			st.Topic, st.TopicID = new(t.name), t.id
			err = b.topics.delete(t, func(commit *storage.Commit) { b.groups.DropTopic(commit, t.name, len(t.partitions())) })
		}
		if err != nil {
			st.ErrorCode, st.ErrorMessage = wire.Code(err), wire.Message(err)
			if st.Topic == nil && req.Version < 6 {
				st.Topic = new("")
			}
		}
		resp.Topics = append(resp.Topics, st)
	}
	return resp
}

func (b *Broker) topicToDelete(rt *kmsg.DeleteTopicsRequestTopic) (*topic, error) {
	switch {
	case rt.Topic != nil && *rt.Topic != "" && rt.TopicID != [16]byte{}:
		return nil, kerr.InvalidRequest
	case rt.Topic != nil:
		if t := b.topics.byName(*rt.Topic); t != nil {
			return t, nil
		}
		return nil, noTopic(*rt.Topic)
	}
	if t := b.topics.byID(rt.TopicID); t != nil {
		return t, nil
	}
	return nil, kerr.UnknownTopicID
}
