package cli

import (
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // a frame may be one
	"image/png"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // --tz on a machine without a list of time zones

	"github.com/alecthomas/kong"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// QueryCmd answers questions from the tables: a command for each report of package
// query, and SQL. The reports are added by addReports.
type QueryCmd struct {
	kong.Plugins
	SQL SQLCmd `cmd:"" name:"sql" help:"Any SQL, in a read-only transaction. Begin with the views v_minutes and v_detections."`
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

// removeFlags removes from each report's command the flags that the report does not take.
func removeFlags(node *kong.Node) {
	if c, ok := reflect.TypeAssert[*ReportCmd](node.Target.Addr()); ok {
		node.Flags = slices.DeleteFunc(node.Flags, func(f *kong.Flag) bool { return !c.report.Takes(f.Name) })
	}
	for _, child := range node.Children {
		removeFlags(child)
	}
}

// ReportCmd runs one report. Its flags are those that any report takes; the parser knows
// those of its own.
type ReportCmd struct {
	DatabaseFlags
	FilterFlags
	ReportFlags
	report query.Report
}

// ReportFlags narrow a report or shape its answer. Zero values are package query's
// defaults.
type ReportFlags struct {
	Zone     string        `placeholder:"NAME" env:"-" help:"Only of this zone."`
	Line     string        `placeholder:"NAME" env:"-" help:"Only of this line."`
	Place    string        `placeholder:"NAME" env:"-" help:"Only of this place."`
	Class    string        `placeholder:"LABEL" env:"-" help:"Only of this class."`
	MinScore float64       `placeholder:"0..1" env:"-" help:"Only with this score or a higher one."`
	Bucket   string        `placeholder:"1m|1h|1d" env:"-" help:"Length of a row: a minute, an hour or a day."`
	TZ       string        `name:"tz" placeholder:"ZONE" env:"-" help:"Time zone in which hours and days begin and times are read and printed, as Europe/Berlin (UTC)."`
	Gap      time.Duration `default:"10s" env:"-" help:"The shortest gap (${default})."`
	Top      int           `default:"10" env:"-" help:"How many (${default})."`
	Grid     int           `default:"32" env:"-" help:"Columns and rows of the grid (${default})."`
	MinDwell time.Duration `placeholder:"TIME" env:"-" help:"Only visits that have lasted so long, as 2m."`
	Frame    string        `placeholder:"FILE" env:"-" help:"Picture (PNG or JPEG) to draw over, with --out FILE.png; sightlog picture writes one."`
	NoStaff  bool          `name:"without-staff" env:"-" help:"Leave out tracks that a rule takes for staff or passers-by (staff in the configuration)."`
	Recount  int32         `placeholder:"N" env:"-" help:"Answer from the tables of recount N (sightlogd recount) instead of what was counted at the time."`
	Follow   bool          `env:"-" help:"Go on, and print each new newest sighting, until Ctrl-C."`
}

// Help is the rest of --help.
func (c *ReportCmd) Help() string {
	text := "Columns: " + strings.Join(c.report.Columns, ", ") + "."
	if bucket := c.report.Bucket; bucket != "" {
		text += " The column of the bucket (" + bucket + " without --bucket) is named minute, hour or day."
	}
	if c.report.Details != "" {
		text += "\n\n" + c.report.Details
	}
	if !c.report.Takes("since") {
		return text
	}
	when := WhenHelp
	if c.report.Takes("tz") {
		when = strings.Replace(when, "($TZ); answers are in UTC", "($TZ), and answers in UTC; with --tz both are in its zone", 1)
	}
	return text + "\n\n" + when
}

// Run implements the command.
func (c *ReportCmd) Run(ctx context.Context, env *Env) error {
	if err := c.useZone(); err != nil {
		return err
	}
	f, err := c.Filter(env)
	if err != nil {
		return err
	}
	for flag, n := range map[string]int64{"top": int64(c.Top), "grid": int64(c.Grid), "gap": int64(c.Gap)} {
		if n <= 0 && c.report.Takes(flag) { // of a Filter, 0 is the default
			return usage.New("give a value above 0", "--%s is too small", flag)
		}
	}
	f.Zone, f.Line, f.Place, f.Class, f.MinScore = c.Zone, c.Line, c.Place, c.Class, c.MinScore
	f.Bucket, f.TZ, f.Gap, f.Top, f.Grid, f.Recount = c.Bucket, c.TZ, c.Gap, c.Top, c.Grid, c.Recount
	f.NoStaff = c.NoStaff
	f.MinDwell = c.MinDwell
	picture := strings.EqualFold(filepath.Ext(c.Out), ".png")
	switch {
	case picture && c.report.Takes("frame"):
		return c.draw(ctx, env, f)
	case picture:
		return usage.New("only heatmap draws pictures", "--out %s", c.Out)
	case c.Frame != "":
		return usage.New("add --out FILE.png", "--frame %s is for a picture", c.Frame)
	case c.Follow && (c.Out != "" || c.Format == "parquet"):
		return usage.New("leave --out out, and use table, csv or json", "--follow prints rows as they come")
	case c.Follow:
		return c.ask(ctx, env, func(db *pgxpool.Pool, w io.Writer) error {
			return c.report.Question(f).Follow(ctx, db, w, c.Format, followEvery)
		})
	}
	return c.answer(ctx, env, c.report.Question(f))
}

// useZone reads --since and --until in the zone of --tz. One that only the database knows, or nobody,
// is left to it.
func (c *ReportCmd) useZone() (err error) {
	zone, unknown := time.LoadLocation(c.TZ)
	if c.TZ == "" || unknown != nil {
		return nil
	}
	if c.Since, err = c.Since.in(zone); err == nil {
		c.Until, err = c.Until.in(zone)
	}
	return err
}

// followEvery is how often the newest sightings are asked for.
const followEvery = 500 * time.Millisecond

// draw writes the heatmap as a picture.
func (c *ReportCmd) draw(ctx context.Context, env *Env, f query.Filter) error {
	frame, err := readPicture(c.Frame)
	if err != nil {
		return err
	}
	return c.ask(ctx, env, func(db *pgxpool.Pool, w io.Writer) error {
		picture, err := query.HeatPicture(ctx, db, f, frame)
		if err != nil {
			return err
		}
		return png.Encode(w, picture)
	})
}

// readPicture reads a PNG or JPEG file; without a name it returns nil.
func readPicture(name string) (image.Image, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, usage.Wrap(err, "give a picture that exists", "--frame %s: %v", name, err)
	}
	defer f.Close()
	picture, kind, err := image.Decode(f)
	if err != nil || kind != "png" && kind != "jpeg" {
		return nil, usage.Wrap(err, "give a PNG or JPEG file", "--frame %s is no picture: %v", name, err)
	}
	return picture, nil
}

// DatabaseFlags are the database to query, and format and place of the answer.
type DatabaseFlags struct {
	config.Data
	config.Database
	Format string `enum:"table,csv,json,parquet" default:"table" help:"table, csv, json or parquet (${default})."`
	Out    string `placeholder:"FILE" env:"-" help:"Write the answer to this file instead of standard output."`
}

// FilterFlags narrow a query.
type FilterFlags struct {
	Camera string `placeholder:"ID" env:"-" help:"Only of this camera."`
	RunID  string `name:"run" placeholder:"RUN" env:"-" help:"Only of this run."`
	Since  When   `placeholder:"TIME" env:"-" help:"Captured at or after this time: 1h (ago), 10:30, yesterday, '2026-11-25 10:00' (local time), 2026-11-25T10:00:00Z."`
	Until  When   `placeholder:"TIME" env:"-" help:"Captured before this time, written as --since is."`
}

// Help is the rest of --help.
func (*FilterFlags) Help() string { return WhenHelp }

// Filter returns the filter. It prints on standard error how local times were read.
func (w *FilterFlags) Filter(env *Env) (query.Filter, error) {
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
	return `One SELECT, WITH, VALUES, TABLE, SHOW or EXPLAIN. Rows are printed as they come. The private database is asked as sightlog_reader, a role that can only read. With --database-url the role is the URL's: the transaction is read-only, but a superuser's functions read files and end sessions. Give a role there that can only read: docs/queries.md has the statements that make one.`
}

// Run implements the command.
func (c *SQLCmd) Run(ctx context.Context, env *Env) error {
	return c.answer(ctx, env, query.SQL(c.Statement))
}

// answer asks the question and writes the rows as they come.
func (f *DatabaseFlags) answer(ctx context.Context, env *Env, question query.Question) error {
	return f.ask(ctx, env, func(db *pgxpool.Pool, w io.Writer) error { return question.Answer(ctx, db, w, f.Format) })
}

// ask opens the database and calls answer with it and with where the answer goes.
func (f *DatabaseFlags) ask(ctx context.Context, env *Env, answer func(*pgxpool.Pool, io.Writer) error) (err error) {
	if t := Terminal(env.Stdout); f.Format == "parquet" && f.Out == "" && t != nil && isTerminal(t) {
		return usage.New("add --out FILE, or redirect the output to one", "--format parquet is not for a terminal")
	}
	db, done, err := database.Open(ctx, f.Data, f.Database, env.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if f.Out != "" {
		return writeOut(f.Out, func(w io.Writer) error { return answer(db, w) })
	}
	out := openAnswer(env.Stdout)
	return out.done(answer(db, out))
}

// isTerminal reports whether a character device is a terminal.
func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return err == nil
}

// writeOut writes the file of --out. An answer that fails leaves the file as it was; a
// device or pipe is written to as it is.
func writeOut(name string, write func(io.Writer) error) (err error) {
	target, flags := name+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC
	if st, serr := os.Stat(name); serr == nil && !st.Mode().IsRegular() {
		target, flags = name, os.O_WRONLY
	}
	f, err := os.OpenFile(target, flags, 0o666)
	if err != nil {
		return usage.Wrap(err, "give a file you may write", "--out %s: %v", name, err)
	}
	err = errors.Join(write(f), f.Close())
	if target == name {
		return err
	}
	if err == nil {
		err = os.Rename(target, name)
	}
	if err != nil {
		_ = os.Remove(target) // the first error is the cause
	}
	return err
}
