package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/query"
)

// ProveCmd computes a figure again from the log.
type ProveCmd struct {
	ClusterAddress
	config.Database
	Camera string `required:"" placeholder:"ID" env:"-" help:"The camera."`
	Minute When   `required:"" placeholder:"TIME" env:"-" help:"A time in the minute, written as --since of query is."`
	Format string `enum:"table,csv,json" default:"table" env:"-" help:"table, csv or json (${default})."`
}

// Help is the rest of --help.
func (*ProveCmd) Help() string {
	return `The figures of the minute as the tables have them, beside those of the log's records: columns figure, tables, log. They are those of the camera and its coverage (seconds), of each zone in which a person was, and the crossings of each line. Standard error names the records (partition, first and last offset, number), the models that produced them, and a digest over the records, so that somebody else who has the log can find the same. The exit code is 1 if a figure differs.

` + WhenHelp
}

// errDiffers means that the tables are not what the log says.
var errDiffers = errors.New("the tables differ from the log: rebuild them with sightlogd replay")

// Run implements the command.
func (c *ProveCmd) Run(ctx context.Context, env *Env) (err error) {
	if note := c.Minute.note("--minute"); note != "" {
		fmt.Fprintln(env.Stderr, note)
	}
	log, err := c.config()
	if err != nil {
		return err
	}
	pool, done, err := database.Open(ctx, c.Data, c.Database, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	minute := c.Minute.UTC().Truncate(time.Minute)
	p, err := pipeline.Prove(ctx, log, pool, c.Camera, minute)
	if err != nil {
		return err
	}
	t := &query.Table{Columns: []string{"figure", "tables", "log"}}
	for _, f := range p.Figures() {
		t.Rows = append(t.Rows, []any{f.Name, json.Number(strconv.FormatInt(f.Tables, 10)), json.Number(strconv.FormatInt(f.Log, 10))})
	}
	out := openAnswer(env.Stdout)
	if err := out.done(t.Write(out, c.Format)); err != nil {
		return err
	}
	fmt.Fprintf(env.Stderr, "minute   %s (UTC)\nrecords  %s\nmodels   %s\ndigest   %s\n",
		minute.Format("2006-01-02 15:04"), orNone(p.Records), orNone(p.Models), p.Digest)
	switch {
	case p.Equal():
		return nil
	case len(p.Gone) > 0:
		return fmt.Errorf("the figures differ, but nothing is proved: the log has no records of %s any more", strings.Join(p.Gone, ", "))
	}
	return errDiffers
}

func orNone(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, "; ")
}
