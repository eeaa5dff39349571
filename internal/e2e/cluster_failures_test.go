package e2e_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/internal/rtsptest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// Three nodes of Apache Kafka (three replicas, two of them in sync for each write), two cameras that are
// written in transactions and a live one, and three sinks. The leader of a camera is killed, and the disk of
// another node is full. With SIGHTLOG_CLUSTER=all (make test-cluster) the leader is killed twice, and all nodes are
// restarted in turn. In the end the log and the tables hold each frame once, in order, and frames that
// are missing are those that the live source counted as dropped.
func TestCluster_NodesFail_EachFrameOnceInOrder(t *testing.T) {
	all := os.Getenv("SIGHTLOG_CLUSTER") == "all"
	if !all {
		t.Parallel()
	}
	rtsptest.NeedFFmpeg(t)
	disk := diskOf(t, 64)
	cluster := kafkatest.StartWith(t, 3, kafkatest.Options{Dirs: []string{"", "", disk}})
	server, film := rtsptest.Start(t, ""), newCamera(t)
	film.play(1 << 40)
	film.film(t, server)
	r := newClusterRig(t, cluster,
		"gate=test://people?size=160x120&fps=10&people=2",
		"yard=test://people?size=160x120&fps=5&people=3",
		"live="+server.URL())
	r.inSync()
	r.killLeader("gate")
	if all {
		r.killLeader("gate")
		for node := range 3 {
			r.step(fmt.Sprintf("node %d is restarted in its turn", node+1), func() {
				r.Stop(node)
				r.StartNode(node)
				r.inSync()
			})
		}
	}
	const small = 2 // the node on a disk of its own
	var free func()
	r.step("the disk of node 3 is full and the node ends", func() {
		free = testenv.FillDisk(t, disk)
		r.AwaitEnd(small)
	})
	r.step("the disk of node 3 has space again and the node is started", func() {
		free()
		r.StartNode(small)
		r.inSync()
	})
	r.finish()
}
