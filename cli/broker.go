package cli

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/pipeline"
)

// BrokerCmd runs the bundled broker by itself.
type BrokerCmd struct {
	config.Broker
	config.Data
	Advertise string `placeholder:"HOST:PORT" help:"Address that clients are told; without it, where it listens."`
}

// Run implements the command.
func (c *BrokerCmd) Run(ctx context.Context, env *Env) error {
	dir, err := pipeline.OpenDataDir(c.Data.Data)
	if err != nil {
		return err
	}
	defer dir.Close()
	b, err := pipeline.OpenBroker(broker.Config{
		Listen: c.Listen, Advertise: c.Advertise, Dir: dir.Path("log"), Log: env.Logger(slog.LevelInfo),
	})
	if err != nil {
		return err
	}
	if err := dir.Publish(pipeline.Endpoints{Broker: b.Addr()}); err != nil {
		b.Close()
		return err
	}
	fmt.Fprintf(env.Stdout, "broker=%s\n", b.Addr())
	return b.Run(ctx)
}
