package e2e_test

import (
	"context"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
)

// snapshotTopic is the topic of pictures on an Apache Kafka.
type snapshotTopic struct {
	*testing.T
	*kadm.Client
	brokers string
}

// settings returns those of the topic that are not Kafka's defaults.
func (s snapshotTopic) settings() map[string]string {
	s.Helper()
	all, err := s.DescribeTopicConfigs(s.Context(), kafka.SnapshotTopic)
	require.NoError(s, err)
	set := map[string]string{}
	for _, c := range all[0].Configs {
		set[c.Key] = c.MaybeValue()
	}
	return set
}

func (s snapshotTopic) alter(settings map[string]string) {
	s.Helper()
	var changes []kadm.AlterConfig
	for key, value := range settings {
		changes = append(changes, kadm.AlterConfig{Name: key, Value: &value})
	}
	answer, err := s.AlterTopicConfigs(s.Context(), changes, kafka.SnapshotTopic)
	require.NoError(s, err)
	require.NoError(s, answer[0].Err)
}

// span returns the first offset that the topic holds, and the next one.
func (s snapshotTopic) span() (first, end int64) {
	s.Helper()
	starts, err := s.ListStartOffsets(s.Context(), kafka.SnapshotTopic)
	require.NoError(s, err)
	ends, err := s.ListEndOffsets(s.Context(), kafka.SnapshotTopic)
	require.NoError(s, err)
	from, _ := starts.Lookup(kafka.SnapshotTopic, 0)
	to, _ := ends.Lookup(kafka.SnapshotTopic, 0)
	return from.Offset, to.Offset
}

// pictures returns how many records with a picture the topic holds, by key.
func (s snapshotTopic) pictures() map[string]int {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), limit)
	defer cancel()
	held := map[string]int{}
	_, end := s.span()
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.brokers), kgo.ConsumeTopics(kafka.SnapshotTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(s, err)
	defer cl.Close()
	for at := int64(0); at < end; {
		fetches := cl.PollFetches(ctx)
		require.NoError(s, fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			at = r.Offset + 1
			if r.Value != nil {
				held[string(r.Key)]++
			}
		})
	}
	return held
}

// Pictures on an Apache Kafka, with serve and two detects apart: the topic has its settings, a picture that is
// deleted goes from the table and, when Kafka compacts, from the log; what Kafka deletes for its age leaves the
// table alone and stops no sink, and the table's own limits hold.
func TestSnapshots_ApacheKafkaAndDetectsApart_StoredDeletedAndLimited(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Start(t, 1, "log.cleaner.backoff.ms=200", "log.retention.check.interval.ms=200", "log.initial.task.delay.ms=200")
	brokers, config, dir := cluster.Addrs(), gateFile(t), dataDir(t)
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers))
	require.NoError(t, err)
	defer cl.Close()
	topic := snapshotTopic{t, kadm.NewClient(cl), brokers}
	from := []string{"--data", dir}
	serving := func(more ...string) *process {
		p := start(t, sightlogd, append([]string{"serve", "--brokers", brokers, "--partitions", "1", "--data", dir, "--web", "127.0.0.1:0"}, more...)...)
		endpoints(t, dir, p)
		return p
	}
	detect := func(cameras ...string) {
		var all []*process
		for _, camera := range cameras {
			args := []string{"detect", "--brokers", brokers, "--partitions", "1", "--pace", "fast", "--snapshots", "on", "--source", camera + "=test://people?frames=160&fps=10"}
			if camera == "yard" {
				args = append(args, "--config", config)
			}
			all = append(all, start(t, sightlog, args...))
		}
		for _, p := range all {
			require.Zero(t, p.wait(t).code, "%s", p.output)
		}
	}
	p := serving()
	await := func(what string, holds func() bool) {
		t.Helper()
		for deadline := time.Now().Add(limit); !holds(); {
			require.True(t, time.Now().Before(deadline), "%s\n%s", what, p.output)
		}
	}
	detect("yard", "porch")
	stored := func() int { return number(t, from, "select count(*) from snapshots") }
	sent := topic.pictures()
	await("each picture of the log is a row", func() bool { return stored() == len(sent) })
	for _, camera := range []string{"yard", "porch"} {
		of := " from snapshots join cameras c on c.id = camera_id where c.name = '" + camera + "'"
		require.Equal(t, number(t, from, "select count(*) from tracks join cameras c on c.id = camera_id where c.name = '"+camera+"'"),
			number(t, from, "select count(distinct track_id)"+of+" and crossing_seq = -1"))
		require.Equal(t, camera == "yard", number(t, from, "select count(*)"+of+" and crossing_seq >= 0") > 0, "the line is the yard's")
	}
	set := topic.settings()
	require.Equal(t, "compact,delete", set["cleanup.policy"])
	require.Equal(t, "604800000", set["retention.ms"])
	require.Equal(t, "1073741824", set["retention.bytes"])
	most, err := strconv.Atoi(set["max.message.bytes"])
	require.NoError(t, err)
	require.Greater(t, most, 1<<20, "a picture of 512 kB, in base64, fits")

	// Deleted: the row at once, the record when Kafka compacts.
	person := rows(t, from, "select run, track_id from snapshots join runs on runs.id = run_id order by 1, 2 limit 1")[0]
	run, track := person["run"].(string), number(t, from, "select min(track_id) from snapshots")
	key := regexp.MustCompile(`/` + run + `/` + strconv.Itoa(track) + `(/|$)`)
	has := func() (n int) {
		for k := range topic.pictures() {
			if key.MatchString(k) {
				n++
			}
		}
		return n
	}
	require.Positive(t, has())
	require.Contains(t, ok(t, sightlogd, "snapshots", "delete", "--data", dir, "--brokers", brokers, "--run", run, "--track", strconv.Itoa(track)), "deleted")
	left := stored()
	require.Less(t, left, len(sent))
	topic.alter(map[string]string{"segment.ms": "1", "min.cleanable.dirty.ratio": "0.001"})
	detect("porch") // its pictures begin new segments
	await("Kafka compacts the pictures away", func() bool { return has() == 0 })
	require.Zero(t, number(t, from, "select count(*) from snapshots join runs on runs.id = run_id where run = '"+run+"' and track_id = "+strconv.Itoa(track)))

	// The log's own retention passes while the sinks are away: what they have not read is lost, and they go on.
	await("the pictures of the second run are rows", func() bool { return stored() > left })
	require.Zero(t, p.stop(t).code, p.output)
	detect("yard")
	topic.alter(map[string]string{"retention.ms": "1"})
	await("Kafka deletes what is too old", func() bool { first, end := topic.span(); return first == end })
	topic.alter(map[string]string{"retention.ms": "604800000"})
	p = serving()
	kept := stored()
	detect("late")
	await("pictures arrive again", func() bool {
		return number(t, from, "select count(*) from snapshots join cameras c on c.id = camera_id where c.name = 'late'") > 0
	})
	require.GreaterOrEqual(t, stored(), kept, "rows stay")
	require.NotContains(t, p.output.String(), "stopped")
	require.Zero(t, p.stop(t).code, p.output)

	// The table's: by bytes, and by days.
	const bytes = "select coalesce(sum(bytes), 0) from snapshots"
	p = serving("--snapshot-space", "0.0001")
	await("no more than 100 kB is kept", func() bool { return number(t, from, bytes) <= 100_000 })
	require.Positive(t, stored())
	_, database := endpoints(t, dir, p)
	few := stored()
	_, err = pgtest.Pool(t, database).Exec(t.Context(), `WITH oldest AS (SELECT min(run_id) AS id FROM snapshots), run AS (
			UPDATE runs SET started_at = started_at - interval '2 days', finished_at = finished_at - interval '2 days' FROM oldest WHERE runs.id = oldest.id)
		UPDATE snapshots SET captured_at = captured_at - interval '2 days' FROM oldest WHERE run_id = oldest.id`)
	require.NoError(t, err)
	require.Zero(t, p.stop(t).code, p.output)
	p = serving("--keep", "snapshots=1d")
	await("pictures of two days ago are deleted", func() bool {
		return number(t, from, "select count(*) from snapshots where captured_at < now() - interval '1 day'") == 0
	})
	require.Less(t, stored(), few)
	require.Zero(t, p.stop(t).code, p.output)
}
