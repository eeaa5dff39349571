package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/mirror"
	"github.com/sightlog/sightlog/usage"
)

// SpoolConfig configures a Spool.
type SpoolConfig struct {
	Spool   config.Spool
	Kafka   config.Kafka // the brokers that it is mirrored to
	Wait    bool         // also while these refuse the login at the start
	Log     *slog.Logger
	Metrics prometheus.Registerer // may be nil
}

// Spool is a bundled broker that detect writes to, and the mirror of its log to other
// brokers, which may be away.
type Spool struct {
	Kafka config.Kafka // reaches the spool

	source    kafka.Config
	log       *slog.Logger
	dir       *datadir.Dir
	own       *broker.Broker
	broker    *service // runs own
	mirror    *mirror.Mirror
	mirroring *service // runs mirror
}

// StartSpool opens the directory and starts the broker and the mirror. It does not wait for
// the other brokers.
func StartSpool(ctx context.Context, cfg SpoolConfig) (s *Spool, err error) {
	if gb := cfg.Spool.SpoolSpace; gb < minSpoolSpace || gb > 1e6 {
		return nil, usage.New(fmt.Sprintf("give %v gigabytes or more", minSpoolSpace), "--spool-space %v", gb)
	}
	target, err := ClusterConfig(cfg.Kafka.Cluster, nil) // no log: the mirror reports its failures
	if err != nil {
		return nil, err
	}
	target.Compression = cfg.Kafka.Compression
	if !cfg.Wait {
		if err := CheckRefused(ctx, target, "--brokers"); err != nil {
			return nil, err
		}
	}
	s = &Spool{log: cfg.Log}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
			s = nil
		}
	}()
	if err := s.startBroker(ctx, cfg); err != nil {
		return s, err
	}
	s.mirror, err = mirror.New(mirror.Config{
		Source: s.source, Target: target, Partitions: cfg.Kafka.Partitions, Drop: cfg.Spool.DropOldest.DropOldest,
		OtherLog: "give another --spool directory", Log: cfg.Log, Metrics: cfg.Metrics,
	})
	if err != nil {
		return s, err
	}
	s.mirroring = startService(s.mirror.Run)
	return s, nil
}

// minSpoolSpace is the least space of a spool in gigabytes.
const minSpoolSpace = 0.01

// Of the space, sightings have most, because crossings and visits are few; a segment more
// than retention.bytes may be there for each.
const (
	sightingsShare, sightingsSegment = 0.70, 0.05
	othersShare, othersSegment       = 0.10, 0.01 // crossings, and again visits
)

// startBroker starts the broker and creates its topics, with one partition each: one disk
// has no use for more.
func (s *Spool) startBroker(ctx context.Context, cfg SpoolConfig) (err error) {
	if s.dir, err = datadir.Open(cfg.Spool.Spool); err != nil {
		if wrong := (*usage.Error)(nil); errors.As(err, &wrong) { // detect has no --data
			wrong.What, wrong.Fix = strings.ReplaceAll(wrong.What, "--data", "--spool"), strings.ReplaceAll(wrong.Fix, "--data", "--spool")
		}
		return err
	}
	s.dir.LogOwner(cfg.Log)
	share := func(part float64) string { return strconv.FormatInt(int64(cfg.Spool.SpoolSpace*1e9*part), 10) }
	s.own, err = s.dir.OpenBroker(broker.Config{
		Listen: "127.0.0.1:0", Log: cfg.Log, Metrics: cfg.Metrics,
		TopicDefaults: map[string]string{"retention.bytes": share(othersShare), "segment.bytes": share(othersSegment)},
	})
	if err != nil {
		return err
	}
	s.broker = startService(s.own.Run)
	s.Kafka = cfg.Kafka
	s.Kafka.Cluster = config.Cluster{Brokers: []string{s.own.Addr()}, SchemaRegistry: cfg.Kafka.SchemaRegistry}
	s.Kafka.Partitions = 1
	if err := s.dir.Publish(datadir.Endpoints{Broker: s.own.Addr()}); err != nil {
		return err
	}
	if s.source, err = ClusterConfig(s.Kafka.Cluster, nil); err != nil {
		return err
	}
	if err := ReachTopics(ctx, s.Kafka, false, cfg.Log); err != nil {
		return err
	}
	cl, err := s.source.Client()
	if err != nil {
		return err
	}
	defer cl.Close()
	bytes, segment := share(sightingsShare), share(sightingsSegment)
	answers, err := kadm.NewClient(cl).AlterTopicConfigs(ctx, []kadm.AlterConfig{
		{Op: kadm.SetConfig, Name: "retention.bytes", Value: &bytes},
		{Op: kadm.SetConfig, Name: "segment.bytes", Value: &segment},
	}, kafka.Sightings)
	if err == nil {
		_, err = answers.On(kafka.Sightings, func(a *kadm.AlterConfigsResponse) error { return a.Err })
	}
	if err != nil {
		return fmt.Errorf("set the space of the spool: %w", err)
	}
	return nil
}

// Problems returns a line for each reason for which records do not get into the spool or
// out of it at present.
func (s *Spool) Problems() []string {
	lines := s.mirror.Problems()
	if p := s.own.Problem(); p != "" {
		lines = append(lines, p)
	}
	return lines
}

// AwaitFailure waits until the broker or the mirror has failed, whose error Stop returns, or
// until ctx ends.
func (s *Spool) AwaitFailure(ctx context.Context) {
	select {
	case <-s.mirroring.done:
	case <-s.broker.done:
	case <-ctx.Done():
	}
}

// Drain waits until all is mirrored that the spool has, or until ctx ends, and returns how
// many records are left.
func (s *Spool) Drain(ctx context.Context) (left int64, err error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		// Also after ctx has ended: the answer comes from this process.
		ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), reachTimeout)
		left, err = mirror.Lag(ask, s.source)
		cancel()
		if err != nil || left == 0 || ctx.Err() != nil {
			return left, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// Stop stops the mirror and then the broker. Records that are not mirrored stay
// for the next start.
func (s *Spool) Stop() error {
	errs := []error{s.mirroring.stop(), s.broker.stop()}
	if s.dir != nil {
		errs = append(errs, s.dir.Close())
	}
	return errors.Join(errs...)
}
