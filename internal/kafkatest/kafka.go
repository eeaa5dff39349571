// Package kafkatest gives tests a cluster of Apache Kafka, each node a JVM of
// its own on loopback, from the jars that make test fetches.
package kafkatest

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/testenv"
)

// ClassPath returns the class path of Kafka's jars, those of lib/kafka or
// $SIGHTLOG_KAFKA_JARS, and skips the test where they or Java are absent.
func ClassPath(t testing.TB) string {
	t.Helper()
	if _, err := exec.LookPath("java"); err != nil {
		testenv.Skip(t, "java is not installed")
	}
	dir := os.Getenv("SIGHTLOG_KAFKA_JARS")
	if dir == "" {
		dir = filepath.Join(testenv.Root(), "lib", "kafka")
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "kafka_*.jar")); len(found) == 0 {
		testenv.Skip(t, "no Apache Kafka in "+dir+": make test fetches it where Maven is installed")
	}
	return filepath.Join(dir, "*")
}

// Cluster is a running cluster. Every node is broker and controller.
type Cluster struct {
	t     testing.TB
	jars  string
	jvm   []string
	nodes []*node
}

type node struct {
	addr   string            // of the broker's plain listener
	more   map[string]string // addresses of Options.Listeners, by name
	log    string            // its directory of logs
	config string
	cmd    *exec.Cmd
	out    bytes.Buffer
}

// Options are what a cluster has beside what Start gives it.
type Options struct {
	Dirs      []string          // where node i keeps its log; a directory of the test where it is missing or ""
	Settings  []string          // lines of every node's configuration
	Listeners map[string]string // further listeners of the brokers: name → security protocol
	Format    []string          // further arguments of kafka-storage format
	JVM       []string          // further arguments of the nodes' JVMs
}

// Start runs a cluster until the test ends. Topics that say nothing else have
// as many replicas as there are nodes, up to three, of which two must be in
// sync where there are three. Settings are added to every node's.
func Start(t testing.TB, nodes int, settings ...string) *Cluster {
	t.Helper()
	return StartWith(t, nodes, Options{Settings: settings})
}

// StartWith is Start with options.
func StartWith(t testing.TB, nodes int, o Options) *Cluster {
	t.Helper()
	c := &Cluster{t: t, jars: ClassPath(t), jvm: o.JVM}
	controllers := make([]string, nodes) // they must know each other's before they start
	voters := make([]string, nodes)
	for i := range nodes {
		n := &node{addr: testenv.FreeAddr(t), more: map[string]string{}, log: filepath.Join(t.TempDir(), "log")}
		for name := range o.Listeners {
			n.more[name] = testenv.FreeAddr(t)
		}
		if i < len(o.Dirs) && o.Dirs[i] != "" {
			n.log = filepath.Join(o.Dirs[i], "log")
		}
		c.nodes = append(c.nodes, n)
		controllers[i] = testenv.FreeAddr(t)
		voters[i] = fmt.Sprintf("%d@%s", i+1, controllers[i])
	}
	id := uuid.New()
	cluster := "k" + base64.RawURLEncoding.EncodeToString(id[:])[1:] // an argument must not begin with a dash
	for i, n := range c.nodes {
		n.config = filepath.Join(t.TempDir(), "server.properties")
		lines := append(n.settings(i+1, controllers[i], strings.Join(voters, ","), nodes, o.Listeners), o.Settings...)
		require.NoError(t, os.WriteFile(n.config, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
		args := append([]string{
			"-XX:TieredStopAtLevel=1", "-cp", c.jars, "kafka.tools.StorageTool",
			"format", "--cluster-id", cluster, "--config", n.config,
		}, o.Format...)
		out, err := exec.Command("java", args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	t.Cleanup(func() {
		for i, n := range c.nodes {
			c.Kill(i)
			if t.Failed() {
				t.Logf("node %d:\n%s", i+1, n.out.Bytes()[max(0, n.out.Len()-8000):])
			}
		}
	})
	for i := range c.nodes {
		c.StartNode(i)
	}
	c.awaitNodes(nodes)
	return c
}

// settings are a node's, which has the number id of so many nodes.
func (n *node) settings(id int, controller, voters string, nodes int, listeners map[string]string) []string {
	protocols, listening, advertised := "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT", "PLAINTEXT://"+n.addr, "PLAINTEXT://"+n.addr
	for name, protocol := range listeners {
		protocols += "," + name + ":" + protocol
		listening += "," + name + "://" + n.more[name]
		advertised += "," + name + "://" + n.more[name]
	}
	replicas := min(nodes, 3)
	return []string{
		"process.roles=broker,controller",
		fmt.Sprintf("node.id=%d", id),
		"controller.quorum.voters=" + voters,
		"controller.listener.names=CONTROLLER",
		"listener.security.protocol.map=" + protocols,
		"listeners=" + listening + ",CONTROLLER://" + controller,
		"advertised.listeners=" + advertised,
		"inter.broker.listener.name=PLAINTEXT",
		"log.dirs=" + n.log,
		fmt.Sprintf("default.replication.factor=%d", replicas),
		fmt.Sprintf("min.insync.replicas=%d", max(1, replicas-1)),
		fmt.Sprintf("offsets.topic.replication.factor=%d", replicas),
		"offsets.topic.num.partitions=4",
		fmt.Sprintf("transaction.state.log.replication.factor=%d", replicas),
		fmt.Sprintf("transaction.state.log.min.isr=%d", max(1, replicas-1)),
		"transaction.state.log.num.partitions=4",
		"group.initial.rebalance.delay.ms=0",
	}
}

// Addrs returns where the nodes listen, comma-separated.
func (c *Cluster) Addrs() string {
	addrs := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		addrs[i] = n.addr
	}
	return strings.Join(addrs, ",")
}

// AddrsOf returns where the nodes' listener of Options.Listeners listens, comma-separated.
func (c *Cluster) AddrsOf(listener string) string {
	addrs := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		addrs[i] = n.more[listener]
	}
	return strings.Join(addrs, ",")
}

// LogDir returns where node i keeps its logs and its copy of the cluster's
// metadata.
func (c *Cluster) LogDir(i int) string { return c.nodes[i].log }

// PID returns the process of node i, which runs.
func (c *Cluster) PID(i int) int { return c.nodes[i].cmd.Process.Pid }

// Kill ends node i with SIGKILL. A node that does not run stays so.
func (c *Cluster) Kill(i int) {
	n := c.nodes[i]
	if n.cmd == nil {
		return
	}
	n.cmd.Process.Kill()
	n.cmd.Wait()
	n.cmd = nil
}

// Stop ends node i as a rolling restart does: it hands its partitions to the others before.
func (c *Cluster) Stop(i int) {
	c.t.Helper()
	n := c.nodes[i]
	require.NoError(c.t, n.cmd.Process.Signal(syscall.SIGTERM))
	_ = n.cmd.Wait() // with the exit code of a signal
	n.cmd = nil
}

// AwaitEnd waits until node i has ended by itself, as one does whose disk is full.
func (c *Cluster) AwaitEnd(i int) {
	c.t.Helper()
	n := c.nodes[i]
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = n.cmd.Wait() // with an exit code of its own
	}()
	select {
	case <-ended:
		n.cmd = nil
	case <-time.After(3 * time.Minute):
		require.NoError(c.t, n.cmd.Process.Kill())
		<-ended
		n.cmd = nil
		require.FailNow(c.t, "the node does not end")
	}
}

// Leader returns which node leads a partition, once one does.
func (c *Cluster) Leader(topic string, partition int32) (node int) {
	c.t.Helper()
	c.await("a leader of "+topic, func(ctx context.Context, adm *kadm.Client) bool {
		details, err := adm.ListTopics(ctx, topic)
		p, found := details[topic].Partitions[partition]
		node = int(p.Leader) - 1
		return err == nil && found && p.Err == nil && node >= 0
	})
	return node
}

// StartNode starts node i, which does not run.
func (c *Cluster) StartNode(i int) {
	n := c.nodes[i]
	args := append([]string{"-Xmx512m", "-XX:+UseSerialGC", "-cp", c.jars}, c.jvm...)
	n.cmd = exec.Command("java", append(args, "kafka.Kafka", n.config)...)
	n.cmd.Stdout, n.cmd.Stderr = &n.out, &n.out
	require.NoError(c.t, n.cmd.Start())
}

// awaitNodes waits until a client sees that many brokers.
func (c *Cluster) awaitNodes(want int) {
	c.t.Helper()
	c.await("as many brokers as were started", func(ctx context.Context, adm *kadm.Client) bool {
		brokers, err := adm.ListBrokers(ctx)
		return err == nil && len(brokers) == want
	})
}

// AwaitInSync waits until all nodes answer, and all replicas of the topics' partitions, and of
// Kafka's own topics, are in sync: then any node can be killed. (A node that was killed counts as in
// sync until the controller has missed it for some seconds.)
func (c *Cluster) AwaitInSync(topics ...string) {
	c.t.Helper()
	c.await("all replicas in sync", func(ctx context.Context, adm *kadm.Client) bool {
		brokers, err := adm.ListBrokers(ctx) // those that ApiVersions asks
		if err != nil || len(brokers) < len(c.nodes) {
			return false
		}
		answers, err := adm.ApiVersions(ctx)
		if err != nil || len(answers) < len(c.nodes) {
			return false
		}
		for _, a := range answers {
			if a.Err != nil {
				return false
			}
		}
		details, err := adm.ListTopicsWithInternal(ctx)
		for _, topic := range topics {
			if !details.Has(topic) {
				return false
			}
		}
		inSync := err == nil
		details.EachPartition(func(p kadm.PartitionDetail) {
			inSync = inSync && p.Err == nil && len(p.ISR) == len(p.Replicas)
		})
		return inSync
	})
}

func (c *Cluster) await(what string, holds func(context.Context, *kadm.Client) bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(c.Addrs(), ",")...), kgo.MetadataMinAge(100*time.Millisecond))
	require.NoError(c.t, err)
	defer cl.Close()
	for adm := kadm.NewClient(cl); !holds(ctx, adm); {
		select {
		case <-ctx.Done():
			require.FailNow(c.t, "waited in vain for "+what)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
