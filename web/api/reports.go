package api

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/route"
)

// The rows of a page.
const (
	rowsOfJSON = 1000 // without limit
	mostRows   = 10_000
)

// flags are those of the reports, as parameters. The others, follow and frame, belong to a
// terminal.
var flags = []struct {
	route.Param
	set func(*query.Filter, answer.Values, string)
}{
	{answer.Camera, func(f *query.Filter, v answer.Values, name string) { f.Camera = v.Text(name) }},
	{route.Param{Name: "run", Type: "", MaxLength: 64, Help: "Only of this run."}, func(f *query.Filter, v answer.Values, name string) { f.Run = v.Text(name) }},
	{answer.Zone, func(f *query.Filter, v answer.Values, name string) { f.Zone = v.Text(name) }},
	{answer.Line, func(f *query.Filter, v answer.Values, name string) { f.Line = v.Text(name) }},
	{route.Param{Name: "place", Type: "", MaxLength: 64, Help: "Only of this place."}, func(f *query.Filter, v answer.Values, name string) { f.Place = v.Text(name) }},
	{route.Param{Name: "class", Type: "", MaxLength: 64, Help: "Only of this class."}, func(f *query.Filter, v answer.Values, name string) { f.Class = v.Text(name) }},
	{answer.Since, func(f *query.Filter, v answer.Values, name string) { f.Since = v.Time(name) }},
	{answer.Until, func(f *query.Filter, v answer.Values, name string) { f.Until = v.Time(name) }},
	{route.Param{Name: "min-score", Type: 0.0, Max: 1, Help: "Only with this score or a higher one."}, func(f *query.Filter, v answer.Values, name string) { f.MinScore = v.Float(name) }},
	{route.Param{Name: "bucket", Type: "", Enum: []string{"1m", "1h", "1d"}, Help: "Length of a row: a minute, an hour or a day."}, func(f *query.Filter, v answer.Values, name string) { f.Bucket = v.Text(name) }},
	{answer.TZ, func(f *query.Filter, v answer.Values, name string) { f.TZ = v.Text(name) }},
	{route.Param{Name: "gap", Type: time.Duration(0), Help: "The shortest gap, 10s without it."}, func(f *query.Filter, v answer.Values, name string) { f.Gap = v.Duration(name) }},
	{route.Param{Name: "top", Type: 0, Default: query.DefaultTop, Min: 1, Max: 1000, Help: "How many."}, func(f *query.Filter, v answer.Values, name string) { f.Top = v.Int(name) }},
	{route.Param{Name: "grid", Type: 0, Default: query.DefaultGrid, Min: 1, Max: 256, Help: "Columns and rows of the grid."}, func(f *query.Filter, v answer.Values, name string) { f.Grid = v.Int(name) }},
	{route.Param{Name: "min-dwell", Type: time.Duration(0), Help: "Only visits that have lasted so long."}, func(f *query.Filter, v answer.Values, name string) { f.MinDwell = v.Duration(name) }},
	{route.Param{Name: "without-staff", Type: false, Help: "Leave out tracks that a rule takes for staff or passers-by."}, func(f *query.Filter, v answer.Values, name string) { f.NoStaff = v.Bool(name) }},
	{route.Param{Name: "recount", Type: 0, Min: 1, Max: 1<<31 - 1, Help: "Answer from the tables of this recount."}, func(f *query.Filter, v answer.Values, name string) { f.Recount = int32(v.Int(name)) }},
}

// takes reports whether a report has a flag of its own.
func takes(r query.Report, flag string) bool {
	return slices.Contains(r.Flags, flag) || r.OverTime != nil && slices.Contains(r.OverTime.Flags, flag)
}

// paged reports whether a report's answer has pages.
func paged(r query.Report) bool { return len(r.Order) > 0 }

func paramsOf(r query.Report) (params []route.Param) {
	for _, f := range flags {
		if takes(r, f.Name) {
			params = append(params, f.Param)
		}
	}
	if paged(r) {
		limit := answer.Limit(rowsOfJSON, mostRows)
		limit.Default, limit.Help = nil, "Rows of a page. Without it a page of JSON has 1000, and CSV and Parquet have all rows."
		params = append(params, limit, answer.Cursor)
	}
	return append(params, formatParam)
}

func filterOf(v answer.Values) (f query.Filter, err error) {
	for _, flag := range flags {
		if v.Has(flag.Name) {
			flag.set(&f, v, flag.Name)
		}
	}
	if _, _, err = v.Span(); err != nil {
		return f, err
	}
	_, err = v.Location("tz")
	return f, err
}

// reportRoute is the route of one report.
func reportRoute(db *answer.Database, r query.Report) route.Route {
	params := paramsOf(r)
	return route.Route{
		Pattern: "GET " + Prefix + "reports/" + r.Name, Role: route.Reader,
		Doc: &route.Doc{
			Summary: r.Help, Help: r.Details, Params: params,
			Answers: []route.Answer{
				{Type: rowsSchema(r), Media: []string{mediaJSON, mediaCSV, mediaParquet}, Help: "The rows of the report."},
				{Status: http.StatusNotFound}, {Status: http.StatusNotAcceptable}, {Status: http.StatusUnprocessableEntity},
				{Status: http.StatusGatewayTimeout},
			},
		},
		Handler: answer.Checked(params, func(w http.ResponseWriter, req *http.Request, v answer.Values) error {
			kind, err := negotiate(req, v)
			if err != nil {
				return err
			}
			f, err := filterOf(v)
			if err != nil {
				return err
			}
			if kind.format != "json" && paged(r) && !v.Has("limit") && !v.Has("cursor") {
				return whole(w, req, db, r, f, kind)
			}
			return page(w, req, db, r, f, v, kind)
		}),
	}
}

// page answers with one page, which is in memory.
func page(w http.ResponseWriter, req *http.Request, db *answer.Database, r query.Report, f query.Filter, v answer.Values, kind form) error {
	p := query.Page{Limit: rowsOfJSON}
	if v.Has("limit") {
		p.Limit = v.Int("limit")
	}
	if _, err := v.ReadCursor(&p.After); err != nil {
		return err
	}
	var body bytes.Buffer
	var next []string
	err := db.Ask(req.Context(), func(ctx context.Context, pool *pgxpool.Pool) (err error) {
		next, err = r.Question(f).AnswerPage(ctx, pool, &body, kind.format, p)
		return err
	})
	if err != nil {
		return err
	}
	if next != nil {
		cursor, err := answer.MakeCursor(v, next)
		if err != nil {
			return err
		}
		answer.Next(w, req, cursor)
	}
	kind.name(w, r.Name)
	answer.Body(w, req, kind.media, body.Bytes())
	return nil
}

// whole answers with all rows as they come. An error after the first of them ends the
// connection, so that the client does not take a part for the whole.
func whole(w http.ResponseWriter, req *http.Request, db *answer.Database, r query.Report, f query.Filter, kind form) error {
	out := &late{w: w, head: func() {
		kind.name(w, r.Name)
		w.Header().Set("Content-Type", kind.media)
		w.Header().Set("Cache-Control", "private, no-cache")
		w.Header().Add("Vary", "Accept")
		// A client that does not read holds a turn of the database no longer than a query may.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(2 * answer.TimeLimit))
	}}
	err := db.Ask(req.Context(), func(ctx context.Context, pool *pgxpool.Pool) error {
		return r.Question(f).Answer(ctx, pool, out, kind.format)
	})
	if err != nil && out.begun {
		panic(http.ErrAbortHandler)
	}
	return err
}

// late calls head before the first byte.
type late struct {
	w     http.ResponseWriter
	head  func()
	begun bool
}

func (l *late) Write(b []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.head()
	}
	return l.w.Write(b)
}

// rowsSchema is the schema of a report's rows: of one of its shapes each.
func rowsSchema(r query.Report) *jsonschema.Schema {
	var shapes []*jsonschema.Schema
	for _, columns := range r.AllColumns() {
		shape := &jsonschema.Schema{
			Type: "object", Properties: make(map[string]*jsonschema.Schema), PropertyOrder: columns, Required: columns,
			AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
		}
		for _, c := range columns {
			shape.Properties[c] = kindSchemas[query.KindOf(c)]
		}
		shapes = append(shapes, shape)
	}
	if len(shapes) == 1 {
		return &jsonschema.Schema{Type: "array", Items: shapes[0]}
	}
	return &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{OneOf: shapes}}
}

var kindSchemas = map[query.Kind]*jsonschema.Schema{
	query.Text:    {Types: []string{"string", "null"}},
	query.Time:    {Types: []string{"string", "null"}, Format: "date-time"},
	query.Integer: {Types: []string{"integer", "null"}},
	query.Number:  {Types: []string{"number", "null"}},
}
