package auth

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ClusterName is the name of the one resource of the type cluster.
const ClusterName = "kafka-cluster"

// Rule is one access rule. Its JSON is its key in the store.
type Rule struct {
	Type       kmsg.ACLResourceType        `json:"type"`
	Name       string                      `json:"name"`
	Pattern    kmsg.ACLResourcePatternType `json:"pattern"`
	Principal  string                      `json:"principal"`
	Host       string                      `json:"host"`
	Operation  kmsg.ACLOperation           `json:"operation"`
	Permission kmsg.ACLPermissionType      `json:"permission"`
}

// ACLs are the access rules. Readers see a rule when it is durable.
type ACLs struct {
	store      *storage.Store
	superUsers []string

	changeMu sync.Mutex // held while the rules change, across the commit; taken before mu

	mu    sync.RWMutex // guards rules, which are written with change held as well
	rules []Rule
}

// LoadACLs reads the rules from the store. superUsers are allowed everything.
func LoadACLs(s *storage.Store, superUsers []string) (*ACLs, error) {
	as := &ACLs{store: s, superUsers: superUsers}
	for key := range s.Bucket(rows.ACLs) {
		var r Rule
		if err := json.Unmarshal([]byte(key), &r); err != nil {
			return nil, fmt.Errorf("read acl: %w", err)
		}
		as.rules = append(as.rules, r)
	}
	return as, nil
}

// Allows reports whether the user, at the address host, may do op to the resource.
// An operation that no rule allows is denied, and a rule that denies overrides those
// that allow.
func (as *ACLs) Allows(user, host string, op kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) bool {
	if slices.Contains(as.superUsers, user) {
		return true
	}
	principal, host := "User:"+user, strings.TrimPrefix(host, "/")
	as.mu.RLock()
	defer as.mu.RUnlock()
	allowed := false
	for i := range as.rules {
		r := &as.rules[i]
		if !r.covers(kind, name) || !r.grants(op) ||
			r.Principal != principal && r.Principal != "User:*" || r.Host != "*" && r.Host != host {
			continue
		}
		if r.Permission == kmsg.ACLPermissionTypeDeny {
			return false
		}
		allowed = true
	}
	return allowed
}

// Add stores the rules that are not there yet, and returns when they are durable.
func (as *ACLs) Add(rules []Rule) error {
	as.changeMu.Lock()
	defer as.changeMu.Unlock()
	var commit storage.Commit
	var added []Rule
	for _, r := range rules {
		if !slices.Contains(as.rules, r) && !slices.Contains(added, r) {
			commit.Put(rows.ACLs, string(rows.Encode(r)), []byte{})
			added = append(added, r)
		}
	}
	if commit.Empty() {
		return nil
	}
	if err := as.store.Do(&commit); err != nil {
		return err
	}
	as.set(append(as.rules, added...))
	return nil
}

// Delete removes the rules that the filter selects, and returns them when their
// removal is durable.
func (as *ACLs) Delete(f *Filter) ([]Rule, error) {
	as.changeMu.Lock()
	defer as.changeMu.Unlock()
	var commit storage.Commit
	var removed, rest []Rule
	for _, r := range as.rules {
		if f.selects(&r) {
			commit.Delete(rows.ACLs, string(rows.Encode(r)))
			removed = append(removed, r)
		} else {
			rest = append(rest, r)
		}
	}
	if commit.Empty() {
		return nil, nil
	}
	if err := as.store.Do(&commit); err != nil {
		return nil, err
	}
	as.set(rest)
	return removed, nil
}

// Select returns the rules that the filter selects.
func (as *ACLs) Select(f *Filter) (out []Rule) {
	as.mu.RLock()
	defer as.mu.RUnlock()
	for i := range as.rules {
		if f.selects(&as.rules[i]) {
			out = append(out, as.rules[i])
		}
	}
	return out
}

func (as *ACLs) set(rules []Rule) {
	as.mu.Lock()
	defer as.mu.Unlock()
	as.rules = rules
}

// covers reports whether the rule is about the resource.
func (r *Rule) covers(kind kmsg.ACLResourceType, name string) bool {
	if r.Type != kind {
		return false
	}
	if r.Pattern == kmsg.ACLResourcePatternTypePrefixed {
		return strings.HasPrefix(name, r.Name)
	}
	return r.Name == name || r.Name == "*"
}

// grants reports whether the rule applies to the operation: an operation that is
// allowed implies the right to describe its object.
func (r *Rule) grants(op kmsg.ACLOperation) bool {
	if r.Operation == op || r.Operation == kmsg.ACLOperationAll {
		return true
	}
	if r.Permission != kmsg.ACLPermissionTypeAllow {
		return false
	}
	switch op {
	case kmsg.ACLOperationDescribe:
		return slices.Contains(impliesDescribe, r.Operation)
	case kmsg.ACLOperationDescribeConfigs:
		return r.Operation == kmsg.ACLOperationAlterConfigs
	}
	return false
}

// impliesDescribe are the operations that include the right to describe.
var impliesDescribe = []kmsg.ACLOperation{
	kmsg.ACLOperationRead, kmsg.ACLOperationWrite, kmsg.ACLOperationDelete, kmsg.ACLOperationAlter,
}

// resourceTypes are the types of resource that a rule may be about.
var resourceTypes = []kmsg.ACLResourceType{
	kmsg.ACLResourceTypeTopic, kmsg.ACLResourceTypeGroup, kmsg.ACLResourceTypeCluster,
	kmsg.ACLResourceTypeTransactionalId, kmsg.ACLResourceTypeDelegationToken, kmsg.ACLResourceTypeUser,
}

// Check returns an error if the rule cannot be stored: INVALID_REQUEST or
// INVALID_PRINCIPAL_TYPE.
func (r *Rule) Check() error {
	switch {
	case !slices.Contains(resourceTypes, r.Type),
		r.Pattern != kmsg.ACLResourcePatternTypeLiteral && r.Pattern != kmsg.ACLResourcePatternTypePrefixed,
		r.Operation <= kmsg.ACLOperationAny,
		r.Permission != kmsg.ACLPermissionTypeAllow && r.Permission != kmsg.ACLPermissionTypeDeny,
		r.Name == "" || r.Host == "":
		return kerr.InvalidRequest
	case !strings.HasPrefix(r.Principal, "User:"):
		return fmt.Errorf("%w: principal %q, want User:NAME", kerr.InvalidPrincipalType, r.Principal)
	case r.Type == kmsg.ACLResourceTypeCluster && r.Name != ClusterName:
		return fmt.Errorf("%w: the cluster's name is %s", kerr.InvalidRequest, ClusterName)
	}
	return nil
}

// Filter selects rules. An enumeration that is Any matches every value; the pattern
// Match selects the rules that apply to the resource Name. Name, Principal and Host shadow
// the fields of Rule, and match everything if they are nil. The zero Filter selects
// nothing.
type Filter struct {
	Rule
	Name, Principal, Host *string
}

func (f *Filter) selects(r *Rule) bool {
	switch {
	case f.Type != kmsg.ACLResourceTypeAny && f.Type != r.Type,
		f.Operation != kmsg.ACLOperationAny && f.Operation != r.Operation,
		f.Permission != kmsg.ACLPermissionTypeAny && f.Permission != r.Permission,
		f.Principal != nil && *f.Principal != r.Principal,
		f.Host != nil && *f.Host != r.Host:
		return false
	}
	switch f.Pattern {
	case kmsg.ACLResourcePatternTypeAny:
		return f.Name == nil || *f.Name == r.Name
	case kmsg.ACLResourcePatternTypeMatch:
		return f.Name == nil || r.covers(r.Type, *f.Name)
	}
	return f.Pattern == r.Pattern && (f.Name == nil || *f.Name == r.Name)
}
