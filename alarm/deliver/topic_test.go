package deliver_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/alarm/deliver"
	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/internal/pgtest"
)

// A topic, which is created, gets the messages in their order, by the alarm's id, from one process after the other.
func TestDeliver_Topic_InOrderByTheAlarmsID(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	b := brokertest.Start(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.ConsumeTopics("alarms"))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	to := rule.Receiver{Name: "log", Kind: rule.Topic, Where: "alarms"}
	withLog := func(c *deliver.Config) { c.Kafka = client }
	enqueue(t, pool, "log", "a1", "a2")
	_, stop := start(t, pool, withLog, to)
	awaitSent(t, pool, 2)
	stop()
	enqueue(t, pool, "log", "a3")
	start(t, pool, withLog, to)
	awaitSent(t, pool, 3)
	var keys, ids []string
	for len(keys) < 3 {
		client.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) {
			keys = append(keys, string(r.Key))
			for _, h := range r.Headers {
				if h.Key == "id" {
					ids = append(ids, string(h.Value))
				}
			}
			require.Contains(t, string(r.Value), `"rule":`)
		})
	}
	require.Equal(t, []string{"a1", "a2", "a3"}, keys)
	require.Equal(t, []string{"a1.began", "a2.began", "a3.began"}, ids)
}
