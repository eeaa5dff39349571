package cli

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/usage"
)

// DefaultModel is the model that is used if none is named. It is a copy of
// models.Default, so that the services do not contain the model's weights.
const DefaultModel = "person-nano"

// Services are the commands without camera and model.
type Services struct {
	Broker    BrokerCmd     `cmd:"" group:"Services" help:"Run the bundled broker: a durable log that speaks the Kafka protocol."`
	Sink      SinkCmd       `cmd:"" group:"Services" help:"Write the log into PostgreSQL, exactly once."`
	Serve     ServeCmd      `cmd:"" group:"Services" help:"Run broker, database and sinks of a data directory, without sources."`
	Occupancy OccupancyCmd  `cmd:"" group:"Services" help:"Write the people of each camera in windows of time to a topic, exactly once."`
	Mirror    MirrorCmd     `cmd:"" group:"Services" help:"Copy the log of an edge box into another cluster, exactly once."`
	Query     QueryCmd      `cmd:"" group:"Questions" help:"Ask: ${reports}, or SQL of your own."`
	Export    ExportCmd     `cmd:"" group:"Questions" help:"Write a run's detections and tracks for other tools: MOT or COCO."`
	URL       URLCmd        `cmd:"" name:"url" group:"Questions" help:"Print the addresses of a running data directory."`
	Topics    TopicsCmd     `cmd:"" group:"Kafka" help:"Topics of any Kafka cluster."`
	Groups    GroupsCmd     `cmd:"" group:"Kafka" help:"Consumer groups of any Kafka cluster."`
	Dead      DeadCmd       `cmd:"" group:"Kafka" help:"Dead letters, the records that could not be stored: list, show, retry, drop."`
	Snapshots SnapshotsCmd  `cmd:"" group:"Questions" help:"Pictures of tracked objects: list them, and delete those of a person."`
	Alarm     AlarmCmd      `cmd:"" group:"Questions" help:"Alarms: test their receivers, list them, and try rules on the past."`
	Report    MakeReportCmd `cmd:"" name:"report" group:"Questions" help:"The report of a day or a week: print it, or send it."`
	Prove     ProveCmd      `cmd:"" group:"Questions" help:"Compute the figures of a camera's minute again from the log."`
	Replay    ReplayCmd     `cmd:"" group:"Set-up" help:"Build the tables again from the log, beside the present ones, and exchange them."`
	Recount   RecountCmd    `cmd:"" group:"Questions" help:"Count a past again with other zones and lines, beside the figures of before."`
	Web       WebCmd        `cmd:"" group:"Set-up" help:"Users and tokens of the page."`
	Data      DataCmd       `cmd:"" group:"Set-up" help:"Copy and move data directories: export, import, adopt."`
	Migrate   MigrateCmd    `cmd:"" group:"Set-up" help:"Create or update the tables of a database."`
	Version   VersionCmd    `cmd:"" group:"Set-up" help:"Print the version."`
}

// prepare completes the commands that are lists of other packages.
func (s *Services) prepare() { s.Query.addReports() }

// VersionCmd prints the version.
type VersionCmd struct{}

// Run implements the command.
func (*VersionCmd) Run(env *Env) error {
	_, err := fmt.Fprintf(env.Stdout, "%s %s\n", env.Name, Version)
	return err
}

// MigrateCmd creates or updates the tables.
type MigrateCmd struct {
	config.Database
	config.Wait
	MoveFrom string `placeholder:"SCHEMA" env:"-" help:"First move the tables from this schema into that of --schema; stop sinks and readers before."`
}

// Run implements the command.
func (c *MigrateCmd) Run(ctx context.Context, env *Env) error {
	if c.DatabaseURL == "" {
		return needURL()
	}
	if c.MoveFrom != "" && c.Schema == "" {
		return usage.New("add --schema NAME, the schema to move them to", "--move-from %s", c.MoveFrom)
	}
	url, err := postgres.WithSchema(c.DatabaseURL, c.Schema)
	if err != nil {
		return err
	}
	opts := postgres.Options{Wait: c.Wait.Wait, Log: env.Logger(slog.LevelInfo)}
	if c.MoveFrom != "" {
		if err := database.MoveTables(ctx, url, c.MoveFrom, opts); err != nil {
			return err
		}
	}
	pool, err := database.OpenMigrated(ctx, url, opts)
	if err != nil {
		return err
	}
	pool.Close()
	_, err = fmt.Fprintln(env.Stdout, "the tables are up to date")
	return err
}
