package broker

import (
	"slices"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeACLs (key 29), CreateACLs (key 30) and DeleteACLs (key 31), v0-3.
//
// Served where ACLs are on; else SECURITY_DISABLED, as in Kafka.

func (b *Broker) mayACLs(c *caller, op kmsg.ACLOperation) error {
	if !b.cfg.ACLs {
		return kerr.SecurityDisabled
	}
	return b.authorize(c, op, resourceCluster, clusterName)
}

func (b *Broker) createACLs(c *caller, req *kmsg.CreateACLsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.CreateACLsResponse)
	denied := b.mayACLs(c, opAlter)
	b.acls.change.Lock()
	defer b.acls.change.Unlock()
	var commit storage.Commit
	var added []acl
	for i := range req.Creations {
		rc := &req.Creations[i]
		a := acl{rc.ResourceType, rc.ResourceName, rc.ResourcePatternType, rc.Principal, rc.Host, rc.Operation, rc.PermissionType}
		if req.Version == 0 {
			a.Pattern = kmsg.ACLResourcePatternTypeLiteral
		}
		err := denied
		if err == nil {
			err = a.check()
		}
		if err == nil && !slices.Contains(b.acls.all, a) && !slices.Contains(added, a) {
			commit.Put(bucketACLs, string(encode(a)), []byte{})
			added = append(added, a)
		}
		sr := kmsg.NewCreateACLsResponseResult()
		sr.ErrorCode, sr.ErrorMessage = code(err), message(err)
		resp.Results = append(resp.Results, sr)
	}
	if commit.Empty() {
		return resp
	}
	if err := b.store.Do(&commit); err != nil {
		for i := range resp.Results {
			resp.Results[i].ErrorCode, resp.Results[i].ErrorMessage = code(err), message(err)
		}
		return resp
	}
	b.acls.set(append(b.acls.all, added...))
	return resp
}

// aclFilter selects rules; zero values and Any select all.
type aclFilter struct {
	acl
	name, principal, host *string
}

func (f *aclFilter) selects(a *acl) bool {
	switch {
	case f.Type != kmsg.ACLResourceTypeAny && f.Type != a.Type,
		f.Operation != kmsg.ACLOperationAny && f.Operation != a.Operation,
		f.Permission != kmsg.ACLPermissionTypeAny && f.Permission != a.Permission,
		f.principal != nil && *f.principal != a.Principal,
		f.host != nil && *f.host != a.Host:
		return false
	}
	switch f.Pattern {
	case kmsg.ACLResourcePatternTypeAny:
		return f.name == nil || *f.name == a.Name
	case kmsg.ACLResourcePatternTypeMatch:
		return f.name == nil || a.covers(a.Type, *f.name)
	}
	return f.Pattern == a.Pattern && (f.name == nil || *f.name == a.Name)
}

func (b *Broker) describeACLs(c *caller, req *kmsg.DescribeACLsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeACLsResponse)
	if err := b.mayACLs(c, opDescribe); err != nil {
		resp.ErrorCode, resp.ErrorMessage = code(err), message(err)
		return resp
	}
	f := aclFilter{acl{Type: req.ResourceType, Pattern: req.ResourcePatternType, Operation: req.Operation, Permission: req.PermissionType}, req.ResourceName, req.Principal, req.Host}
	if req.Version == 0 {
		f.Pattern = kmsg.ACLResourcePatternTypeLiteral
	}
	b.acls.mu.RLock()
	defer b.acls.mu.RUnlock()
	for i := range b.acls.all {
		a := &b.acls.all[i]
		if !f.selects(a) {
			continue
		}
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

func (b *Broker) deleteACLs(c *caller, req *kmsg.DeleteACLsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DeleteACLsResponse)
	denied := b.mayACLs(c, opAlter)
	b.acls.change.Lock()
	defer b.acls.change.Unlock()
	for i := range req.Filters {
		rf := &req.Filters[i]
		sr := kmsg.NewDeleteACLsResponseResult()
		err := denied
		if err == nil {
			f := aclFilter{acl{Type: rf.ResourceType, Pattern: rf.ResourcePatternType, Operation: rf.Operation, Permission: rf.PermissionType}, rf.ResourceName, rf.Principal, rf.Host}
			if req.Version == 0 {
				f.Pattern = kmsg.ACLResourcePatternTypeLiteral
			}
			sr.MatchingACLs, err = b.deleteSelected(&f)
		}
		sr.ErrorCode, sr.ErrorMessage = code(err), message(err)
		resp.Results = append(resp.Results, sr)
	}
	return resp
}

// deleteSelected deletes rules. change is held.
func (b *Broker) deleteSelected(f *aclFilter) (out []kmsg.DeleteACLsResponseResultMatchingACL, err error) {
	var commit storage.Commit
	var rest []acl
	for i := range b.acls.all {
		a := &b.acls.all[i]
		if !f.selects(a) {
			rest = append(rest, *a)
			continue
		}
		commit.Delete(bucketACLs, string(encode(*a)))
		sa := kmsg.NewDeleteACLsResponseResultMatchingACL()
		sa.ResourceType, sa.ResourceName, sa.ResourcePatternType = a.Type, a.Name, a.Pattern
		sa.Principal, sa.Host, sa.Operation, sa.PermissionType = a.Principal, a.Host, a.Operation, a.Permission
		out = append(out, sa)
	}
	if commit.Empty() {
		return nil, nil
	}
	if err := b.store.Do(&commit); err != nil {
		return nil, err
	}
	b.acls.set(rest)
	return out, nil
}
