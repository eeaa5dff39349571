package broker

import (
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
)

// groups is the set of groups with members. A group without members is nothing
// but the offsets that it committed, which the store has.
type groups struct {
	b *Broker

	mu     sync.Mutex // guards byName; taken before a group's
	byName map[string]*group
}

func newGroups(b *Broker) *groups { return &groups{b: b, byName: map[string]*group{}} }

// lock returns the group with the name, locked, making it if make is set; or
// nil.
func (gs *groups) lock(name string, make bool) *group {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	g := gs.byName[name]
	if g == nil {
		if !make {
			return nil
		}
		g = newGroup(gs.b, name)
		gs.byName[name] = g
	}
	g.mu.Lock()
	return g
}

// all returns the groups with members.
func (gs *groups) all() []*group {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	out := make([]*group, 0, len(gs.byName))
	for _, g := range gs.byName {
		out = append(out, g)
	}
	return out
}

// committed returns the groups that have committed offsets.
func (gs *groups) committed() (out []string) {
	for _, bucket := range gs.b.store.Buckets() {
		if name, ok := strings.CutPrefix(bucket, offsetsOf); ok {
			out = append(out, name)
		}
	}
	return out
}

// forget drops the groups that are empty and have no offsets.
func (gs *groups) forget() {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	for name, g := range gs.byName {
		g.mu.Lock()
		if g.state == groupEmpty && len(g.promised) == 0 && len(gs.b.store.Bucket(offsetsOf+name)) == 0 {
			delete(gs.byName, name)
		}
		g.mu.Unlock()
	}
}

// checkGroupID says whether a request names a group.
func checkGroupID(name string) error {
	if name == "" {
		return kerr.InvalidGroupID
	}
	return nil
}
