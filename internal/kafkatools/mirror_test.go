package kafkatools_test

import (
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/kafka"
)

// MirrorMaker 2 both ways at once: sightings of our broker go to Apache Kafka, and those of Apache Kafka to ours, each
// partition's in their order, each once, also when MirrorMaker is killed; a consumer group's offsets go with them.
func TestMirrorMaker_BothWays_EachRecordOnceInOrder(t *testing.T) {
	t.Parallel()
	needAll(t)
	jars := kafkatest.ClassPath(t)
	a, b := ours(t), apache(t)
	const frames = 100
	for _, w := range []*world{a, b} {
		w.topics()
		w.film(0, frames)
		w.commit("readers", frames)
	}
	file := filepath.Join(t.TempDir(), "mm2.properties")
	require.NoError(t, os.WriteFile(file, []byte(strings.Join([]string{
		"clusters=ours,apache", "ours.bootstrap.servers=" + a.addr, "apache.bootstrap.servers=" + b.addr,
		"ours->apache.enabled=true", "apache->ours.enabled=true", "topics=sightings", "groups=readers",
		"replication.factor=1", "checkpoints.topic.replication.factor=1", "heartbeats.topic.replication.factor=1",
		"offset-syncs.topic.replication.factor=1", "offset.storage.replication.factor=1", "status.storage.replication.factor=1",
		"config.storage.replication.factor=1", "ours.exactly.once.source.support=enabled", "apache.exactly.once.source.support=enabled",
		"ours.consumer.isolation.level=read_committed", "apache.consumer.isolation.level=read_committed", "dedicated.mode.enable.internal.rest=true",
		"listeners=http://127.0.0.1:0", "emit.checkpoints.interval.seconds=1", "sync.group.offsets.enabled=true",
		"sync.group.offsets.interval.seconds=1", "refresh.topics.interval.seconds=1", "refresh.groups.interval.seconds=1",
		"offset.flush.interval.ms=500", "offset.lag.max=0", "scheduled.rebalance.max.delay.ms=500",
		"ours.session.timeout.ms=6000", "apache.session.timeout.ms=6000",
	}, "\n")+"\n"), 0o600))
	mirror := java(t, jars, "org.apache.kafka.connect.mirror.MirrorMaker", file)
	b.await("ours.sightings", 1, mirror)
	mirror.kill()
	mirror.start()
	for _, w := range []*world{a, b} {
		w.film(frames, 2*frames)
	}
	for _, way := range []struct{ from, to *world }{{a, b}, {b, a}} {
		mirrored := way.from.name + ".sightings"
		way.to.await(mirrored, 2*frames*len(cameras), mirror)
		require.Equal(t, byPartition(way.from.read(kafka.Sightings)), byPartition(way.to.read(mirrored)), "from %s", way.from.name)
		way.to.awaitCommit("readers", mirrored, mirror)
	}
	mirror.stop()
}

// byPartition are keys and values in the order of each partition.
func byPartition(recs []*kgo.Record) map[int32][]string {
	all := map[int32][]string{}
	for _, r := range recs {
		all[r.Partition] = append(all[r.Partition], fmt.Sprintf("%s %.80s %08x", r.Key, r.Value, crc32.ChecksumIEEE(r.Value)))
	}
	return all
}

// commit lets a group have read so many records of each camera's partition.
func (w *world) commit(group string, n int64) {
	w.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.addr), kgo.ConsumerGroup(group), kgo.ConsumeTopics(kafka.Sightings),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	require.NoError(w, err)
	defer cl.Close()
	for read := 0; read < int(n)*len(cameras); {
		fetches := cl.PollFetches(w.Context())
		require.NoError(w, fetches.Err())
		read += fetches.NumRecords()
	}
	require.NoError(w, cl.CommitUncommittedOffsets(w.Context()))
}

// awaitCommit waits until the group's offsets in a mirrored topic are there.
func (w *world) awaitCommit(group, topic string, p *program) {
	w.Helper()
	for deadline := time.Now().Add(limit); ; w.pause() {
		offsets, err := w.adm.FetchOffsets(w.Context(), group)
		var sum int64
		if err == nil {
			for _, o := range offsets[topic] {
				sum += o.At
			}
		}
		if sum > 0 {
			return
		}
		require.True(w, time.Now().Before(deadline), "no offsets of %s in %s: %v\n%s", group, topic, err, p)
	}
}
