package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/natural"
	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/route"
)

// CamerasConfig is what is known of the cameras besides the database. Its functions may be
// called concurrently.
type CamerasConfig struct {
	Settings func() map[string]config.CameraSettings // as configured now
	States   func() map[string]string                // of the sources of detect; nil where it runs apart
	Privacy  func(camera string) string              // what its pictures hide: off, faces or people
}

// States of a camera, besides those that detect reports.
const (
	stateRunning = "running" // frames come
	stateSilent  = "silent"  // of a camera or stream: no frame of the last half minute is in the database
	stateEnded   = "ended"   // its run has ended
	stateAbsent  = "absent"  // nothing of it is in the database
)

// silentAfter is the age of the newest sighting from which a camera is silent.
const silentAfter = 30 * time.Second

// camera is one camera of the answer.
type camera struct {
	ID      string                    `json:"id"`
	State   string                    `json:"state" jsonschema:"opening, running, silent (no frame for half a minute), ended, or absent: nothing of it is in the database"`
	Live    *bool                     `json:"live" jsonschema:"whether it is a camera or stream, and no file; null while it is absent"`
	FPS     *float64                  `json:"fps" jsonschema:"frames processed in a second, in the newest minute"`
	People  *int32                    `json:"people" jsonschema:"in the newest frame"`
	Newest  event.Time                `json:"newest" jsonschema:"when the newest frame in the database was captured"`
	Frame   *event.Size               `json:"frame" jsonschema:"size of its frames in pixels"`
	Run     *string                   `json:"run" jsonschema:"the run of the newest frame"`
	Zones   map[string][]config.Point `json:"zones" jsonschema:"corners, in parts of the frame's width and height"`
	Lines   map[string][]config.Point `json:"lines" jsonschema:"ends, in parts of the frame's width and height"`
	Masks   [][]config.Point          `json:"masks"`
	Region  []float64                 `json:"region" jsonschema:"x1, y1, x2, y2 of the part that is processed; null: all"`
	Privacy string                    `json:"privacy" jsonschema:"what its pictures hide: off, faces or people"`
}

func camerasRoute(db *answer.Database, cfg CamerasConfig) route.Route {
	doc := route.Doc{
		Summary: "The cameras: what they do and see now, and their zones, lines and masks.",
		Help:    "Those of the configuration, of the sources and of the database, by name.",
		Params:  []route.Param{answer.Camera},
		Answers: []route.Answer{{Type: []camera{}}, {Status: http.StatusNotFound}, {Status: http.StatusGatewayTimeout}},
	}
	return answer.Get("GET "+Prefix+"cameras", doc, func(r *http.Request, v answer.Values) (any, error) {
		all := make(map[string]*camera)
		err := db.Ask(r.Context(), func(ctx context.Context, pool *pgxpool.Pool) error { return storedCameras(ctx, pool, all) })
		if err != nil {
			return nil, err
		}
		cfg.complete(all)
		if v.Has("camera") {
			one, there := all[v.Text("camera")]
			if !there {
				return nil, answer.Refuse(http.StatusNotFound, fmt.Sprintf("there is no camera %q", v.Text("camera")), "")
			}
			return []*camera{one}, nil
		}
		list := make([]*camera, 0, len(all))
		for _, id := range natural.Sorted(maps.Keys(all)) {
			list = append(list, all[id])
		}
		return list, nil
	})
}

// storedCameras adds what the database knows of its cameras.
func storedCameras(ctx context.Context, pool *pgxpool.Pool, all map[string]*camera) error {
	rows, err := pool.Query(ctx, `
SELECT c.name, r.run, l.captured_at, l.people, r.source_kind, r.finished_at IS NOT NULL, r.frame_width, r.frame_height,
       round(m.frames::numeric / nullif(sightlog_seconds(m.seconds), 0), 1)::float8
FROM cameras c LEFT JOIN latest_sightings l ON l.camera_id = c.id LEFT JOIN runs r ON r.id = l.run_id
LEFT JOIN camera_minutes m ON m.camera_id = l.camera_id AND m.run_id = l.run_id AND m.minute = date_trunc('minute', l.captured_at, 'UTC')`)
	if err != nil {
		return fmt.Errorf("read the cameras: %w", err)
	}
	var name string
	var kind *event.SourceKind
	var newest *time.Time
	var run *string
	var people, width, height *int32
	var ended bool
	var fps *float64
	_, err = pgx.ForEachRow(rows, []any{&name, &run, &newest, &people, &kind, &ended, &width, &height, &fps}, func() error {
		c := &camera{ID: name, State: stateAbsent}
		all[name] = c
		if newest == nil || kind == nil {
			return nil
		}
		c.Live, c.Run, c.Newest, c.People, c.FPS = new(kind.Live()), new(*run), event.At(*newest), new(*people), fps
		if fps != nil {
			c.FPS = new(*fps)
		}
		if width != nil && height != nil {
			c.Frame = &event.Size{Width: int(*width), Height: int(*height)}
		}
		switch {
		case ended:
			c.State = stateEnded
		case kind.Live() && time.Since(*newest) > silentAfter:
			c.State = stateSilent
		default:
			c.State = stateRunning
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the cameras: %w", err)
	}
	return nil
}

// complete adds what the configuration and detect know of the cameras.
func (cfg CamerasConfig) complete(all map[string]*camera) {
	at := func(id string) *camera {
		if all[id] == nil {
			all[id] = &camera{ID: id, State: stateAbsent}
		}
		return all[id]
	}
	if cfg.Settings != nil {
		for id, s := range cfg.Settings() {
			c := at(id)
			c.Zones, c.Lines, c.Masks, c.Region = s.Zones, s.Lines, s.Masks, s.Region
		}
	}
	if cfg.States != nil {
		for id, state := range cfg.States() {
			// A source that runs and sends nothing is silent.
			if c := at(id); state != stateRunning || c.State != stateSilent {
				c.State = state
			}
		}
	}
	for id, c := range all {
		c.Privacy = "off"
		if cfg.Privacy != nil {
			c.Privacy = cfg.Privacy(id)
		}
		if c.Zones == nil {
			c.Zones = map[string][]config.Point{}
		}
		if c.Lines == nil {
			c.Lines = map[string][]config.Point{}
		}
		if c.Masks == nil {
			c.Masks = [][]config.Point{}
		}
	}
}
