package broker

import (
	"fmt"
	"slices"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeACLs, CreateACLs and DeleteACLs.
//
// Without ACLs all three are answered with SECURITY_DISABLED, as in Kafka.

// aclSchema is a rule or a filter of rules.
var aclSchema = wire.Schema{wire.Int8, wire.String, wire.Int8.Since(1), wire.String, wire.String, wire.Int8, wire.Int8}

// authorizeACLs returns nil if the caller may do op to the access rules.
func (b *Broker) authorizeACLs(c *caller, op kmsg.ACLOperation) error {
	if !b.cfg.ACLs {
		return fmt.Errorf("%w: the broker runs without rules: start it with --acls", kerr.SecurityDisabled)
	}
	return b.authorize(c, op, resourceCluster, auth.ClusterName)
}

var createACLsAPI = api{
	key: 30, min: 0, max: 3,
	handler: handle((*Broker).createACLs),
	schema:  wire.Schema{wire.List(aclSchema...)},
}

func (b *Broker) createACLs(c *caller, req *kmsg.CreateACLsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.CreateACLsResponse)
	denied := b.authorizeACLs(c, opAlter)
	var rules []auth.Rule
	for i := range req.Creations {
		rc := &req.Creations[i]
		r := auth.Rule{
			Type: rc.ResourceType, Name: rc.ResourceName, Pattern: rc.ResourcePatternType,
			Principal: rc.Principal, Host: rc.Host, Operation: rc.Operation, Permission: rc.PermissionType,
		}
		if req.Version == 0 {
			r.Pattern = kmsg.ACLResourcePatternTypeLiteral
		}
		err := denied
		if err == nil {
			err = r.Check()
		}
		if err == nil {
			rules = append(rules, r)
		}
		sr := kmsg.NewCreateACLsResponseResult()
		sr.ErrorCode, sr.ErrorMessage = wire.Code(err), wire.Message(err)
		resp.Results = append(resp.Results, sr)
	}
	if err := b.acls.Add(rules); err != nil {
		for i := range resp.Results {
			resp.Results[i].ErrorCode, resp.Results[i].ErrorMessage = wire.Code(err), wire.Message(err)
		}
	}
	return resp
}

// aclFilter returns the filter of a request. v0 has no pattern types.
func aclFilter(version int16, r auth.Rule, name, principal, host *string) *auth.Filter {
	if version == 0 {
		r.Pattern = kmsg.ACLResourcePatternTypeLiteral
	}
	return &auth.Filter{Rule: r, Name: name, Principal: principal, Host: host}
}

var describeACLsAPI = api{
	key: 29, min: 0, max: 3,
	handler: handle((*Broker).describeACLs),
	schema:  aclSchema,
}

func (b *Broker) describeACLs(c *caller, req *kmsg.DescribeACLsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeACLsResponse)
	if err := b.authorizeACLs(c, opDescribe); err != nil {
		resp.ErrorCode, resp.ErrorMessage = wire.Code(err), wire.Message(err)
		return resp
	}
	rule := auth.Rule{Type: req.ResourceType, Pattern: req.ResourcePatternType, Operation: req.Operation, Permission: req.PermissionType}
	f := aclFilter(req.Version, rule,
		req.ResourceName, req.Principal, req.Host)
	for _, a := range b.acls.Select(f) {
		j := slices.IndexFunc(resp.Resources, func(r kmsg.DescribeACLsResponseResource) bool {
			return r.ResourceType == a.Type && r.ResourceName == a.Name && r.ResourcePatternType == a.Pattern
		})
		if j < 0 {
			sr := kmsg.NewDescribeACLsResponseResource()
			sr.ResourceType, sr.ResourceName, sr.ResourcePatternType = a.Type, a.Name, a.Pattern
			resp.Resources = append(resp.Resources, sr)
			j = len(resp.Resources) - 1
		}
		sa := kmsg.NewDescribeACLsResponseResourceACL()
		sa.Principal, sa.Host, sa.Operation, sa.PermissionType = a.Principal, a.Host, a.Operation, a.Permission
		resp.Resources[j].ACLs = append(resp.Resources[j].ACLs, sa)
	}
	return resp
}

var deleteACLsAPI = api{
	key: 31, min: 0, max: 3,
	handler: handle((*Broker).deleteACLs),
	schema:  wire.Schema{wire.List(aclSchema...)},
}

func (b *Broker) deleteACLs(c *caller, req *kmsg.DeleteACLsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DeleteACLsResponse)
	denied := b.authorizeACLs(c, opAlter)
	for i := range req.Filters {
		rf := &req.Filters[i]
		rule := auth.Rule{Type: rf.ResourceType, Pattern: rf.ResourcePatternType, Operation: rf.Operation, Permission: rf.PermissionType}
		f := aclFilter(req.Version, rule,
			rf.ResourceName, rf.Principal, rf.Host)
		var deleted []auth.Rule
		err := denied
		if err == nil {
			deleted, err = b.acls.Delete(f)
		}
		sr := kmsg.NewDeleteACLsResponseResult()
		sr.ErrorCode, sr.ErrorMessage = wire.Code(err), wire.Message(err)
		for _, r := range deleted {
			sa := kmsg.NewDeleteACLsResponseResultMatchingACL()
			sa.ResourceType, sa.ResourceName, sa.ResourcePatternType = r.Type, r.Name, r.Pattern
			sa.Principal, sa.Host, sa.Operation, sa.PermissionType = r.Principal, r.Host, r.Operation, r.Permission
			sr.MatchingACLs = append(sr.MatchingACLs, sa)
		}
		resp.Results = append(resp.Results, sr)
	}
	return resp
}
