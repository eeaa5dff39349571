package broker

import (
	"fmt"

	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// createPartitionsAPI serves CreatePartitions. More partitions move keys to others, which
// the topics of sightlog must not see while their cameras run (ARCHITECTURE.md, "Not
// obvious"). It is not refused: the broker knows nothing of them, and other topics may grow.
var createPartitionsAPI = api{
	key: 37, min: 0, max: 3,
	handler: handle((*Broker).createPartitions),
	schema: wire.Schema{
		wire.List(wire.String, wire.Int32, wire.List(wire.Int32s)), // name, number of partitions, assignments
		wire.Int32, wire.Int8, // timeout, validate only
	},
}

func (b *Broker) createPartitions(c *caller, req *kmsg.CreatePartitionsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.CreatePartitionsResponse)
	seen := map[string]int{}
	for i := range req.Topics {
		seen[req.Topics[i].Topic]++
	}
	for i := range req.Topics {
		rt := &req.Topics[i]
		if seen[rt.Topic] == 0 {
			continue
		}
		st := kmsg.NewCreatePartitionsResponseTopic()
		st.Topic = rt.Topic
		var err error
		if seen[rt.Topic] > 1 {
			seen[rt.Topic], err = 0, errNamedTwice // one refusal
		} else {
			err = b.growTopic(c, rt, req.ValidateOnly)
		}
		st.ErrorCode, st.ErrorMessage = wire.Code(err), wire.Message(err)
		resp.Topics = append(resp.Topics, st)
	}
	return resp
}

func (b *Broker) growTopic(c *caller, rt *kmsg.CreatePartitionsRequestTopic, validateOnly bool) error {
	if err := b.authorize(c, opAlter, resourceTopic, rt.Topic); err != nil {
		return err
	}
	b.topics.changeMu.Lock()
	defer b.topics.changeMu.Unlock()
	t := b.topics.byName(rt.Topic)
	if t == nil {
		return noTopic(rt.Topic)
	}
	have, want := len(t.partitions()), int(rt.Count)
	if want <= have || want > maxPartitions {
		return fmt.Errorf("%w: the topic has %d partitions, want more, up to %d", kerr.InvalidPartitions, have, maxPartitions)
	}
	if rt.Assignment != nil {
		if len(rt.Assignment) != want-have {
			return fmt.Errorf("%w: %d assignments for %d new partitions", kerr.InvalidReplicaAssignment, len(rt.Assignment), want-have)
		}
		for _, a := range rt.Assignment {
			if len(a.Replicas) != 1 || a.Replicas[0] != b.cfg.NodeID {
				return fmt.Errorf("%w: there is one node, %d", kerr.InvalidReplicaAssignment, b.cfg.NodeID)
			}
		}
	}
	if validateOnly {
		return nil
	}
	return b.topics.extend(t, want)
}
