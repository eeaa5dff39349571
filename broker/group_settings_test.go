package broker

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// alterResource alters one setting of a resource.
func alterResource(t *testing.T, cl *kgo.Client, kind kmsg.ConfigResourceType, of, name string, value *string) error {
	t.Helper()
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kind, of
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	if c.Name, c.Value = name, value; value == nil {
		c.Op = kmsg.IncrementalAlterConfigOpDelete
	}
	r.Configs = append(r.Configs, c)
	req.Resources = append(req.Resources, r)
	answer, err := cl.Broker(0).Request(testContext(t), req) // whichever broker the resource names
	require.NoError(t, err)
	resp := answer.(*kmsg.IncrementalAlterConfigsResponse)
	require.Len(t, resp.Resources, 1)
	if err := kerr.ErrorForCode(resp.Resources[0].ErrorCode); err != nil {
		require.NotNil(t, resp.Resources[0].ErrorMessage)
		t.Log(*resp.Resources[0].ErrorMessage)
		return err
	}
	return nil
}

// describeResource returns the settings of a resource, by name.
func describeResource(t *testing.T, cl *kgo.Client, kind kmsg.ConfigResourceType, of string) map[string]kmsg.DescribeConfigsResponseResourceConfig {
	t.Helper()
	req := kmsg.NewPtrDescribeConfigsRequest()
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName = kind, of
	req.Resources = append(req.Resources, r)
	resp, err := req.RequestWith(testContext(t), cl)
	require.NoError(t, err)
	require.Len(t, resp.Resources, 1)
	require.Zero(t, resp.Resources[0].ErrorCode)
	out := map[string]kmsg.DescribeConfigsResponseResourceConfig{}
	for _, c := range resp.Resources[0].Configs {
		out[c.Name] = c
	}
	return out
}

func TestGroupSettings_Altered_MembersAreAskedSoAndKept(t *testing.T) {
	t.Parallel()
	const kind = kmsg.ConfigResourceTypeGroupConfig
	cfg := Config{Dir: t.TempDir(), GroupConsumerHeartbeat: 3e9}
	b, stop := serveBroker(t, cfg)
	cl := newClient(t, b)
	_, err := kadm.NewClient(cl).CreateTopic(testContext(t), 1, 1, nil, "t")
	require.NoError(t, err)
	heartbeat := func(group string) int32 {
		req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
		req.Group, req.MemberID, req.RebalanceTimeoutMillis = group, "a", 1000
		req.SubscribedTopicNames, req.Topics = []string{"t"}, []kmsg.ConsumerGroupHeartbeatRequestTopic{}
		resp, err := req.RequestWith(testContext(t), cl)
		require.NoError(t, err)
		require.Zero(t, resp.ErrorCode)
		return resp.HeartbeatIntervalMillis
	}
	require.EqualValues(t, 3000, heartbeat("g"))
	require.NoError(t, alterResource(t, cl, kind, "g", groupHeartbeat, new("2000")))
	require.EqualValues(t, 2000, heartbeat("g"))
	require.EqualValues(t, 3000, heartbeat("other"))

	stop()
	b, _ = serveBroker(t, cfg)
	cl = newClient(t, b)
	require.EqualValues(t, 2000, heartbeat("g"))
	described := describeResource(t, cl, kind, "g")
	require.Equal(t, "2000", *described[groupHeartbeat].Value)
	require.Equal(t, kmsg.ConfigSourceGroupConfig, described[groupHeartbeat].Source)
	require.Equal(t, "45000", *described[groupSession].Value)
	require.Equal(t, kmsg.ConfigSourceDefaultConfig, described[groupSession].Source)
	list := kmsg.NewPtrListConfigResourcesRequest()
	list.ResourceTypes = []int8{int8(kind)}
	listed, err := list.RequestWith(testContext(t), cl)
	require.NoError(t, err)
	require.Len(t, listed.ConfigResources, 1)
	require.Equal(t, "g", listed.ConfigResources[0].Name)

	require.ErrorIs(t, alterResource(t, cl, kind, "g", groupSession, new("1500")), kerr.InvalidConfig, "less than the heartbeat")
	require.ErrorIs(t, alterResource(t, cl, kind, "g", groupSession, new("10")), kerr.InvalidConfig)
	require.ErrorIs(t, alterResource(t, cl, kind, "g", "share.session.timeout.ms", new("50000")), kerr.InvalidConfig)
	require.ErrorIs(t, alterResource(t, cl, kind, "", groupSession, new("50000")), kerr.InvalidGroupID)
	require.NoError(t, alterResource(t, cl, kind, "g", groupHeartbeat, nil))
	require.Equal(t, "3000", *describeResource(t, cl, kind, "g")[groupHeartbeat].Value)
}
