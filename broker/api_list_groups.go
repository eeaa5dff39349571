package broker

import (
	"github.com/sightlog/sightlog/broker/internal/wire"

	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// listGroupsAPI serves ListGroups.
//
// A group without members that has committed offsets is listed as Empty.
var listGroupsAPI = api{
	key: 16, min: 0, max: 5,
	handler: handle((*Broker).listGroups),
	schema:  wire.Schema{wire.Strings.Since(4), wire.Strings.Since(5)},
}

func (b *Broker) listGroups(c *caller, req *kmsg.ListGroupsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ListGroupsResponse)
	found := map[string]kmsg.ListGroupsResponseGroup{}
	add := func(name, protocolType, state, kind string) {
		sg := kmsg.NewListGroupsResponseGroup()
		sg.Group, sg.ProtocolType, sg.GroupState, sg.GroupType = name, protocolType, state, kind
		found[name] = sg
	}
	for _, name := range b.groups.committed() {
		add(name, "", string(groupEmpty), "classic")
	}
	for _, g := range b.groups.all() {
		g.mu.Lock()
		if g.state != groupEmpty || found[g.name].Group != "" {
			add(g.name, g.protocolType, string(g.state), "classic")
		}
		g.mu.Unlock()
	}
	for _, g := range b.groups.allConsumers() {
		g.mu.Lock()
		if len(g.members) > 0 || found[g.name].Group != "" {
			add(g.name, "consumer", g.state(), "consumer")
		}
		g.mu.Unlock()
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		g := found[name]
		if filtered(req.StatesFilter, g.GroupState) && filtered(req.TypesFilter, g.GroupType) && b.allowed(c, opDescribe, resourceGroup, name) {
			resp.Groups = append(resp.Groups, g)
		}
	}
	return resp
}

// filtered says whether a filter, of which none lets everything through, has
// the value.
func filtered(filter []string, value string) bool {
	return len(filter) == 0 || slices.ContainsFunc(filter, func(f string) bool { return strings.EqualFold(f, value) })
}
