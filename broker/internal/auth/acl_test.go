package auth

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestAllows_Rules_DenyOverridesAllow(t *testing.T) {
	t.Parallel()
	const (
		topic = kmsg.ACLResourceTypeTopic
		group = kmsg.ACLResourceTypeGroup
		read  = kmsg.ACLOperationRead
		write = kmsg.ACLOperationWrite
		desc  = kmsg.ACLOperationDescribe
		allow = kmsg.ACLPermissionTypeAllow
		deny  = kmsg.ACLPermissionTypeDeny
		exact = kmsg.ACLResourcePatternTypeLiteral
		begin = kmsg.ACLResourcePatternTypePrefixed
	)
	as := &ACLs{superUsers: []string{"admin"}}
	as.set([]Rule{
		{topic, "sightings", exact, "User:ann", "*", read, allow},
		{topic, "cam-", begin, "User:ann", "*", write, allow},
		{topic, "cam-secret", exact, "User:ann", "*", write, deny},
		{topic, "*", exact, "User:*", "*", desc, allow},
		{group, "sink", exact, "User:ann", "192.0.2.1", read, allow},
		{topic, "all", exact, "User:bob", "*", kmsg.ACLOperationAll, allow},
		{topic, "quiet", exact, "User:*", "*", read, deny},
	})
	for _, c := range []struct {
		name, user, host string
		op               kmsg.ACLOperation
		kind             kmsg.ACLResourceType
		resource         string
		want             bool
	}{
		{"named topic", "ann", "/192.0.2.9", read, topic, "sightings", true},
		{"another user", "bob", "192.0.2.9", read, topic, "sightings", false},
		{"another operation", "ann", "192.0.2.9", write, topic, "sightings", false},
		{"another type of the same name", "ann", "192.0.2.9", read, group, "sightings", false},
		{"prefix", "ann", "192.0.2.9", write, topic, "cam-1", true},
		{"denied although the prefix is allowed", "ann", "192.0.2.9", write, topic, "cam-secret", false},
		{"write implies describe", "ann", "192.0.2.9", desc, topic, "cam-1", true},
		{"wildcard topic and user", "nobody", "192.0.2.9", desc, topic, "any", true},
		{"denied reading leaves describe", "ann", "192.0.2.9", desc, topic, "quiet", true},
		{"right host", "ann", "/192.0.2.1", read, group, "sink", true},
		{"wrong host", "ann", "/192.0.2.2", read, group, "sink", false},
		{"all operations", "bob", "192.0.2.9", write, topic, "all", true},
		{"no rule", "bob", "192.0.2.9", read, topic, "unknown", false},
		{"super user", "admin", "192.0.2.9", write, topic, "cam-secret", true},
	} {
		require.Equal(t, c.want, as.Allows(c.user, c.host, c.op, c.kind, c.resource), c.name)
	}
}
