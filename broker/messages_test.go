package broker

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// What tools print when the broker refuses: the cause, and where it is short, the remedy.
func TestMessages_OfRefusals_SayWhatAndWhy(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	ctx := testContext(t)
	adm := kadm.NewClient(newClient(t, b))
	create := func(topic string, partitions int32, replicas int16, set map[string]*string) string {
		r, err := adm.CreateTopic(ctx, partitions, replicas, set, topic)
		require.Error(t, err)
		return r.ErrMessage
	}
	require.Contains(t, create("t", 1, 3, nil), "a replication factor of 3 needs as many nodes, and there is one")
	require.Contains(t, create("t", 0, 1, nil), "0 partitions, want 1 to")
	require.Contains(t, create("a b", 1, 1, nil), `topic name "a b": want 1 to 249 letters`)
	require.Contains(t, create("t", 1, 1, map[string]*string{"retention.ms": nil}), "retention.ms has no value")
	require.Contains(t, create("t", 1, 1, map[string]*string{"no.such": new("1")}), `unknown topic setting "no.such"`)

	deleted, err := adm.DeleteTopic(ctx, "none")
	require.ErrorIs(t, err, kerr.UnknownTopicOrPartition)
	require.Equal(t, `there is no topic "none"`, deleted.ErrMessage)
	altered, err := adm.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Name: "retention.ms", Value: new("1")}}, "none")
	require.NoError(t, err)
	require.Equal(t, `there is no topic "none"`, altered[0].ErrMessage)
	fixed, err := adm.AlterBrokerConfigs(ctx, []kadm.AlterConfig{{Name: "num.partitions", Value: new("1")}})
	require.NoError(t, err)
	require.Contains(t, fixed[0].ErrMessage, "give it by --broker-settings at its start")
	rules, err := adm.DescribeACLs(ctx, kadm.NewACLs().Topics("t").Allow("User:a").Operations(kadm.OpRead).ResourcePatternType(kadm.ACLPatternLiteral).AllowHosts())
	require.NoError(t, err)
	require.ErrorIs(t, rules[0].Err, kerr.SecurityDisabled)
	require.Contains(t, rules[0].ErrMessage, "start it with --acls")
}
