package broker

import (
	"github.com/sightlog/sightlog/broker/internal/timer"

	"github.com/sightlog/sightlog/broker/internal/wire"

	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// member is one member of a group.
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

	seen         time.Time   // last sign of life
	sessionTimer *time.Timer // removes the member unless seen is recent

	// The requests that wait for the group, nil if none does. Capacity 1,
	// one value.
	join chan *kmsg.JoinGroupResponse
	sync chan *kmsg.SyncGroupResponse
}

// find returns the member that a request comes from.
func (g *group) find(id string, instance *string) (*member, error) {
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

// touch notes a sign of life.
func (g *group) touch(m *member) { m.seen = time.Now() }

// watch removes the member when it has been silent for its session timeout.
func (g *group) watch(m *member) {
	g.touch(m)
	timer.Cancel(m.sessionTimer)
	m.sessionTimer = g.b.timers.After(m.session, func() { g.checkAlive(m) })
}

func (g *group) checkAlive(m *member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.members[m.id] != m {
		return
	}
	// A member whose request waits here is alive.
	left := m.session - time.Since(m.seen)
	if m.join != nil || m.sync != nil {
		left = m.session
	}
	if left > 0 {
		m.sessionTimer = g.b.timers.After(left, func() { g.checkAlive(m) })
		return
	}
	g.b.log.Info("group member is silent: removed", "group", g.name, "member", m.id, "after", m.session)
	g.remove(m)
	g.changed()
}

// promise hands out a member id that the client has to join with (KIP-394).
func (g *group) promise(id string, session time.Duration) {
	g.promised[id] = g.b.timers.After(session, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if _, waits := g.promised[id]; waits {
			delete(g.promised, id)
			g.tryCompleteJoin()
		}
	})
}

func (g *group) add(m *member) {
	timer.Cancel(g.promised[m.id])
	delete(g.promised, m.id)
	g.joined++
	m.order = g.joined
	g.members[m.id] = m
	if m.instance != nil {
		g.static[*m.instance] = m.id
	}
	if g.leader == "" {
		g.leader = m.id
	}
	g.watch(m)
}

// remove forgets a member and answers what waits for it.
func (g *group) remove(m *member) {
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
	m.refuse(kerr.UnknownMemberID)
}

// refuse answers the requests that wait for the member with an error.
func (m *member) refuse(err error) {
	if m.join != nil {
		resp := kmsg.NewPtrJoinGroupResponse()
		resp.ErrorCode, resp.Generation, resp.MemberID = wire.Code(err), -1, m.id
		m.join <- resp
		m.join = nil
	}
	m.refuseSync(err)
}

func (m *member) refuseSync(err error) {
	if m.sync != nil {
		resp := kmsg.NewPtrSyncGroupResponse()
		resp.ErrorCode = wire.Code(err)
		m.sync <- resp
		m.sync = nil
	}
}

// ordered returns the members in the order in which they joined.
func (g *group) ordered() []*member {
	out := make([]*member, 0, len(g.members))
	for _, m := range g.members {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b *member) int { return a.order - b.order })
	return out
}

// metadata returns what the member said for a protocol, nil if it has it not.
func (m *member) metadata(protocol string) []byte {
	for _, p := range m.protocols {
		if p.Name == protocol {
			return p.Metadata
		}
	}
	return nil
}
