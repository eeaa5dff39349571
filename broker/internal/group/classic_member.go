package group

import (
	"github.com/sightlog/sightlog/broker/internal/timer"

	"github.com/sightlog/sightlog/broker/internal/wire"

	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// member is a member of a classicGroup.
type member struct {
	id         string
	instance   *string
	clientID   string
	host       string
	session    time.Duration
	rebalance  time.Duration
	protocols  []kmsg.JoinGroupRequestProtocol // by preference
	order      int
	generation int32 // the last that it joined
	assignment []byte

	lastHeartbeat time.Time   // or another request of the member
	sessionTimer  *time.Timer // removes the member unless lastHeartbeat is recent

	// The requests that wait for the group; nil if none waits. Each channel has
	// capacity 1 and is sent one value, so that sending with mu held cannot block.
	join chan *kmsg.JoinGroupResponse
	sync chan *kmsg.SyncGroupResponse
}

// find returns the member that sent a request.
func (g *classicGroup) find(id string, instance *string) (*member, error) {
	if instance != nil {
		current, known := g.static[*instance]
		if !known {
			return nil, kerr.UnknownMemberID
		}
		if current != id {
			return nil, kerr.FencedInstanceID
		}
	}
	if m := g.members[id]; m != nil {
		return m, nil
	}
	return nil, kerr.UnknownMemberID
}

// recordHeartbeat restarts the member's session timeout.
func (g *classicGroup) recordHeartbeat(m *member) { m.lastHeartbeat = time.Now() }

// startSession schedules the member's removal for when it has sent nothing for its
// session timeout.
func (g *classicGroup) startSession(m *member) {
	g.recordHeartbeat(m)
	timer.Cancel(m.sessionTimer)
	m.sessionTimer = g.opt.Timers.After(m.session, func() { g.checkSession(m) })
}

func (g *classicGroup) checkSession(m *member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.members[m.id] != m {
		return
	}
	// A member whose request waits here cannot send a heartbeat.
	left := m.session - time.Since(m.lastHeartbeat)
	if m.join != nil || m.sync != nil {
		left = m.session
	}
	if left > 0 {
		m.sessionTimer = g.opt.Timers.After(left, func() { g.checkSession(m) })
		return
	}
	g.opt.Log.Info("group member removed: session expired", "group", g.name, "member", m.id, "timeout", m.session)
	g.remove(m)
	g.membersLeft()
}

// addPending records a member id that its client was given and has to join with
// (KIP-394).
func (g *classicGroup) addPending(id string, session time.Duration) {
	g.pending[id] = g.opt.Timers.After(session, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if _, isPending := g.pending[id]; isPending {
			delete(g.pending, id)
			g.tryCompleteJoin()
		}
	})
}

func (g *classicGroup) add(m *member) {
	timer.Cancel(g.pending[m.id])
	delete(g.pending, m.id)
	g.joined++
	m.order = g.joined
	g.members[m.id] = m
	if m.instance != nil {
		g.static[*m.instance] = m.id
	}
	if g.leader == "" {
		g.leader = m.id
	}
	g.startSession(m)
}

// remove removes a member and answers its waiting requests.
func (g *classicGroup) remove(m *member) {
	timer.Cancel(m.sessionTimer)
	delete(g.members, m.id)
	if m.instance != nil && g.static[*m.instance] == m.id {
		delete(g.static, *m.instance)
	}
	if g.leader == m.id {
		g.leader = ""
		if rest := g.ordered(); len(rest) > 0 {
			g.leader = rest[0].id
		}
	}
	m.reject(kerr.UnknownMemberID)
}

// reject answers the member's waiting requests with an error.
func (m *member) reject(err error) {
	if m.join != nil {
		resp := kmsg.NewPtrJoinGroupResponse()
		resp.ErrorCode, resp.Generation, resp.MemberID = wire.Code(err), -1, m.id
		m.join <- resp
		m.join = nil
	}
	m.rejectSync(err)
}

func (m *member) rejectSync(err error) {
	if m.sync != nil {
		resp := kmsg.NewPtrSyncGroupResponse()
		resp.ErrorCode = wire.Code(err)
		m.sync <- resp
		m.sync = nil
	}
}

// ordered returns the members in the order in which they joined.
func (g *classicGroup) ordered() []*member {
	out := make([]*member, 0, len(g.members))
	for _, m := range g.members {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b *member) int { return a.order - b.order })
	return out
}

// metadata returns the member's metadata for a protocol, or nil if it does not
// support it.
func (m *member) metadata(protocol string) []byte {
	for _, p := range m.protocols {
		if p.Name == protocol {
			return p.Metadata
		}
	}
	return nil
}
