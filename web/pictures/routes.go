package pictures

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/route"
)

// Parameters of one picture.
var (
	run      = route.Param{Name: "run", Type: "", MaxLength: 64, Required: true, Help: "The run."}
	track    = route.Param{Name: "track", Type: 0, Min: 0, Max: 1 << 53, Required: true, Help: "The track, of which there is one best picture."}
	crossing = route.Param{Name: "crossing", Type: 0, Min: 0, Max: 1 << 53, Help: "Frame (seq) of a crossing by the track: a picture of that."}
	step     = route.Param{Name: "step", Type: 0, Min: -1, Max: 1, Help: "Of a crossing: -1 before it, 0 at it (the default), 1 after it."}
)

// Routes returns the routes of the API.
func Routes(db *answer.Database) []route.Route {
	one := route.Doc{
		Summary: "A picture of a tracked object", Params: []route.Param{run, track, crossing, step},
		Help: "The best picture of the track, or one of a crossing. Pictures are taken with --snapshots on, and kept for --keep snapshots.",
		Answers: []route.Answer{
			{Status: http.StatusOK, Media: []string{"image/jpeg"}},
			{Status: http.StatusNotFound, Help: "There is no such picture: none was taken, it has expired, it was deleted, or it hides less than privacy says now."},
			{Status: http.StatusUnprocessableEntity, Help: "step without crossing."},
		},
	}
	newest := route.Doc{
		Summary: "Pictures, the newest first",
		Params: []route.Param{
			answer.Camera, answer.Since, answer.Until, answer.Limit(100, 1000), answer.Cursor,
			{Name: "of", Type: "", Enum: []string{"track", "crossing"}, Help: "Only best pictures of tracks, or only those at a crossing."},
		},
		Answers: []route.Answer{
			{Status: http.StatusOK, Type: []Picture{}}, {Status: http.StatusNotFound, Help: "There is no such camera."},
			{Status: http.StatusUnprocessableEntity, Help: "since is not before until, or the cursor is of another question."},
		},
	}
	return []route.Route{
		{Pattern: "GET /api/v1/snapshots/{run}/{track}", Role: route.Reader, Doc: &one, Handler: answer.Checked(one.Params,
			func(w http.ResponseWriter, r *http.Request, v answer.Values) error { return serve(w, r, v, db) })},
		{Pattern: "GET /api/v1/snapshots", Role: route.Reader, Doc: &newest, Handler: answer.Checked(newest.Params,
			func(w http.ResponseWriter, r *http.Request, v answer.Values) error { return list(w, r, v, db) })},
	}
}

// serve answers with the JPEG of one picture.
func serve(w http.ResponseWriter, r *http.Request, v answer.Values, db *answer.Database) error {
	seq := -1 // the best of the track
	if v.Has("crossing") {
		seq = v.Int("crossing")
	}
	if v.Has("step") && seq < 0 {
		return answer.Refuse(http.StatusUnprocessableEntity, "step is of a crossing", "add crossing, or leave step out")
	}
	var jpeg []byte
	err := db.Ask(r.Context(), func(ctx context.Context, pool *pgxpool.Pool) error {
		return pool.QueryRow(ctx, `SELECT jpeg FROM v_snapshots WHERE run_id IN (SELECT id FROM runs WHERE run = $1)
			AND track_id = $2 AND crossing_seq = $3 AND step = $4`, v.Text("run"), v.Int("track"), seq, v.Int("step")).Scan(&jpeg)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return answer.Refuse(http.StatusNotFound, fmt.Sprintf("there is no picture of track %d of run %s", v.Int("track"), v.Text("run")),
			"none was taken (--snapshots on), it has expired (--keep snapshots=, --snapshot-space), it was deleted, or it was taken before privacy was switched on")
	}
	if err != nil {
		return err
	}
	answer.Body(w, r, "image/jpeg", jpeg)
	return nil
}

// Picture describes a picture.
type Picture struct {
	Camera     string    `json:"camera"`
	Run        string    `json:"run"`
	TrackID    int64     `json:"track_id"`
	Crossing   *int64    `json:"crossing"` // seq of the crossing that it shows; null of the best picture of a track
	Step       int       `json:"step"`     // of a crossing: -1 before it, 0 at it, 1 after it
	CapturedAt time.Time `json:"captured_at"`
	Seq        int64     `json:"seq"`
	Score      float32   `json:"score"`
	Box        []float32 `json:"box"`    // of the object, in pixels of the frame
	Region     []float32 `json:"region"` // part of the frame that is shown
	Frame      struct {
		Width  int `json:"width"`
		Height int `json:"height"`
	} `json:"frame"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Bytes  int    `json:"bytes"`
	URL    string `json:"url"` // of the JPEG, relative to the page
}

// place is the key of a picture in the order of the list.
type place struct {
	At       time.Time
	RunID    int32
	TrackID  int64
	Crossing int64
	Step     int
}

// list answers with a page of pictures.
func list(w http.ResponseWriter, r *http.Request, v answer.Values, db *answer.Database) error {
	since, until, err := v.SpanToEnd()
	if err != nil {
		return err
	}
	after := place{At: answer.Forever}
	if _, err := v.ReadCursor(&after); err != nil {
		return err
	}
	var all []Picture
	var last place
	err = db.Ask(r.Context(), func(ctx context.Context, pool *pgxpool.Pool) error {
		all, last, err = read(ctx, pool, v, since, until, after)
		return err
	})
	if err != nil {
		return err
	}
	if len(all) == v.Int("limit") {
		cursor, err := answer.MakeCursor(v, last)
		if err != nil {
			return err
		}
		answer.Next(w, r, cursor)
	}
	return answer.JSON(w, r, all)
}

// read returns the pictures after a place, the newest first, and the place of the last.
func read(ctx context.Context, pool *pgxpool.Pool, v answer.Values, since, until time.Time, after place) ([]Picture, place, error) {
	var last place
	camera := v.Text("camera")
	if err := (query.Filter{Camera: camera}).CheckExists(ctx, pool); err != nil {
		return nil, last, err
	}
	rows, err := pool.Query(ctx, `
		SELECT c.name, r.run, s.run_id, s.track_id, s.crossing_seq, s.step, s.captured_at, s.seq, s.score, s.box, s.region,
			s.frame_width, s.frame_height, s.width, s.height, s.bytes
		FROM v_snapshots s JOIN runs r ON r.id = s.run_id JOIN cameras c ON c.id = s.camera_id
		WHERE s.track_id > 0 AND ($1 = '' OR s.camera_id = (SELECT id FROM cameras WHERE name = $1))
		AND s.captured_at >= $2 AND s.captured_at < $3
		AND ($4 = '' OR $4 = 'track' AND s.crossing_seq < 0 OR $4 = 'crossing' AND s.crossing_seq >= 0 AND s.step = 0)
		AND s.captured_at <= $5 AND (s.captured_at < $5 OR (s.run_id, s.track_id, s.crossing_seq, s.step) > ($6, $7, $8, $9))
		ORDER BY s.captured_at DESC, s.run_id, s.track_id, s.crossing_seq, s.step LIMIT $10`,
		camera, since, until, v.Text("of"), after.At, after.RunID, after.TrackID, after.Crossing, after.Step, v.Int("limit"))
	if err != nil {
		return nil, last, err
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Picture, err error) {
		err = row.Scan(&p.Camera, &p.Run, &last.RunID, &p.TrackID, &last.Crossing, &p.Step, &p.CapturedAt, &p.Seq, &p.Score, &p.Box, &p.Region,
			&p.Frame.Width, &p.Frame.Height, &p.Width, &p.Height, &p.Bytes)
		last.At, last.TrackID, last.Step = p.CapturedAt, p.TrackID, p.Step
		p.CapturedAt = p.CapturedAt.UTC()
		p.URL = "api/v1/snapshots/" + url.PathEscape(p.Run) + "/" + strconv.FormatInt(p.TrackID, 10)
		if last.Crossing >= 0 {
			p.Crossing = new(last.Crossing)
			p.URL += fmt.Sprintf("?crossing=%d&step=%d", last.Crossing, p.Step)
		}
		return p, err
	})
	return all, last, err
}
