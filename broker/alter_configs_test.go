package broker

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// alterBroker alters a setting of all brokers.
func alterBroker(t *testing.T, adm *kadm.Client, op kadm.IncrementalOp, name string, value *string) error {
	t.Helper()
	rs, err := adm.AlterBrokerConfigs(testContext(t), []kadm.AlterConfig{{Op: op, Name: name, Value: value}})
	require.NoError(t, err)
	require.Len(t, rs, 1)
	return rs[0].Err
}

func TestAlterConfigs_ListAppendedTo_BeginsWithTheDefaultInForce(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	b, _ := serveBroker(t, Config{TopicDefaults: map[string]string{"cleanup.policy": "compact,delete"}})
	adm := kadm.NewClient(newClient(t, b))
	_, err := adm.CreateTopics(ctx, 1, 1, nil, "one", "two")
	require.NoError(t, err)
	policy := func(topic string) string {
		rs, err := adm.DescribeTopicConfigs(ctx, topic)
		return *settings(t, rs, err)["cleanup.policy"].Value
	}
	alter := func(topic string, op kadm.IncrementalOp, value string) {
		t.Helper()
		rs, err := adm.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: op, Name: "cleanup.policy", Value: &value}}, topic)
		require.NoError(t, err)
		require.NoError(t, rs[0].Err)
	}
	alter("one", kadm.SubtractConfig, "delete")
	require.Equal(t, "compact", policy("one"), "of the file's")
	require.NoError(t, alterBroker(t, adm, kadm.SubtractConfig, "log.cleanup.policy", new("delete")))
	require.Equal(t, "compact", policy("two"), "of the file's, for all topics")
	alter("two", kadm.AppendConfig, "delete")
	require.Equal(t, "compact,delete", policy("two"), "of what was altered for all topics")
}

func TestAlterConfigs_LimitsOfReplication_RemovedButNotSet(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	adm := kadm.NewClient(newClient(t, b))
	for _, name := range replicationLimits {
		require.NoError(t, alterBroker(t, adm, kadm.DeleteConfig, name, nil), "as tools do after a reassignment")
		err := alterBroker(t, adm, kadm.SetConfig, name, new("1000"))
		require.ErrorIs(t, err, kerr.InvalidConfig)
	}
}
