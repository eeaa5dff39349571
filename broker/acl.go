package broker

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Short names for what handlers ask about.
const (
	opRead            = kmsg.ACLOperationRead
	opWrite           = kmsg.ACLOperationWrite
	opCreate          = kmsg.ACLOperationCreate
	opDelete          = kmsg.ACLOperationDelete
	opAlter           = kmsg.ACLOperationAlter
	opDescribe        = kmsg.ACLOperationDescribe
	opDescribeConfigs = kmsg.ACLOperationDescribeConfigs
	opAlterConfigs    = kmsg.ACLOperationAlterConfigs
	opClusterAction   = kmsg.ACLOperationClusterAction

	resourceTopic   = kmsg.ACLResourceTypeTopic
	resourceGroup   = kmsg.ACLResourceTypeGroup
	resourceCluster = kmsg.ACLResourceTypeCluster
	resourceTxn     = kmsg.ACLResourceTypeTransactionalId

	clusterName = "kafka-cluster"
	bucketACLs  = "acls" // key: the acl; value: nothing
)

// acl is one rule. Its JSON is its key in the store.
type acl struct {
	Type       kmsg.ACLResourceType        `json:"type"`
	Name       string                      `json:"name"`
	Pattern    kmsg.ACLResourcePatternType `json:"pattern"`
	Principal  string                      `json:"principal"`
	Host       string                      `json:"host"`
	Operation  kmsg.ACLOperation           `json:"operation"`
	Permission kmsg.ACLPermissionType      `json:"permission"`
}

// acls are the rules that are durable.
type acls struct {
	change sync.Mutex // held while the rules change, over the commit

	mu  sync.RWMutex // guards all, which is written with change held too
	all []acl
}

func (as *acls) set(all []acl) {
	as.mu.Lock()
	defer as.mu.Unlock()
	as.all = all
}

func loadACLs(s *storage.Store) (*acls, error) {
	as := &acls{}
	for key := range s.Bucket(bucketACLs) {
		var a acl
		if err := json.Unmarshal([]byte(key), &a); err != nil {
			return nil, fmt.Errorf("read acl: %w", err)
		}
		as.all = append(as.all, a)
	}
	return as, nil
}

// covers says whether the rule is about the resource.
func (a *acl) covers(kind kmsg.ACLResourceType, name string) bool {
	if a.Type != kind {
		return false
	}
	if a.Pattern == kmsg.ACLResourcePatternTypePrefixed {
		return strings.HasPrefix(name, a.Name)
	}
	return a.Name == name || a.Name == "*"
}

// grants says whether a rule for the operation is one for the other too.
func (a *acl) grants(op kmsg.ACLOperation) bool {
	if a.Operation == op || a.Operation == kmsg.ACLOperationAll {
		return true
	}
	if a.Permission != kmsg.ACLPermissionTypeAllow {
		return false
	}
	switch op {
	case opDescribe:
		return slices.Contains([]kmsg.ACLOperation{opRead, opWrite, opDelete, opAlter}, a.Operation)
	case opDescribeConfigs:
		return a.Operation == opAlterConfigs
	}
	return false
}

// authorize says whether the caller may do op to the resource. Without ACLs
// everybody may. With them what no rule allows is denied, and a rule that
// denies wins.
func (b *Broker) authorize(c *caller, op kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) error {
	if b.may(c, op, kind, name) {
		return nil
	}
	switch kind {
	case resourceTopic:
		return kerr.TopicAuthorizationFailed
	case resourceGroup:
		return kerr.GroupAuthorizationFailed
	case resourceTxn:
		return kerr.TransactionalIDAuthorizationFailed
	}
	return kerr.ClusterAuthorizationFailed
}

func (b *Broker) may(c *caller, op kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) bool {
	if !b.cfg.ACLs || slices.Contains(b.cfg.SuperUsers, c.user()) {
		return true
	}
	principal, host := "User:"+c.user(), strings.TrimPrefix(c.host(), "/")
	b.acls.mu.RLock()
	defer b.acls.mu.RUnlock()
	allowed := false
	for i := range b.acls.all {
		a := &b.acls.all[i]
		if !a.covers(kind, name) || !a.grants(op) ||
			a.Principal != principal && a.Principal != "User:*" || a.Host != "*" && a.Host != host {
			continue
		}
		if a.Permission == kmsg.ACLPermissionTypeDeny {
			return false
		}
		allowed = true
	}
	return allowed
}

// check says whether the rule is one that can be kept.
func (a *acl) check() error {
	switch {
	case !slices.Contains([]kmsg.ACLResourceType{resourceTopic, resourceGroup, resourceCluster, resourceTxn, kmsg.ACLResourceTypeDelegationToken, kmsg.ACLResourceTypeUser}, a.Type),
		a.Pattern != kmsg.ACLResourcePatternTypeLiteral && a.Pattern != kmsg.ACLResourcePatternTypePrefixed,
		a.Operation <= kmsg.ACLOperationAny,
		a.Permission != kmsg.ACLPermissionTypeAllow && a.Permission != kmsg.ACLPermissionTypeDeny,
		a.Name == "" || a.Host == "":
		return kerr.InvalidRequest
	case !strings.HasPrefix(a.Principal, "User:"):
		return fmt.Errorf("%w: principal %q, want User:NAME", kerr.InvalidPrincipalType, a.Principal)
	case a.Type == resourceCluster && a.Name != clusterName:
		return fmt.Errorf("%w: the cluster's name is %s", kerr.InvalidRequest, clusterName)
	}
	return nil
}
