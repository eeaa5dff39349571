package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/query"
)

// QueryCmd answers questions from the tables: a command for each report of package
// query, and SQL. The reports are added by addReports.
type QueryCmd struct {
	kong.Plugins
	SQL SQLCmd `cmd:"" name:"sql" help:"Any SQL, in a read-only transaction. Begin with the view v_detections."`
}

// addReports makes a command of each report.
func (c *QueryCmd) addReports() {
	var fields []reflect.StructField
	for _, r := range query.Reports {
		fields = append(fields, reflect.StructField{
			Name: "Report_" + r.Name, // a field of the parser must be exported
			Type: reflect.TypeFor[ReportCmd](),
			Tag:  reflect.StructTag(fmt.Sprintf(`cmd:"" name:%q help:%q`, r.Name, r.Help)),
		})
	}
	commands := reflect.New(reflect.StructOf(fields))
	for i, r := range query.Reports {
		commands.Elem().Field(i).Addr().Interface().(*ReportCmd).report = r
	}
	c.Plugins = kong.Plugins{commands.Interface()}
}

// ReportCmd runs one report.
type ReportCmd struct {
	DatabaseFlags
	FilterFlags
	report query.Report
}

// Help is the rest of --help.
func (c *ReportCmd) Help() string {
	text := "Columns: " + strings.Join(c.report.Columns, ", ") + "."
	if c.report.Details != "" {
		text += "\n\n" + c.report.Details
	}
	return text + "\n\n" + whenHelp
}

// Run implements the command.
func (c *ReportCmd) Run(ctx context.Context, env *Env) error {
	f, err := c.filter(env)
	if err != nil {
		return err
	}
	return c.ask(ctx, env, c.report.Question(f))
}

// DatabaseFlags are the database to query and the format of the answer.
type DatabaseFlags struct {
	config.Data
	config.Database
	Format string `enum:"table,csv,json" default:"table" help:"table, csv or json (${default})."`
}

// FilterFlags narrow a query.
type FilterFlags struct {
	Camera string `placeholder:"ID" env:"-" help:"Only of this camera."`
	RunID  string `name:"run" placeholder:"RUN" env:"-" help:"Only of this run."`
	Since  When   `placeholder:"TIME" env:"-" help:"Captured at or after this time: 1h (ago), 10:30, yesterday, '2026-11-25 10:00' (local time), 2026-11-25T10:00:00Z."`
	Until  When   `placeholder:"TIME" env:"-" help:"Captured before this time, written as --since is."`
}

// Help is the rest of --help.
func (*FilterFlags) Help() string { return whenHelp }

// filter returns the filter. It prints on standard error how local times were read.
func (w *FilterFlags) filter(env *Env) (query.Filter, error) {
	if err := checkSpan(env, w.Since, w.Until); err != nil {
		return query.Filter{}, err
	}
	return query.Filter{Camera: w.Camera, Run: w.RunID, Since: w.Since.Time, Until: w.Until.Time}, nil
}

// SQLCmd runs a user's own statement.
type SQLCmd struct {
	DatabaseFlags
	Statement string `arg:"" help:"One statement."`
}

// Help is the rest of --help.
func (*SQLCmd) Help() string {
	return `One SELECT, WITH, VALUES, TABLE, SHOW or EXPLAIN. Rows are printed as they come. The private database is asked as sightlog_reader, a role that can only read. With --database-url the role is the URL's: the transaction is read-only, but a superuser's functions read files and end sessions. Give a role there that can only read.`
}

// Run implements the command.
func (c *SQLCmd) Run(ctx context.Context, env *Env) error {
	return c.ask(ctx, env, query.SQL(c.Statement))
}

// ask opens the database, runs the query, and prints the rows as they come.
func (f *DatabaseFlags) ask(ctx context.Context, env *Env, question query.Question) (err error) {
	db, done, err := database.Open(ctx, f.Data, f.Database, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	out := openAnswer(env.Stdout)
	return out.done(question.Answer(ctx, db, out, f.Format))
}
