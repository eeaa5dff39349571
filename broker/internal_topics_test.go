package broker

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sightlog/sightlog/broker/internal/wire"
)

func TestInternalTopics_KafkasOwn_AbsentAndNotCreated(t *testing.T) {
	t.Parallel()
	cfg := Config{Dir: t.TempDir()}
	b, stop := serveBroker(t, cfg)
	old := &topic{name: offsetsTopic, id: wire.NewUUID()} // as brokers of before made it
	old.parts.Store(new([]*partition))
	b.topics.configure(old, nil)
	b.topics.changeMu.Lock()
	err := b.topics.extend(old, 1)
	b.topics.changeMu.Unlock()
	require.NoError(t, err)
	stop()

	b, _ = serveBroker(t, cfg)
	ctx := testContext(t)
	adm := kadm.NewClient(newClient(t, b))
	offsets := kadm.Offsets{}
	offsets.AddOffset("t", 0, 1, -1)
	_, err = adm.CreateTopic(ctx, 1, 1, nil, "t")
	require.NoError(t, err)
	require.NoError(t, adm.CommitAllOffsets(ctx, "g", offsets))
	topics, err := adm.ListTopicsWithInternal(ctx)
	require.NoError(t, err)
	require.Equal(t, []string{"t"}, topics.Names())
	for _, name := range []string{offsetsTopic, txnsTopic} {
		resp, err := adm.CreateTopic(ctx, 1, 1, nil, name)
		require.ErrorIs(t, err, kerr.InvalidTopicException)
		require.Contains(t, resp.ErrMessage, "Kafka's own")
	}
}
