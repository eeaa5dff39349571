package cli

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/mirror"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
)

// MirrorCmd copies topics into another cluster.
type MirrorCmd struct {
	ClusterAddress
	config.Into
	config.DropOldest
	config.Wait
	Metrics
	Compression  string   `enum:"zstd,lz4,snappy,gzip,none" default:"zstd" help:"Compress what is produced: zstd, lz4, snappy, gzip or none (${default})."`
	Partitions   int32    `default:"8" help:"Partitions of the sightings topic when it is created (${default})."`
	MirrorTopics []string `placeholder:"TOPIC" help:"Topics to mirror; without it sightings, crossings, visits, runs and snapshots."`
	MirrorGroup  string   `default:"sightlog-mirror" help:"Consumer group of the mirror at its source, which names it; two mirrors of one source need two (${default})."`
	Remirror     bool     `env:"-" help:"Mirror again, from their beginning, partitions whose log is not the one that was mirrored. Other partitions are not affected."`
	Once         bool     `env:"-" help:"End when all is mirrored that the source has now."`
}

// Help is the rest of --help.
func (*MirrorCmd) Help() string {
	return `For a box that stores and forwards: exactly once and in order, also after days without the centre. See docs/edge.md.`
}

// Run implements the command.
func (c *MirrorCmd) Run(ctx context.Context, env *Env) error {
	log := env.Logger(slog.LevelInfo)
	if len(c.Into.Into) == 0 {
		return usage.New("add --into HOST:PORT", "mirror needs the brokers to mirror into")
	}
	source, err := c.config()
	if err != nil {
		return err
	}
	target, err := pipeline.IntoConfig(c.Into, c.Compression)
	if err != nil {
		return err
	}
	return c.WithMetrics(func(metrics prometheus.Registerer, watch Watch) error {
		m, err := mirror.New(mirror.Config{
			Source: source, Target: target, Topics: c.MirrorTopics, Group: c.MirrorGroup, Partitions: c.Partitions,
			Drop: c.DropOldest.DropOldest, Remirror: c.Remirror, Once: c.Once, Log: log, Metrics: metrics,
		})
		if err != nil {
			return err
		}
		if !c.Wait.Wait { // the cluster that is mirrored into may be away
			if err := reachCluster(ctx, source); err != nil {
				return err
			}
			if err := pipeline.CheckRefused(ctx, target, "--into"); err != nil {
				return err
			}
		}
		watch(m.Problems, nil)
		return m.Run(ctx)
	})
}
