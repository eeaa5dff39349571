package cli

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/occupancy"
)

// OccupancyCmd computes the people of each camera in windows of time.
type OccupancyCmd struct {
	ClusterAddress
	config.Wait
	Metrics
	Window time.Duration `default:"1m" help:"Length of a window, 1s to 24h (${default})."`
	Every  time.Duration `placeholder:"TIME" help:"From the start of a window to that of the next; divides --window, which it is by default."`
	Grace  time.Duration `default:"10s" help:"How long a window waits for frames that are not in order, in event time (${default})."`
	Idle   time.Duration `placeholder:"TIME" help:"When nothing has come of a camera for this time its windows are complete; --window by default, at least 1m."`
	Topic  string        `default:"occupancy" help:"Topic to write to. Its name with .state has the open windows, and each topic a consumer group (${default})."`
}

// Help is the rest of --help.
func (*OccupancyCmd) Help() string {
	return `Each record has the totals of one camera, run, window and zone (without a zone: the whole picture), exactly once, as JSON. Several instances share the cameras. Other windows need another --topic. See docs/occupancy.md.`
}

// Run implements the command.
func (c *OccupancyCmd) Run(ctx context.Context, env *Env) error {
	log := env.Logger(slog.LevelInfo)
	cfg, err := c.config()
	if err != nil {
		return err
	}
	return c.WithMetrics(func(metrics prometheus.Registerer, watch Watch) error {
		p, err := occupancy.New(occupancy.Config{
			Kafka: cfg, Topic: c.Topic, Window: c.Window, Every: c.Every, Grace: c.Grace, Idle: c.Idle, Log: log, Metrics: metrics,
		})
		if err != nil {
			return err
		}
		if !c.Wait.Wait {
			if err := reachCluster(ctx, cfg); err != nil {
				return err
			}
		}
		watch(p.Problems, nil)
		return p.Run(ctx)
	})
}
