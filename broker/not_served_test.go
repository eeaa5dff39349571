package broker

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// APIs that docs/compatibility.md says are not there.
func TestAPIVersions_NotServed_NotAdvertised(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	resp, err := kmsg.NewPtrApiVersionsRequest().RequestWith(testContext(t), newClient(t, b))
	require.NoError(t, err)
	advertised := map[string]bool{}
	for _, k := range resp.ApiKeys {
		advertised[kmsg.NameForKey(k.ApiKey)] = true
	}
	require.True(t, advertised["Fetch"])
	for _, name := range []string{
		"CreateDelegationToken", "RenewDelegationToken", "ExpireDelegationToken", "DescribeDelegationToken",
		"GetTelemetrySubscriptions", "PushTelemetry",
		"ShareGroupHeartbeat", "ShareGroupDescribe", "ShareFetch", "ShareAcknowledge",
	} {
		require.False(t, advertised[name], name)
		require.Positive(t, keyOf(name), "%s is the name of an API", name)
	}
	for _, f := range resp.SupportedFeatures {
		require.NotEqual(t, "share.version", f.Name)
	}
}

// keyOf returns the key of an API by its name.
func keyOf(name string) int16 {
	for key := range int16(kmsg.MaxKey + 1) {
		if kmsg.NameForKey(key) == name {
			return key
		}
	}
	return -1
}

// A client that asks for a fetch session is given none, and sends complete requests.
func TestFetch_SessionAskedFor_NoneIsGiven(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	cl := newClient(t, b)
	require.NoError(t, cl.ProduceSync(testContext(t), record("t", 1)).FirstErr())
	req := kmsg.NewPtrFetchRequest()
	req.SessionEpoch = 0 // begins one
	answer, err := cl.Broker(0).Request(testContext(t), req)
	require.NoError(t, err)
	resp := answer.(*kmsg.FetchResponse)
	require.Zero(t, resp.ErrorCode)
	require.Zero(t, resp.SessionID)
	require.Len(t, consume(t, newClient(t, b, kgo.ConsumeTopics("t")), 1), 1)
}
