package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

// ReplayCmd builds the tables again from the log.
type ReplayCmd struct {
	ClusterAddress
	config.Database
	config.Store
	Into  string   `placeholder:"URL" env:"-" help:"Write into this database, which is empty, and replace nothing."`
	Since When     `placeholder:"TIME" env:"-" help:"With --into: only records produced at or after this time."`
	Begin []string `name:"from" placeholder:"[TOPIC/[PARTITION/]]WHERE" env:"-" help:"With --into: where to begin in these partitions: earliest, latest or an offset."`
	Sinks int      `default:"2" env:"-" help:"Concurrent consumers that write (${default})."`
}

// Help is the rest of --help.
func (*ReplayCmd) Help() string {
	return `The tables are built in schema ` + pipeline.ReplaySchema + ` beside the present ones, while these are used and written. When they hold all that the present ones hold, they take the place of these, in one transaction; the present ones are kept in a schema of their own, which the last line names. Sinks need not be stopped. An interrupted replay goes on when it is called again.

If the log has lost records that the tables have, because of its retention, nothing is replaced: replay into another database then.`
}

// Run implements the command.
func (c *ReplayCmd) Run(ctx context.Context, env *Env) error {
	if part := !c.Since.IsZero() || len(c.Begin) > 0; part && c.Into == "" {
		return usage.New("add --into URL", "--since, --from: tables that lack what was before cannot replace the present ones")
	}
	log, url, err := c.find()
	if err != nil {
		return err
	}
	cfg := pipeline.ReplayConfig{Kafka: log, URL: url, Since: c.Since.Time, Begin: c.Begin, Sinks: c.Sinks, Store: c.Store.Store,
		Log: env.Logger(slog.LevelWarn)}
	shown := time.Now()
	cfg.Progress = func(lag int64) {
		if time.Since(shown) > replayLine && lag > 0 {
			shown = time.Now()
			fmt.Fprintf(env.Stderr, "%d records left\n", lag)
		}
	}
	if c.Into != "" {
		cfg.URL = c.Into
		rows, err := pipeline.ReplayInto(ctx, cfg)
		if err == nil {
			_, err = fmt.Fprintln(env.Stdout, rows)
		}
		return err
	}
	r, err := pipeline.Replay(ctx, cfg)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "before   %s\nrebuilt  %s\nThe tables of before are in schema %s; when they are not needed: DROP SCHEMA %s CASCADE\n",
		r.Before, r.Rebuilt, r.Kept, r.Kept)
	return err
}

// replayLine is the time between two lines of progress.
const replayLine = 2 * time.Second

// find returns the log and, without --into, the address of the tables.
func (c *ReplayCmd) find() (log kafka.Config, url string, err error) {
	cluster, url, tables := c.Cluster, c.DatabaseURL, c.Into == ""
	if len(cluster.Brokers) == 0 || url == "" && tables {
		e, err := datadir.ReadEndpoints(c.Data.Data)
		if errors.Is(err, datadir.ErrNotRunning) {
			return log, "", usage.Wrap(err, "start it: sightlogd serve --data "+c.Data.Data+"; or give --brokers and --database-url",
				"--data %s: nothing runs on it", c.Data.Data)
		}
		if err != nil {
			return log, "", err
		}
		if len(cluster.Brokers) == 0 {
			cluster.Brokers, cluster.SchemaRegistry = []string{e.Broker}, cmp.Or(cluster.SchemaRegistry, e.Registry)
		}
		if url == "" {
			url = e.Database
		}
	}
	if url == "" && tables {
		return log, "", needURL()
	}
	if log, err = pipeline.ClusterConfig(cluster, nil); err != nil {
		return log, "", err
	}
	url, err = postgres.WithSchema(url, c.Schema)
	return log, url, err
}
