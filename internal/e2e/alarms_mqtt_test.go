package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/testenv"
)

// retained follows what an MQTT broker has at a topic.
func retained(t *testing.T, addr, topic string) (is func(want string) bool) {
	t.Helper()
	var mu sync.Mutex
	var now string // guarded by mu
	c := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + addr).SetUsername("door").SetPassword("right"))
	t.Cleanup(func() { c.Disconnect(0) })
	for _, do := range []func() paho.Token{c.Connect, func() paho.Token {
		return c.Subscribe(topic, 1, func(_ paho.Client, m paho.Message) {
			mu.Lock()
			defer mu.Unlock()
			now = string(m.Payload())
		})
	}} {
		tok := do()
		require.True(t, tok.WaitTimeout(time.Minute))
		require.NoError(t, tok.Error())
	}
	return func(want string) bool {
		mu.Lock()
		defer mu.Unlock()
		return now == want
	}
}

// A process that is killed leaves its last will: Home Assistant takes the cameras for
// unavailable until the next one runs. The topic has each message, in order, by the alarm's id.
func TestAlarms_Killed_LastWillAndTopicInOrder(t *testing.T) {
	t.Parallel()
	addr, dir, files := testenv.Mosquitto(t), dataDir(t), t.TempDir()
	file, secret := filepath.Join(files, "alarms.yaml"), filepath.Join(files, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("right"), 0o600))
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `cameras:
  door:
    lines: {gate: [[0.5, 0], [0.5, 1]]}
alarms:
  crossed: {when: crossing of door/gate, to: [log]}
receivers:
  home: {mqtt: "mqtt://%s", user: door, secret-file: %s}
  log: {topic: alarms}
`, addr, secret), 0o600))
	run := []string{"run", "--config", file, "--data", dir, "--source", "door=test://people?size=320x240&people=3&fps=10&frames=1000000"}
	status, door := retained(t, addr, "sightlog/status"), retained(t, addr, "sightlog/cameras/door/availability")
	const sent = "select count(*) as n from alarm_deliveries where sent_at is not null"

	p := start(t, sightlog, run...)
	endpoints(t, dir, p)
	testenv.Await(t, "the cameras", func() bool { return status("online") && door("online") })
	n := awaitNumber(t, dir, sent, func(n int) bool { return n >= 3 })
	p.kill()
	testenv.Await(t, "the last will", func() bool { return status("offline") })

	p = start(t, sightlog, run...)
	broker, _ := endpoints(t, dir, p)
	testenv.Await(t, "the cameras again", func() bool { return status("online") })
	awaitNumber(t, dir, sent, func(now int) bool { return now >= n+3 })

	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics("alarms"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	var ids, keys []string
	for seen := make(map[string]bool); len(ids) < n+3; {
		fetches := cl.PollFetches(t.Context())
		require.NoError(t, fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			for _, h := range r.Headers {
				if id := string(h.Value); h.Key == "id" && !seen[id] { // a second time after a kill
					seen[id] = true
					ids, keys = append(ids, id), append(keys, string(r.Key))
				}
			}
		})
	}
	require.Zero(t, p.stop(t).code, p.output)
	testenv.Await(t, "the cameras to be off", func() bool { return status("offline") })
	var want, wantKeys []string
	for _, r := range rows(t, []string{"--data", dir}, fmt.Sprintf("select message_id, alarm_id from alarm_deliveries order by id limit %d", len(ids))) {
		want, wantKeys = append(want, r["message_id"].(string)), append(wantKeys, r["alarm_id"].(string))
	}
	require.Equal(t, want, ids)
	require.Equal(t, wantKeys, keys)
}
