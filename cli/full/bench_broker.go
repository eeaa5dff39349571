package full

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sightlog/sightlog/bench/host"
	"github.com/sightlog/sightlog/bench/produce"
	"github.com/sightlog/sightlog/bench/service"
	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
)

// ProduceCmd measures a broker alone.
type ProduceCmd struct {
	config.Cluster
	Producers   int           `default:"3" env:"-" help:"Clients that produce (${default})."`
	Partitions  int32         `default:"16" env:"-" help:"Partitions of the topic (${default})."`
	Size        int           `default:"1024" env:"-" help:"Bytes of a record (${default})."`
	Acks        string        `enum:"all,leader,none" default:"all" env:"-" help:"Acknowledged by all in-sync replicas, by the leader, or not at all (${default})."`
	Linger      time.Duration `default:"0s" env:"-" help:"Wait this long to fill a batch (${default})."`
	Compression string        `enum:"zstd,lz4,snappy,gzip,none" default:"none" env:"-" help:"zstd, lz4, snappy, gzip or none (${default})."`
	Partitioner string        `enum:"sticky,uniform,round-robin,key" default:"uniform" env:"-" help:"Partition of a record: sticky (KIP-480), uniform (KIP-794), round-robin, or by the key of its camera, key (${default})."`
	Rate        float64       `default:"1000" env:"-" placeholder:"N" help:"Records a second of all producers, whatever the broker answers; 0: each producer waits for acknowledgements instead (${default})."`
	InFlight    int           `default:"1" env:"-" placeholder:"N" help:"With --rate 0: records that a producer sends before it waits (${default})."`
	Rounds      int           `default:"3" env:"-" help:"Rounds; the disk is measured before, between and after them (${default})."`
	Duration    time.Duration `default:"10s" env:"-" help:"Length of a round (${default})."`
	WarmUp      time.Duration `default:"2s" env:"-" help:"Load before the first round, which does not count (${default})."`
	Flush       string        `enum:"always,interval,os" default:"always" env:"-" help:"When the bundled broker syncs; of another, always asks for a topic that syncs each batch (${default})."`
	BrokerPID   int           `name:"broker-pid" placeholder:"PID" env:"-" help:"Process of the --brokers, on this machine, whose CPU time is counted."`
	Dir         string        `default:"/tmp" env:"-" help:"Directory on the disk to use, for the bundled broker's log and the measurement of the disk (${default})."`
	JSON        string        `name:"json" placeholder:"FILE" env:"-" help:"Write the report as JSON, too; - is standard output."`
	pageFlag
}

// durabilities say what --flush promises.
var durabilities = map[string]string{
	"always":   "each write is synced before it is acknowledged",
	"interval": "synced every 50 ms: a power cut loses so much",
	"os":       "acknowledged from memory: the operating system writes later",
}

// Run implements the command.
func (c *ProduceCmd) Run(ctx context.Context, env *cli.Env) (err error) {
	out, err := c.pageFlag.open(c.JSON)
	if err != nil {
		return err
	}
	dir, err := scratchIn(c.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	kafka, err := pipeline.ClusterConfig(c.Cluster, nil)
	if err != nil {
		return err
	}
	kafka.Linger, kafka.Compression = c.Linger, c.Compression
	line := newStepLine(env.Stderr)
	cfg := produce.Config{
		Kafka: kafka, Producers: c.Producers, Partitions: c.Partitions, Size: c.Size, Acks: c.Acks, Partitioner: c.Partitioner,
		Rate: c.Rate, InFlight: c.InFlight, Rounds: c.Rounds, Duration: c.Duration, WarmUp: c.WarmUp,
		SyncEach: c.Flush == "always", Disk: dir, BrokerPID: c.BrokerPID, Progress: line.show,
	}
	if err := cfg.Check(); err != nil {
		return err
	}
	served := "bundled"
	if len(c.Brokers) > 0 {
		served = fmt.Sprint(c.Brokers)
	} else {
		b, addr, err := startBroker(ctx, dir, c.Flush)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.Stop()) }()
		cfg.Kafka.Brokers, cfg.BrokerPID, cfg.Durability = []string{addr}, b.PID(), durabilities[c.Flush]
	}
	r, err := produce.Run(ctx, cfg)
	line.end()
	if err != nil {
		return err
	}
	r.Settings = c.settings()
	describe(r, served)
	return out.write(env, r, produce.WriteText)
}

// settings are the flags in force.
func (c *ProduceCmd) settings() map[string]string {
	s := map[string]string{
		"producers": fmt.Sprint(c.Producers), "partitions": fmt.Sprint(c.Partitions), "size": fmt.Sprint(c.Size), "acks": c.Acks,
		"linger": c.Linger.String(), "compression": c.Compression, "partitioner": c.Partitioner, "rate": fmt.Sprint(c.Rate),
		"rounds": fmt.Sprint(c.Rounds), "duration": c.Duration.String(), "warm-up": c.WarmUp.String(), "flush": c.Flush,
	}
	if c.Rate == 0 {
		s["in-flight"] = fmt.Sprint(c.InFlight)
	}
	return s
}

// scratchIn makes a directory in the one that --dir names.
func scratchIn(dir string) (string, error) {
	made, err := host.Scratch(dir)
	if err != nil {
		return "", usage.Wrap(err, "give a directory that you may write", "--dir %s: %v", dir, usage.Cause(err))
	}
	return made, nil
}

// startBroker starts the bundled broker as a process of its own and returns its address.
func startBroker(ctx context.Context, dir, flush string) (*service.Program, string, error) {
	self, err := cli.Self()
	if err != nil {
		return nil, "", err
	}
	p, err := service.Start(self, "broker", "--data", filepath.Join(dir, "log"), "--listen", "127.0.0.1:0", "--flush", flush)
	if err != nil {
		return nil, "", err
	}
	addr, err := p.Value(ctx, "broker")
	if err != nil {
		return nil, "", errors.Join(err, p.Stop())
	}
	return p, addr, nil
}
