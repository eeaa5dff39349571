package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	reports "github.com/sightlog/sightlog/alarm/report"
	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/usage"
)

// MakeReportCmd makes a report at once.
type MakeReportCmd struct {
	ClusterAddress
	config.Database
	Name   string `arg:"" optional:"" help:"The report in the file of --config; without one, that of a day, of all cameras, in UTC."`
	Day    string `placeholder:"DATE" env:"-" help:"A day of the period, as 2026-11-27; without it the last period that is over."`
	Format string `enum:"text,html,csv,json" default:"text" env:"-" help:"text, html, csv or json (${default})."`
	Send   bool   `env:"-" help:"Send it to the report's receivers, too: once, past the tables and quiet times."`
}

// Help is the rest of --help.
func (*MakeReportCmd) Help() string {
	return `The figures are those of the page's Today and of query gaps. A period in progress has what there is of it. The report that is sent at its time is made nevertheless. Exit code 1 if a receiver does not take it.`
}

// Run implements the command.
func (c *MakeReportCmd) Run(ctx context.Context, env *Env) (err error) {
	r, err := c.choose(env)
	if err != nil {
		return err
	}
	now := time.Now()
	p := r.Last(now)
	if c.Day != "" {
		day, err := time.Parse(time.DateOnly, c.Day)
		if err != nil || day.Year() < 1970 || day.Year() > 2200 {
			return usage.New("give a date as 2026-11-27", "--day %q", c.Day)
		}
		p = r.Of(day)
	}
	pool, done, err := database.Open(ctx, c.Data, c.Database, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return c.answer(ctx, env, pool, r, p, now)
}

func (c *MakeReportCmd) answer(ctx context.Context, env *Env, pool *pgxpool.Pool, r *rule.Report, p rule.Period, now time.Time) error {
	rep, err := reports.Make(ctx, pool, r, p, now)
	if err != nil {
		return err
	}
	text := rep.Text()
	switch c.Format {
	case "html":
		text, err = rep.HTML()
	case "csv":
		text = rep.CSV()
	case "json":
		var b []byte
		b, err = json.MarshalIndent(rep, "", "  ")
		text = string(b) + "\n"
	}
	if err != nil {
		return err
	}
	if _, err := io.WriteString(env.Stdout, text); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if !c.Send {
		return nil
	}
	return c.send(ctx, env, r, rep, now)
}

// send sends the report once to its receivers.
func (c *MakeReportCmd) send(ctx context.Context, env *Env, r *rule.Report, rep *reports.Report, now time.Time) error {
	others := func(to rule.Receiver) bool { return !r.Sends(to.Name) }
	to := slices.DeleteFunc(slices.Clone(env.Alarms.Receivers), others)
	if len(to) == 0 {
		return usage.New("add receivers to the configuration: --config FILE", "--send: there is no receiver")
	}
	msg, err := rep.Message(now)
	if err != nil {
		return err
	}
	outcomes, err := sendOnce(ctx, to, c.config, msg)
	if err != nil {
		return err
	}
	return notTaken(outcomes)
}

// choose returns the report of the argument.
func (c *MakeReportCmd) choose(env *Env) (*rule.Report, error) {
	if c.Name == "" {
		return &rule.Report{Name: "daily", Every: rule.EveryDay}, nil
	}
	var names []string
	for i := range env.Alarms.Reports {
		if r := &env.Alarms.Reports[i]; r.Name == c.Name {
			return r, nil
		}
		names = append(names, env.Alarms.Reports[i].Name)
	}
	return nil, usage.New("reports of the configuration (--config FILE): "+cmp.Or(strings.Join(names, ", "), "none"), "no report is named %q", c.Name)
}
