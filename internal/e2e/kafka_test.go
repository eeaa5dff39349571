package e2e_test

import (
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// The same program on a three-node Apache Kafka: a run is killed, each node is
// killed in its turn, and in the end topic and tables hold each frame once.
func TestRun_KafkaNodesDie_EachFrameOnce(t *testing.T) {
	t.Parallel()
	clip := testenv.Data(t, "video/vtest.avi")
	cluster := kafkatest.Start(t, 3)
	dir := dataDir(t)
	args := []string{"run", "--source", "street=" + clip, "--data", dir, "--pace", "fast", "--brokers", cluster.Addrs()}

	var url atomic.Pointer[string]
	tables := watchTables(t, &url)
	p := start(t, sightlog, args...)
	_, database := endpoints(t, dir, p)
	url.Store(&database)
	for node := range 3 {
		tables.await(t, p, 60+170*node)
		letPass(p, time.Duration(rand.IntN(100))*time.Millisecond)
		cluster.Kill(node)
		if node == 1 { // with one node away
			p.kill()
			p = start(t, sightlog, args...)
			_, database := endpoints(t, dir, p)
			url.Store(&database)
			tables.await(t, p, 60+170*node+80)
		}
		cluster.StartNode(node)
		cluster.AwaitInSync("sightings", "runs")
	}
	<-p.done
	require.Zero(t, p.wait(t).code, "%s", p.output)

	var want, inTopic, inTables []string
	topic := kcat(t, strings.Split(cluster.Addrs(), ",")[0])
	for i := range vtestFrames {
		want = append(want, event.MakeEventID("street", topic[0].Run, int64(i)))
	}
	for _, s := range topic {
		inTopic = append(inTopic, s.EventID)
	}
	require.Equal(t, want, inTopic, "the topic holds each frame once, in order, of one run")
	for _, r := range rows(t, []string{"--data", dir}, "select camera || '/' || run || '/' || seq as id from v_sightings order by seq") {
		inTables = append(inTables, r["id"].(string))
	}
	require.Equal(t, want, inTables)
	seen := tables.stop()
	require.NotEmpty(t, seen)
	require.Subset(t, want, seen)
}
