package broker

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Members of a group do what members do, right or wrong, at random; only one at
// a time, so that nothing waits for anybody.
func TestGroups_RandomRequests_AnswersEqualKfake(t *testing.T) {
	t.Parallel()
	d := newDifferential(t)
	d.createTopic("t0", 2)
	w := groupWalk{differential: d}
	w.begin(0)
	for range 500 {
		w.step()
	}
	t.Logf("%d requests of %d kinds", d.sent, len(d.kinds))
	w.two()
}

type groupWalk struct {
	*differential
	rounds     int
	in         bool // member 0 is in the group
	generation int32
}

func (w *groupWalk) group() string { return fmt.Sprintf("w%d", w.rounds) }

// begin goes on with nobody in the group, which is there: it has an offset.
func (w *groupWalk) begin(round int) {
	w.rounds, w.in = round, false
	w.ours.members, w.theirs.members = [2]string{}, [2]string{}
	w.compare(w.commitRequest("", -1))
}

// member returns the member's id or, when wrong is drawn, an unknown one.
func (w *groupWalk) member(wrong bool) func(*side) string {
	return func(s *side) string {
		if wrong || s.members[0] == "" {
			return "unknown"
		}
		return s.members[0]
	}
}

func (w *groupWalk) step() {
	wrong, late := w.rng.IntN(6) == 0, int32(0)
	if w.rng.IntN(6) == 0 {
		late = 1
	}
	id, generation := w.member(wrong), w.generation-late
	switch w.rng.IntN(8) {
	case 0:
		w.join(wrong && w.in) // kfake remembers the protocol of a refused join
	case 1:
		w.both(func(s *side) kmsg.Request { return w.syncRequest(id(s), generation) }, nil)
	case 2, 3:
		w.both(func(s *side) kmsg.Request { return w.heartbeatRequest(id(s), generation) }, nil)
	case 4:
		if !w.in {
			return // kfake answers ILLEGAL_GENERATION
		}
		w.both(func(s *side) kmsg.Request { return w.commitRequest(id(s), generation) }, nil)
	case 5:
		version := int16(w.rng.IntN(6))
		if w.rng.IntN(2) == 0 { // groups live a while
			return
		}
		w.both(func(s *side) kmsg.Request { return w.leaveRequest(id(s), version) }, nil)
		if !wrong && w.in {
			w.begin(w.rounds + w.rng.IntN(2))
		}
	case 6:
		req := kmsg.NewPtrDescribeGroupsRequest()
		req.Groups = []string{w.group()}
		w.compare(pinned{req, 5})
	case 7:
		req := kmsg.NewPtrOffsetFetchRequest()
		rg := kmsg.NewOffsetFetchRequestGroup()
		rg.Group, rg.Topics = w.group(), []kmsg.OffsetFetchRequestGroupTopic{{Topic: "t0", Partitions: []int32{0, 1}}}
		req.Groups, req.RequireStable = append(req.Groups, rg), true
		w.compare(pinned{req, 9})
	}
}

// join joins member 0, for the first time or again.
func (w *groupWalk) join(wrong bool) {
	version := int16(1 + w.rng.IntN(9))
	var code, id = int16(0), w.member(wrong)
	if !w.in && !wrong {
		id = func(s *side) string { return s.members[0] }
	}
	ask := func() {
		w.both(func(s *side) kmsg.Request { return pinned{w.joinRequest(id(s), "range", 0), version} }, func(s *side, resp kmsg.Response) {
			r := resp.(*kmsg.JoinGroupResponse)
			if code = r.ErrorCode; !wrong {
				s.members[0] = r.MemberID
				w.generation = r.Generation
			}
		})
	}
	ask()
	if code == 79 { // MEMBER_ID_REQUIRED: with the id that was given
		ask()
	}
	if !wrong && code == 0 {
		w.in = true
	}
}

// two walks through what happens when a second member comes and goes.
func (w *groupWalk) two() {
	w.begin(1000)
	w.join(false)
	w.both(func(s *side) kmsg.Request { return w.syncRequest(s.members[0], w.generation) }, nil)

	req := func(s *side) kmsg.Request { return pinned{w.joinRequest(s.members[1], "range", 1), 9} }
	w.both(req, func(s *side, resp kmsg.Response) { s.members[1] = resp.(*kmsg.JoinGroupResponse).MemberID })
	second := map[*side]chan kmsg.Response{w.ours: make(chan kmsg.Response, 1), w.theirs: make(chan kmsg.Response, 1)}
	for s, answer := range second { // waits for member 0
		go func() {
			resp, err := s.other.SeedBrokers()[0].Request(testContext(w.t), req(s))
			if err != nil {
				w.t.Error(err)
			}
			answer <- resp
		}()
		for rebalancing := false; !rebalancing; {
			resp, err := s.cl.SeedBrokers()[0].Request(testContext(w.t), w.heartbeatRequest(s.members[0], w.generation))
			require.NoError(w.t, err)
			rebalancing = resp.(*kmsg.HeartbeatResponse).ErrorCode == 27
		}
	}
	w.both(func(s *side) kmsg.Request { return pinned{w.joinRequest(s.members[0], "range", 0), 9} }, func(_ *side, resp kmsg.Response) {
		w.generation = resp.(*kmsg.JoinGroupResponse).Generation
	})
	w.same(req(w.ours), <-second[w.theirs], <-second[w.ours])
	// The leader assigns; the follower may ask after.
	w.both(func(s *side) kmsg.Request {
		r := w.syncRequest(s.members[0], w.generation)
		for i, id := range s.members {
			a := kmsg.NewSyncGroupRequestGroupAssignment()
			a.MemberID, a.MemberAssignment = id, []byte{byte(i)}
			r.Request.(*kmsg.SyncGroupRequest).GroupAssignment = append(r.Request.(*kmsg.SyncGroupRequest).GroupAssignment, a)
		}
		return r
	}, nil)
	w.both(func(s *side) kmsg.Request { return w.syncRequest(s.members[1], w.generation) }, nil)
	for i := range 2 {
		w.both(func(s *side) kmsg.Request { return w.heartbeatRequest(s.members[i], w.generation) }, nil)
	}
	w.both(func(s *side) kmsg.Request { return w.leaveRequest(s.members[1], 5) }, nil)
	w.both(func(s *side) kmsg.Request { return w.heartbeatRequest(s.members[0], w.generation) }, nil)
	w.both(func(s *side) kmsg.Request { return pinned{w.joinRequest(s.members[0], "range", 0), 9} }, nil)
}

func (w *groupWalk) joinRequest(member, protocol string, n int) *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.ProtocolType = w.group(), member, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 60_000, 60_000
	p := kmsg.NewJoinGroupRequestProtocol()
	p.Name, p.Metadata = protocol, []byte{byte(n)}
	req.Protocols = append(req.Protocols, p)
	return req
}

func (w *groupWalk) syncRequest(member string, generation int32) pinned {
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.Generation = w.group(), member, generation
	req.ProtocolType, req.Protocol = new("consumer"), new("range")
	if member != "unknown" {
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID, a.MemberAssignment = member, []byte("all")
		req.GroupAssignment = append(req.GroupAssignment, a)
	}
	return pinned{req, 5}
}

func (w *groupWalk) heartbeatRequest(member string, generation int32) kmsg.Request {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = w.group(), member, generation
	return req
}

func (w *groupWalk) commitRequest(member string, generation int32) kmsg.Request {
	req := w.offsetCommit().(pinned).Request.(*kmsg.OffsetCommitRequest)
	req.Group, req.MemberID, req.Generation = w.group(), member, generation
	req.Topics[0].Topic, req.Topics[0].Partitions[0].Partition = "t0", 1
	req.Topics[0].Partitions[0].Offset = int64(w.sent)
	return pinned{req, 9}
}

func (w *groupWalk) leaveRequest(member string, version int16) kmsg.Request {
	req := kmsg.NewPtrLeaveGroupRequest()
	req.Group, req.MemberID = w.group(), member
	m := kmsg.NewLeaveGroupRequestMember()
	m.MemberID = member
	req.Members = append(req.Members, m)
	return pinned{req, version}
}
