package history

import (
	"context"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/route"
)

// Parameters of these routes alone.
var (
	dayParam = route.Param{Name: "day", Type: "", Pattern: `^\d{4}-\d\d-\d\d$`, MaxLength: 10, Help: "The date, as 2026-11-27; without it the present day."}
	class    = route.Param{Name: "class", Type: "", MaxLength: 64, Help: "Only of this class, as person."}
	minScore = route.Param{Name: "min_score", Type: 0.0, Min: 0, Max: 1, Help: "Only with this score or a higher one."}
	staff    = route.Param{Name: "staff", Type: false, Help: "With tracks that a rule takes for staff."}
	grid     = route.Param{Name: "grid", Type: 0, Default: query.DefaultGrid, Min: 1, Max: 256, Help: "Cells in each direction."}
	limit    = answer.Limit(50, query.MaxPage)
	recount  = route.Param{Name: "recount", Type: 0, Min: 1, Max: 1<<31 - 1, Help: "Zones and lines as this recount counted them; without it as they were counted at the time."}
)

// Routes returns the routes, which ask the database.
func Routes(db *answer.Database) []route.Route {
	return []route.Route{
		get("today", "What was seen on one day, beside the same weekdays before",
			"Lists by the hour have an entry for each of hours, null where nothing was watched. A day before is compared up to the same time by the clock, if it was watched for about as long.",
			query.Day{}, db, []route.Param{dayParam, answer.TZ, answer.Camera, answer.Zone, answer.Line, recount},
			func(ctx context.Context, pool *pgxpool.Pool, v answer.Values) (any, error) {
				return query.DayOf(ctx, pool, filter(v), v.Text("day"), time.Now())
			}),
		get("timeline", "What each camera saw, in buckets that fit the asked time",
			"Lists have an entry for each of at, null where the camera processed no frame. Buckets are of 1m, 5m, 1h or 1d.",
			query.Timeline{}, db,
			[]route.Param{required(answer.Since), required(answer.Until), answer.TZ, answer.Camera, answer.Zone, answer.Line, recount},
			func(ctx context.Context, pool *pgxpool.Pool, v answer.Values) (any, error) {
				if _, _, err := v.Span(); err != nil {
					return nil, err
				}
				return query.TimelineOf(ctx, pool, filter(v))
			}),
		get("tracks", "Tracked people and objects, by the time of their first detection", "",
			query.TrackList{}, db, []route.Param{
				answer.Since, answer.Until, answer.Camera, answer.Zone, answer.Line, class, minScore, staff, recount, limit, answer.Cursor,
			},
			func(ctx context.Context, pool *pgxpool.Pool, v answer.Values) (any, error) {
				p, err := page(v)
				if err != nil {
					return nil, err
				}
				return query.TracksOf(ctx, pool, filter(v), p)
			}),
		get("tracks/{run}/{track}", "One track with its path over the picture", "Places are parts of the frame's width and height.",
			query.TrackPath{}, db, []route.Param{{Name: "run", Type: "", Required: true, MaxLength: 64, Help: "The run."}, {Name: "track", Type: 0, Required: true, Max: 1 << 53, Help: "Number of the track in its run."}, recount},
			func(ctx context.Context, pool *pgxpool.Pool, v answer.Values) (any, error) {
				p, err := query.PathOf(ctx, pool, query.Filter{Run: v.Text("run"), Recount: int32(v.Int("recount"))}, int64(v.Int("track")))
				if err == nil && p == nil {
					return nil, answer.Refuse(http.StatusNotFound, "there is no such track", "")
				}
				return p, err
			}),
		get("crossings", "Crossings of lines, by time", "",
			query.CrossingList{}, db,
			[]route.Param{answer.Since, answer.Until, answer.Camera, answer.Line, class, staff, recount, limit, answer.Cursor},
			func(ctx context.Context, pool *pgxpool.Pool, v answer.Values) (any, error) {
				p, err := page(v)
				if err != nil {
					return nil, err
				}
				return query.CrossingsOf(ctx, pool, filter(v), p)
			}),
		get("recounts", "What was counted again with other zones and lines, the newest first", "",
			[]query.Recount{}, db, nil,
			func(ctx context.Context, pool *pgxpool.Pool, _ answer.Values) (any, error) {
				return query.RecountsOf(ctx, pool)
			}),
		get("heatmap", "How often feet were in each cell of a camera's picture", "It reads the stored detections: a day of a camera takes seconds.",
			query.HeatGrid{}, db, []route.Param{required(answer.Camera), answer.Since, answer.Until, answer.Zone, class, minScore, grid},
			func(ctx context.Context, pool *pgxpool.Pool, v answer.Values) (any, error) {
				if _, _, err := v.Span(); err != nil {
					return nil, err
				}
				f := filter(v)
				f.Grid = v.Int("grid")
				return query.HeatOf(ctx, pool, f)
			}),
	}
}

func required(p route.Param) route.Param {
	p.Required = true
	return p
}

// get returns a route that answers from the database.
func get(path, summary, help string, typ any, db *answer.Database, params []route.Param,
	ask func(context.Context, *pgxpool.Pool, answer.Values) (any, error),
) route.Route {
	doc := route.Doc{Summary: summary, Help: help, Params: params, Answers: []route.Answer{{Status: http.StatusOK, Type: typ},
		{Status: http.StatusNotFound, Help: "The camera, zone, line, class, time zone or track is not there."}, {Status: http.StatusUnprocessableEntity, Help: "The parameters make no sense together."}, {Status: http.StatusGatewayTimeout, Help: "The answer takes too long."}}}
	return answer.Get("GET /api/v1/"+path, doc, func(r *http.Request, v answer.Values) (body any, err error) {
		err = db.Ask(r.Context(), func(ctx context.Context, pool *pgxpool.Pool) (err error) {
			body, err = ask(ctx, pool, v)
			return err
		})
		return body, answer.Senseless(err)
	})
}

// filter returns the query's filter of a request's parameters.
func filter(v answer.Values) query.Filter {
	return query.Filter{Camera: v.Text("camera"), Zone: v.Text("zone"), Line: v.Text("line"), TZ: v.Text("tz"), Class: v.Text("class"),
		Since: v.Time("since"), Until: v.Time("until"), MinScore: v.Float("min_score"), Recount: int32(v.Int("recount"))}
}

// page returns the part of a list that a request asks for.
func page(v answer.Values) (query.Part, error) {
	_, _, err := v.Span()
	return query.Part{Limit: v.Int("limit"), Cursor: v.Text("cursor"), Staff: v.Bool("staff")}, err
}
