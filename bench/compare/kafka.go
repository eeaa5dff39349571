package compare

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/bench/service"
)

const (
	topic        = "sightings"
	kafkaTimeout = time.Minute // to start
	terminated   = 143         // Java's exit code after SIGTERM
)

// kafka is one running node of Apache Kafka, on loopback.
type kafka struct {
	*service.Program
	addr string
}

// settings of a node, as its own config/server.properties has them for one node. synced asks for
// an fsync of each batch before it is acknowledged: without it Kafka acknowledges from memory.
func settings(dir, addr, controller string, synced bool) string {
	lines := []string{
		"process.roles=broker,controller",
		"node.id=1",
		"controller.quorum.voters=1@" + controller,
		"controller.listener.names=CONTROLLER",
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"listeners=PLAINTEXT://" + addr + ",CONTROLLER://" + controller,
		"advertised.listeners=PLAINTEXT://" + addr,
		"log.dirs=" + dir,
		"offsets.topic.replication.factor=1",
		"transaction.state.log.replication.factor=1",
		"transaction.state.log.min.isr=1",
		"group.initial.rebalance.delay.ms=1000",
	}
	if synced {
		lines = append(lines, "log.flush.interval.messages=1")
	}
	return strings.Join(lines, "\n") + "\n"
}

// startKafka starts a node with an empty log and the topic.
func startKafka(ctx context.Context, t Tools, dir string, partitions int, synced bool) (k *kafka, err error) {
	addr, controller, err := freeAddrs()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "server.properties")
	if err := os.WriteFile(file, []byte(settings(filepath.Join(dir, "kafka"), addr, controller, synced)), 0o644); err != nil {
		return nil, fmt.Errorf("configure Kafka: %w", err)
	}
	err = runIn(ctx, t.Java, "-XX:TieredStopAtLevel=1", "-cp", t.Jars, "kafka.tools.StorageTool",
		"format", "--cluster-id", "c2lnaHRsb2ctYmVuY2gtMQ", "--config", file)
	if err != nil {
		return nil, fmt.Errorf("format the log of Kafka: %w", err)
	}
	// The collector that its own script sets, and half of that script's heap.
	p, err := service.Start(t.Java, "-Xmx512m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-cp", t.Jars, "kafka.Kafka", file)
	if err != nil {
		return nil, err
	}
	k = &kafka{p, addr}
	if err := k.makeTopic(ctx, partitions); err != nil {
		return nil, errors.Join(err, k.stop())
	}
	return k, nil
}

// makeTopic waits until the node answers, and makes the topic.
func (k *kafka) makeTopic(ctx context.Context, partitions int) error {
	ctx, cancel := context.WithTimeout(ctx, kafkaTimeout)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.addr))
	if err != nil {
		return fmt.Errorf("ask Kafka: %w", err)
	}
	defer client.Close()
	for admin := kadm.NewClient(client); ; {
		_, err = admin.CreateTopic(ctx, int32(partitions), 1, nil, topic)
		if err == nil {
			return nil
		}
		select {
		case <-k.Ended():
			return k.Failed()
		case <-ctx.Done():
			return fmt.Errorf("wait for Kafka: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (k *kafka) stop() error {
	err := k.Stop()
	if k.ExitCode() == terminated {
		return nil
	}
	return err
}

// freeAddrs returns two addresses on which nobody listens.
func freeAddrs() (a, b string, err error) {
	for _, addr := range []*string{&a, &b} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() // after both are found, so that they differ
		*addr = l.Addr().String()
	}
	return a, b, nil
}
