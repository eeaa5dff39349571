package kafkatools_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/internal/kafkatest"
)

// call is one call of a script.
type call struct {
	script string // as it is called in Kafka's bin, without kafka-
	args   string // BROKER, NODE and DIR stand for those of the log
	differ bool   // what it prints is of the node; the exit code is compared
}

// scripts are the classes of Kafka's scripts.
var scripts = map[string]string{
	"topics":              "org.apache.kafka.tools.TopicCommand",
	"configs":             "kafka.admin.ConfigCommand",
	"consumer-groups":     "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
	"groups":              "org.apache.kafka.tools.GroupsCommand",
	"get-offsets":         "org.apache.kafka.tools.GetOffsetShell",
	"delete-records":      "org.apache.kafka.tools.DeleteRecordsCommand",
	"reassign-partitions": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
	"leader-election":     "org.apache.kafka.tools.LeaderElectionCommand",
	"log-dirs":            "org.apache.kafka.tools.LogDirsCommand",
	"transactions":        "org.apache.kafka.tools.TransactionsCommand",
	"cluster":             "org.apache.kafka.tools.ClusterTool",
	"features":            "org.apache.kafka.tools.FeatureCommand",
	"metadata-quorum":     "org.apache.kafka.tools.MetadataQuorumCommand",
	"acls":                "org.apache.kafka.tools.AclCommand",
	"broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
	"dump-log":            "kafka.tools.DumpLogSegments",
}

// calls are what a person does with the scripts, in this order.
var calls = []call{
	{"topics", "--create --topic visitors --partitions 3 --replication-factor 1 --config retention.ms=3600000", false},
	{"topics", "--create --topic visitors", false},
	{"topics", "--create --topic too-many --replication-factor 3", true},
	{"topics", "--list --exclude-internal", false},
	{"topics", "--describe --topic visitors", false},
	{"topics", "--describe --under-replicated-partitions", false},
	{"topics", "--describe --topics-with-overrides --topic visitors", false},
	{"topics", "--describe --topic none", false},
	{"topics", "--alter --topic visitors --partitions 5", false},
	{"topics", "--alter --topic visitors --partitions 2", false},
	{"configs", "--alter --entity-type topics --entity-name visitors --add-config max.message.bytes=200000,cleanup.policy=compact", false},
	{"configs", "--describe --entity-type topics --entity-name visitors", false},
	{"configs", "--alter --entity-type topics --entity-name visitors --delete-config cleanup.policy,max.message.bytes", false},
	{"configs", "--describe --entity-type topics --entity-name visitors", false},
	{"configs", "--alter --entity-type topics --entity-name visitors --add-config segment.bytes=many", true},
	{"configs", "--describe --entity-type brokers --entity-name NODE", true},
	{"configs", "--describe --entity-type topics --entity-name visitors --all", true},
	{"get-offsets", "--topic sightings", false},
	{"get-offsets", "--topic sightings --time earliest", false},
	{"get-offsets", "--topic sightings --time max-timestamp", true},
	{"consumer-groups", "--list", false},
	{"consumer-groups", "--describe --group readers --offsets", false},
	{"consumer-groups", "--describe --group readers --members", false},
	{"consumer-groups", "--describe --group readers --state", false},
	{"consumer-groups", "--reset-offsets --group readers --topic sightings --to-earliest --execute", false},
	{"consumer-groups", "--reset-offsets --group readers --topic sightings --shift-by 3 --dry-run", false},
	{"consumer-groups", "--describe --group readers", false},
	{"groups", "--list", false},
	{"consumer-groups", "--delete-offsets --group readers --topic sightings", false}, // ours forgets the group with its last offset, Kafka minutes later
	{"consumer-groups", "--delete --group readers", true},
	{"consumer-groups", "--describe --group readers", true},
	{"delete-records", "--offset-json-file DIR/delete.json", false},
	{"get-offsets", "--topic sightings --time earliest", false},
	{"reassign-partitions", "--generate --topics-to-move-json-file DIR/topics.json --broker-list NODE", true},
	{"reassign-partitions", "--execute --reassignment-json-file DIR/reassign.json", false},
	{"reassign-partitions", "--verify --reassignment-json-file DIR/reassign.json", false},
	{"reassign-partitions", "--list", false},
	{"leader-election", "--election-type preferred --all-topic-partitions", false},
	{"log-dirs", "--describe --topic-list visitors", true},
	{"transactions", "list", false},
	{"transactions", "describe-producers --topic visitors --partition 0", false},
	{"transactions", "find-hanging --broker-id NODE", false},
	{"cluster", "cluster-id --bootstrap-server BROKER", true},
	{"features", "describe", true},
	{"metadata-quorum", "describe --status", true},
	{"broker-api-versions", "", true},
	{"acls", "--list", true},
	{"topics", "--delete --topic visitors", false},
	{"topics", "--list --exclude-internal", false},
}

// Kafka's own scripts print the same, and end with the same exit code, on our broker as on Apache Kafka.
func TestScripts_OursAndKafka_SameOutput(t *testing.T) {
	t.Parallel()
	jars := kafkatest.ClassPath(t)
	classPath := classes(t, "testdata/java", jars)
	dir := t.TempDir()
	us := newWorld(t, "0", brokertest.Start(t, func(c *broker.Config) { c.Dir = dir }).Addr())
	them := apache(t)
	them.name = "1"
	got, want := us.scripts(classPath), them.scripts(classPath)
	for i, c := range calls {
		name := "kafka-" + c.script + " " + c.args
		g, w := got[i], want[i]
		assert.Equal(t, w.code, g.code, "%s\nApache Kafka prints: %s\nours: %s", name, w.text, g.text)
		if !c.differ && w.code == 0 { // the words of an error are each one's own
			assert.Equal(t, w.text, g.text, name)
		}
	}
	us.dumpLog(classPath, dir)
}

// printed is what a call printed, and its exit code.
type printed struct {
	code int
	text string
}

// scripts makes all calls. The world's name is its node's number.
func (w *world) scripts(classPath string) (all []printed) {
	w.Helper()
	w.topics()
	w.film(0, 20)
	w.commit("readers", 20)
	dir := w.TempDir()
	for name, text := range map[string]string{
		"delete.json":   `{"version":1,"partitions":[{"topic":"sightings","partition":PARTITION,"offset":5}]}`,
		"topics.json":   `{"version":1,"topics":[{"topic":"visitors"}]}`,
		"reassign.json": `{"version":1,"partitions":[{"topic":"visitors","partition":0,"replicas":[NODE]}]}`,
	} {
		text = strings.NewReplacer("NODE", w.name, "PARTITION", fmt.Sprint(w.partition())).Replace(text)
		require.NoError(w, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	var lines []string
	for _, c := range calls {
		args := c.args
		if !strings.Contains(args, "--bootstrap-server") {
			args = "--bootstrap-server BROKER " + args
		}
		args = strings.NewReplacer("NODE", w.name, "DIR", dir, "BROKER", w.addr).Replace(args)
		lines = append(lines, strings.TrimSpace(scripts[c.script]+" "+args))
	}
	for _, p := range run(w.T, classPath, lines) {
		all = append(all, printed{p.code, w.plain(p.text, dir)})
	}
	return all
}

// partition returns one of the sightings that holds records.
func (w *world) partition() int32 {
	w.Helper()
	return w.read("sightings")[0].Partition
}

// run runs classes with their arguments in one JVM.
func run(t *testing.T, classPath string, lines []string) (all []printed) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-cp", classPath, "Tools")
	in := strings.ReplaceAll(strings.Join(lines, "\n"), " ", "\t")
	cmd.Stdin = strings.NewReader(in + "\n")
	out, err := cmd.Output()
	require.NoError(t, err, "%s", out[max(0, len(out)-2000):])
	text := bufio.NewReader(strings.NewReader(string(out)))
	for {
		var p printed
		var size int
		head, err := text.ReadString('\n')
		if errors.Is(err, io.EOF) {
			require.Len(t, all, len(lines))
			return all
		}
		require.NoError(t, err)
		_, err = fmt.Sscanf(head, "exit %d %d", &p.code, &size)
		require.NoError(t, err, head)
		body := make([]byte, size)
		_, err = io.ReadFull(text, body)
		require.NoError(t, err)
		p.text = string(body)
		all = append(all, p)
	}
}

var (
	// What Apache Kafka of these tests has set for all topics, and a default that has another name there.
	defaults = regexp.MustCompile(`min.insync.replicas=1,|, DEFAULT_CONFIG:log.retention.ms=\d+`)
	topicID  = regexp.MustCompile(`TopicId: \S+`)
	nodes    = regexp.MustCompile(`(Leader|Replicas|Isr|Elr|LastKnownElr|brokers?|Broker|coordinator)(: |\s+|-)(\d+)`)
	logger   = regexp.MustCompile(`(?m)^SLF4J:.*\n`)
	spaces   = regexp.MustCompile(` +`)
)

// plain returns what a script printed without what is of this node.
func (w *world) plain(text, dir string) string {
	text = logger.ReplaceAllString(text, "")
	text = strings.NewReplacer(w.addr, "BROKER", dir, "DIR", `"replicas":[`+w.name+`]`, `"replicas":[NODE]`, "("+w.name+")", "(NODE)").Replace(text)
	text = defaults.ReplaceAllString(text, "")
	text = topicID.ReplaceAllString(text, "TopicId: ID")
	return spaces.ReplaceAllString(nodes.ReplaceAllString(text, "$1$2 NODE"), " ")
}

// dumpLog reads our segments with Kafka's own program: they are record batches as Kafka's.
func (w *world) dumpLog(classPath, dir string) {
	w.Helper()
	partition := w.partition()
	files, err := filepath.Glob(filepath.Join(dir, "logs", fmt.Sprintf("sightings-%d.*", partition), "*.log"))
	require.NoError(w, err)
	require.Len(w, files, 1)
	out := run(w.T, classPath, []string{scripts["dump-log"] + " --print-data-log --files " + files[0]})[0]
	require.Zero(w, out.code, out.text)
	var want []string
	for _, r := range w.read("sightings") {
		if r.Partition == partition {
			want = append(want, fmt.Sprintf("offset: %d CreateTime: %d", r.Offset, r.Timestamp.UnixMilli()))
			require.Contains(w, out.text, "key: "+string(r.Key)+" payload: "+string(r.Value))
		}
	}
	require.NotEmpty(w, want)
	for _, line := range want {
		require.Contains(w, out.text, line)
	}
	require.NotContains(w, out.text, "isvalid: false")
}
