package group

import (
	"slices"
	"sync"
	"time"

	"github.com/sightlog/sightlog/broker/internal/timer"
	"github.com/twmb/franz-go/pkg/kerr"
)

// classicGroup is a consumer group of the classic protocol.
//
//	          join                all joined, or time is up
//	empty ───────────► preparing ─────────────────────────► completing
//	  ▲                 ▲     ▲                                 │ leader's sync
//	  │ the last left   │     └── a member joins or leaves ─────┤
//	  └─────────────────┴──────── a member joins or leaves ── stable ◄┘
//
// Requests and timers change it, each with mu held. A timer's function may run after
// the timer was cancelled: it checks that its condition still holds.
type classicGroup struct {
	opt  *Options
	name string

	mu sync.Mutex // guards the following, and the members

	state        groupState
	protocolType string
	protocol     string
	generation   int32
	leader       string // member id
	members      map[string]*member
	pending      map[string]*time.Timer // member ids given out that have not joined (KIP-394), with their expiry
	static       map[string]string      // instance id to member id
	joined       int                    // counts joins, to order members
	gathering    bool                   // the group was empty, and more members may join until the deadline
	deadline     *time.Timer            // of the join or sync phase
	emptySince   int64                  // ms, when the last member left
}

type groupState string

// The states, as ListGroups and DescribeGroups name them.
const (
	groupEmpty      groupState = "Empty"
	groupPreparing  groupState = "PreparingRebalance"
	groupCompleting groupState = "CompletingRebalance"
	groupStable     groupState = "Stable"
	groupDead       groupState = "Dead"
)

func newClassicGroup(opt *Options, name string) *classicGroup {
	return &classicGroup{
		opt: opt, name: name, state: groupEmpty,
		members: map[string]*member{},
		pending: map[string]*time.Timer{},
		static:  map[string]string{},
	}
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

// ordered returns the members in the order in which they joined.
func (g *classicGroup) ordered() []*member {
	out := make([]*member, 0, len(g.members))
	for _, m := range g.members {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b *member) int { return a.order - b.order })
	return out
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
