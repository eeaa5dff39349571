package group

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/sightlog/sightlog/broker/internal/timer"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Member epochs with a meaning of their own.
const (
	epochJoin        = 0
	epochLeave       = -1
	epochStaticLeave = -2
)

// ConsumerHeartbeat is a member's heartbeat: it joins, stays or leaves, and reports
// the partitions that it owns. The response has the member's epoch, and its
// assignment if that may be news to it.
func (c *Coordinator) ConsumerHeartbeat(
	client Client, req *kmsg.ConsumerGroupHeartbeatRequest, resp *kmsg.ConsumerGroupHeartbeatResponse,
) error {
	if err := validateHeartbeat(req); err != nil {
		return err
	}
	lock := c.lockConsumer
	if req.MemberEpoch == epochJoin {
		lock = c.lockOrCreateConsumer
	}
	g, err := lock(req.Group)
	if err != nil {
		return err
	}
	defer g.mu.Unlock()
	if req.MemberEpoch < 0 {
		resp.MemberID, resp.MemberEpoch = new(req.MemberID), req.MemberEpoch
		err = g.leave(req)
	} else {
		err = g.heartbeat(client, req, resp)
	}
	if err == nil {
		heartbeat, _ := c.opt.ConsumerTimes(req.Group)
		resp.HeartbeatIntervalMillis = int32(heartbeat.Milliseconds())
	}
	return err
}

// validateHeartbeat returns an error for a request that no group could accept.
func validateHeartbeat(req *kmsg.ConsumerGroupHeartbeatRequest) error {
	joins := req.MemberEpoch == epochJoin
	switch {
	case req.Group == "":
		return kerr.InvalidGroupID
	case req.MemberEpoch < epochStaticLeave,
		req.MemberID == "" && (!joins || req.Version >= 1),
		req.MemberEpoch == epochStaticLeave && req.InstanceID == nil,
		joins && (req.RebalanceTimeoutMillis <= 0 || len(req.Topics) > 0),
		joins && req.SubscribedTopicNames == nil && req.SubscribedTopicRegex == nil:
		return kerr.InvalidRequest
	case req.ServerAssignor != nil && *req.ServerAssignor != assignorUniform && *req.ServerAssignor != assignorRange:
		return fmt.Errorf("%w: want %s or %s", kerr.UnsupportedAssignor, assignorUniform, assignorRange)
	}
	return nil
}

// heartbeat is a heartbeat of a member that joins or stays.
func (g *consumerGroup) heartbeat(client Client, req *kmsg.ConsumerGroupHeartbeatRequest, resp *kmsg.ConsumerGroupHeartbeatResponse) error {
	joins := req.MemberEpoch == epochJoin
	find := g.current
	if joins {
		find = func(req *kmsg.ConsumerGroupHeartbeatRequest) (*consumerMember, error) { return g.join(client, req) }
	}
	m, err := find(req)
	if err != nil {
		return err
	}
	if err := m.update(req); err != nil {
		return err
	}
	g.recordHeartbeat(m)
	g.refresh()
	owned := ownedPartitions(req)
	epoch := m.epoch
	changed := g.reconcile(m, owned)
	resp.MemberID, resp.MemberEpoch = new(m.id), m.epoch
	differs := req.Topics != nil && !maps.Equal(owned, m.assigned)
	if changed || m.epoch != epoch || joins || req.MemberEpoch != epoch || differs {
		resp.Assignment = m.assigned.response()
	}
	return nil
}

// ownedPartitions returns the partitions that a heartbeat reports as owned: nil if it
// reports none. A member that joins owns none.
func ownedPartitions(req *kmsg.ConsumerGroupHeartbeatRequest) partitionSet {
	if req.Topics == nil && req.MemberEpoch != epochJoin {
		return nil
	}
	owned := partitionSet{}
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			owned[topicPartition{t.TopicID, p}] = struct{}{}
		}
	}
	return owned
}

func (s partitionSet) response() *kmsg.ConsumerGroupHeartbeatResponseAssignment {
	out := &kmsg.ConsumerGroupHeartbeatResponseAssignment{Topics: []kmsg.ConsumerGroupHeartbeatResponseAssignmentTopic{}}
	for id, partitions := range s.byTopic() {
		t := kmsg.NewConsumerGroupHeartbeatResponseAssignmentTopic()
		t.TopicID, t.Partitions = id, partitions
		out.Topics = append(out.Topics, t)
	}
	return out
}

// current returns the member that sent the heartbeat, and checks its epoch. The
// previous epoch is accepted as well: the member did not receive the last response
// and retries.
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

// join adds a member, or returns the member with the request's id. A static member
// takes the place of an instance that left temporarily.
func (g *consumerGroup) join(client Client, req *kmsg.ConsumerGroupHeartbeatRequest) (*consumerMember, error) {
	id := req.MemberID
	if id == "" {
		id = wire.NewUUID().String()
	}
	m := &consumerMember{
		id: id, clientID: client.ID, host: client.Host, instance: req.InstanceID, rack: req.RackID,
		prevEpoch: -1, target: partitionSet{}, assigned: partitionSet{},
	}
	if req.InstanceID != nil {
		if old := g.members[g.static[*req.InstanceID]]; old != nil && old.id != id {
			if !old.leftTemporarily {
				return nil, kerr.UnreleasedInstanceID
			}
			m.target, m.assigned = old.target, old.assigned
			timer.Cancel(old.sessionTimer)
			timer.Cancel(old.deadline)
			delete(g.members, old.id)
		}
		g.static[*req.InstanceID] = id
	}
	if old := g.members[id]; old != nil { // the client restarted and owns nothing
		old.leftTemporarily, old.revoking = false, nil
		old.prevEpoch = -1
		return old, nil
	}
	g.members[id] = m
	return m, nil
}

// update sets the properties that the heartbeat has; the others are unchanged.
func (m *consumerMember) update(req *kmsg.ConsumerGroupHeartbeatRequest) error {
	m.leftTemporarily = false
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

// leave removes a member. A static one may leave temporarily: its partitions stay
// assigned until its session expires.
func (g *consumerGroup) leave(req *kmsg.ConsumerGroupHeartbeatRequest) error {
	m := g.members[req.MemberID]
	switch {
	case m == nil:
		return kerr.UnknownMemberID
	case req.InstanceID != nil && g.static[*req.InstanceID] != m.id:
		return kerr.FencedInstanceID
	case req.MemberEpoch == epochStaticLeave:
		m.leftTemporarily = true
		g.recordHeartbeat(m)
		return nil
	}
	g.remove(m)
	return nil
}
