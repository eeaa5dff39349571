package group

import (
	"time"

	"github.com/sightlog/sightlog/broker/internal/timer"
)

// startSession schedules the member's removal for when it has sent nothing for its
// session timeout.
func (g *classicGroup) startSession(m *member) {
	m.recordHeartbeat()
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

// add adds a member, whose id may be pending.
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
