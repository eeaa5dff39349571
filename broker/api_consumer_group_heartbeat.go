package broker

import (
	"github.com/sightlog/sightlog/broker/internal/timer"

	"github.com/sightlog/sightlog/broker/internal/wire"

	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// consumerGroupHeartbeatAPI serves ConsumerGroupHeartbeat (KIP-848).
//
// Assignors: uniform (the default) and range. A regular expression matches
// whole topic names and is Go's RE2. The heartbeat interval is a second.
var consumerGroupHeartbeatAPI = api{
	key: 68, min: 0, max: 1,
	handler: handle((*Broker).consumerGroupHeartbeat),
	schema: wire.Schema{
		wire.String, wire.String, wire.Int32, wire.String, wire.String, wire.Int32, wire.Strings, wire.String.Since(1), wire.String,
		wire.List(wire.ID, wire.Int32s),
	},
}

// Member epochs with a meaning of their own.
const (
	epochJoin        = 0
	epochLeave       = -1
	epochStaticLeave = -2
)

func (b *Broker) consumerGroupHeartbeat(c *caller, req *kmsg.ConsumerGroupHeartbeatRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ConsumerGroupHeartbeatResponse)
	resp.HeartbeatIntervalMillis = int32(consumerHeartbeat.Milliseconds())
	if err := b.consumerBeat(c, req, resp); err != nil {
		resp.ErrorCode, resp.ErrorMessage = wire.Code(err), wire.Message(err)
		resp.HeartbeatIntervalMillis = 0
	}
	return resp
}

func (b *Broker) consumerBeat(c *caller, req *kmsg.ConsumerGroupHeartbeatRequest, resp *kmsg.ConsumerGroupHeartbeatResponse) error {
	if err := cmp.Or(checkGroupID(req.Group), b.authorize(c, opRead, resourceGroup, req.Group)); err != nil {
		return err
	}
	switch {
	case req.MemberEpoch < epochStaticLeave,
		req.MemberID == "" && (req.MemberEpoch != epochJoin || req.Version >= 1),
		req.MemberEpoch == epochStaticLeave && req.InstanceID == nil,
		req.MemberEpoch == epochJoin && (req.RebalanceTimeoutMillis <= 0 || len(req.Topics) > 0),
		req.MemberEpoch == epochJoin && req.SubscribedTopicNames == nil && req.SubscribedTopicRegex == nil:
		return kerr.InvalidRequest
	case req.ServerAssignor != nil && *req.ServerAssignor != assignorUniform && *req.ServerAssignor != assignorRange:
		return fmt.Errorf("%w: want %s or %s", kerr.UnsupportedAssignor, assignorUniform, assignorRange)
	}
	g, err := b.groups.lockConsumer(req.Group, req.MemberEpoch == epochJoin)
	if err != nil {
		return err
	}
	defer g.mu.Unlock()
	if req.MemberEpoch < 0 {
		resp.MemberID, resp.MemberEpoch = kmsg.StringPtr(req.MemberID), req.MemberEpoch
		return g.leaveConsumer(req)
	}
	var m *consumerMember
	if req.MemberEpoch == epochJoin {
		m, err = g.joinConsumer(c, req)
	} else {
		m, err = g.current(req)
	}
	if err != nil {
		return err
	}
	if err := m.update(req); err != nil {
		return err
	}
	g.touch(m)
	g.refresh()
	var owned partitionSet
	if req.Topics != nil || req.MemberEpoch == epochJoin {
		owned = partitionSet{}
		for _, t := range req.Topics {
			for _, p := range t.Partitions {
				owned[topicPartition{t.TopicID, p}] = struct{}{}
			}
		}
	}
	told := m.epoch
	changed := g.reconcile(m, owned)
	resp.MemberID, resp.MemberEpoch = kmsg.StringPtr(m.id), m.epoch
	if changed || m.epoch != told || req.MemberEpoch == epochJoin || req.MemberEpoch != told || req.Topics != nil && !maps.Equal(owned, m.assigned) {
		resp.Assignment = &kmsg.ConsumerGroupHeartbeatResponseAssignment{Topics: []kmsg.ConsumerGroupHeartbeatResponseAssignmentTopic{}}
		for id, partitions := range m.assigned.byTopic() {
			t := kmsg.NewConsumerGroupHeartbeatResponseAssignmentTopic()
			t.TopicID, t.Partitions = id, partitions
			resp.Assignment.Topics = append(resp.Assignment.Topics, t)
		}
	}
	return nil
}

func (s partitionSet) byTopic() map[wire.UUID][]int32 {
	out := map[wire.UUID][]int32{}
	for tp := range s {
		out[tp.topic] = append(out[tp.topic], tp.index)
	}
	for _, partitions := range out {
		slices.Sort(partitions)
	}
	return out
}

// current finds the member of a heartbeat and checks its epoch. One from before
// the last step is let through: the answer got lost.
func (g *consumerGroup) current(req *kmsg.ConsumerGroupHeartbeatRequest) (*consumerMember, error) {
	m := g.members[req.MemberID]
	switch {
	case m == nil:
		return nil, kerr.UnknownMemberID
	case req.InstanceID != nil && g.static[*req.InstanceID] != m.id:
		return nil, kerr.FencedInstanceID
	case req.MemberEpoch != m.epoch && req.MemberEpoch != m.prevEpoch:
		return nil, kerr.FencedMemberEpoch
	}
	return m, nil
}

func (g *consumerGroup) joinConsumer(c *caller, req *kmsg.ConsumerGroupHeartbeatRequest) (*consumerMember, error) {
	id := req.MemberID
	if id == "" {
		id = wire.NewUUID().String()
	}
	m := &consumerMember{
		id: id, clientID: c.clientID, host: c.host(), instance: req.InstanceID, rack: req.RackID,
		prevEpoch: -1, target: partitionSet{}, assigned: partitionSet{},
	}
	if req.InstanceID != nil {
		if old := g.members[g.static[*req.InstanceID]]; old != nil && old.id != id {
			if !old.away {
				return nil, kerr.UnreleasedInstanceID
			}
			m.target, m.assigned = old.target, old.assigned
			timer.Cancel(old.sessionTimer)
			timer.Cancel(old.deadline)
			delete(g.members, old.id)
		}
		g.static[*req.InstanceID] = id
	}
	if old := g.members[id]; old != nil { // it forgot what it had and begins anew
		old.away, old.revoking = false, nil
		old.prevEpoch = -1
		return old, nil
	}
	g.members[id] = m
	return m, nil
}

// update takes over what the heartbeat says of the member; what it leaves out
// stays.
func (m *consumerMember) update(req *kmsg.ConsumerGroupHeartbeatRequest) error {
	m.away = false
	if req.SubscribedTopicNames != nil {
		m.topics = slices.Clone(req.SubscribedTopicNames)
	}
	if req.SubscribedTopicRegex != nil && *req.SubscribedTopicRegex != m.regexText {
		m.regex, m.regexText = nil, *req.SubscribedTopicRegex
		if m.regexText != "" {
			re, err := regexp.Compile("^(?:" + m.regexText + ")$")
			if err != nil {
				return fmt.Errorf("%w: %w", kerr.InvalidRegularExpression, err)
			}
			m.regex = re
		}
	}
	if req.ServerAssignor != nil {
		m.assignor = *req.ServerAssignor
	}
	if req.RebalanceTimeoutMillis > 0 {
		m.rebalance = time.Duration(req.RebalanceTimeoutMillis) * time.Millisecond
	}
	return nil
}

// leaveConsumer removes a member; a static one may leave for a while.
func (g *consumerGroup) leaveConsumer(req *kmsg.ConsumerGroupHeartbeatRequest) error {
	m := g.members[req.MemberID]
	switch {
	case m == nil:
		return kerr.UnknownMemberID
	case req.InstanceID != nil && g.static[*req.InstanceID] != m.id:
		return kerr.FencedInstanceID
	case req.MemberEpoch == epochStaticLeave:
		m.away = true
		g.touch(m)
		return nil
	}
	g.remove(m)
	return nil
}
