package broker

import (
	"slices"
	"strings"

	"github.com/sightlog/sightlog/broker/internal/wire"
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
	for _, g := range b.groups.List() {
		if !passes(req.StatesFilter, g.State) || !passes(req.TypesFilter, g.Type) || !b.allowed(c, opDescribe, resourceGroup, g.Name) {
			continue
		}
		sg := kmsg.NewListGroupsResponseGroup()
		sg.Group, sg.ProtocolType, sg.GroupState, sg.GroupType = g.Name, g.ProtocolType, g.State, g.Type
		resp.Groups = append(resp.Groups, sg)
	}
	return resp
}

// passes reports whether a filter has the value. An empty filter passes everything.
func passes(filter []string, value string) bool {
	return len(filter) == 0 || slices.ContainsFunc(filter, func(f string) bool { return strings.EqualFold(f, value) })
}
