package settings

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/natural"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/web/problem"
	"github.com/sightlog/sightlog/web/route"
	"github.com/sightlog/sightlog/yamlfile"
)

// Bounds of what a preview may cost.
const (
	trySpan  = time.Hour
	tryLimit = 15 * time.Second
)

// Shapes is the body of an answer.
type Shapes struct {
	config.Shapes

	Camera   string `json:"camera"`
	Writable bool   `json:"writable"`       // there is a configuration file
	InUse    bool   `json:"in_use"`         // the camera counts with these, or will from its next frames on
	Note     string `json:"note,omitempty"` // what there is to do until they are in use
	Width    int    `json:"width"`          // of the newest frame; 0: none is stored
	Height   int    `json:"height"`
}

// Diff is what a change writes.
type Diff struct {
	Lines []DiffLine `json:"lines"`
	Note  string     `json:"note,omitempty"` // what there is to do where nothing can be written
}

// List is the answer to which cameras have settings.
type List struct {
	Cameras  []string `json:"cameras"`
	Writable bool     `json:"writable"` // there is a configuration file
}

// Routes returns the routes. c must not be copied afterwards.
func (c *Config) Routes() []route.Route {
	camera := []route.Param{{Name: "camera", Help: "The camera.", Type: "", Required: true}}
	none := route.Answer{Status: http.StatusNotFound, Help: "There is no such camera."}
	unwritable := route.Answer{Status: http.StatusConflict, Help: "There is no configuration file that can be written."}
	wrong := route.Answer{Status: http.StatusUnprocessableEntity, Help: "The shapes are none, in words."}
	large := route.Answer{Status: http.StatusRequestEntityTooLarge, Help: "The body is larger than 1 MiB, or has more than 10,000 points."}
	put := route.Answer{Status: http.StatusPreconditionFailed, Help: "The settings have changed since they were loaded."}
	return []route.Route{
		{Pattern: "GET /api/v1/settings", Role: route.Reader, Handler: http.HandlerFunc(c.list), Doc: &route.Doc{
			Summary: "The cameras that have settings, and whether they can be changed.",
			Answers: []route.Answer{{Status: http.StatusOK, Type: List{}}},
		}},
		{Pattern: "GET /api/v1/cameras/{camera}/shapes", Role: route.Reader, Handler: c.handler(c.get), Doc: &route.Doc{
			Summary: "Zones, lines, masks and region of a camera, as the configuration has them; the ETag is their version.",
			Params:  camera, Answers: []route.Answer{{Status: http.StatusOK, Type: Shapes{}}, none},
		}},
		{Pattern: "PUT /api/v1/cameras/{camera}/shapes", Role: route.Admin, Handler: c.handler(c.put), Doc: &route.Doc{
			Summary: "Write the shapes of a camera into the configuration file, and count with them.",
			Help:    "If-Match has the ETag of the shapes that were changed. All else in the file stays as it is, comments included.",
			Params:  camera, Body: Change{}, Answers: []route.Answer{
				{Status: http.StatusOK, Type: Shapes{}}, put,
				none, unwritable,
				wrong,
				{Status: http.StatusPreconditionRequired, Help: "If-Match is missing."},
				large,
			},
		}},
		{Pattern: "POST /api/v1/cameras/{camera}/shapes/diff", Role: route.Admin, Handler: c.handler(c.diff), Doc: &route.Doc{
			Summary: "The lines of the configuration file that a change of the shapes would remove and add.",
			Params:  camera, Body: Change{}, Answers: []route.Answer{{Status: http.StatusOK, Type: Diff{}}, none, unwritable, wrong, large},
		}},
		{Pattern: "POST /api/v1/cameras/{camera}/shapes/preview", Role: route.Admin, Handler: c.handler(c.preview), Doc: &route.Doc{
			Summary: "What shapes would have counted in the newest hour of stored detections.",
			Params:  camera, Body: Change{}, Answers: []route.Answer{{Status: http.StatusOK, Type: pipeline.Trial{}}, none, wrong, large},
		}},
	}
}

// handler checks the camera of the path and answers errors as problems.
func (c *Config) handler(do func(w http.ResponseWriter, r *http.Request, camera string) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		camera := r.PathValue("camera")
		known, err := c.known(r.Context(), camera)
		if err == nil && !known {
			problem.Write(w, http.StatusNotFound, fmt.Sprintf("there is no camera %.64q", camera), "")
			return
		}
		if err == nil {
			err = do(w, r, camera)
		}
		if err != nil {
			c.fail(w, r, err)
		}
	})
}

// list answers with the cameras.
func (c *Config) list(w http.ResponseWriter, r *http.Request) {
	all := []string{}
	if c.Sources != nil {
		all = append(all, c.Sources()...)
	} else {
		rows, err := c.Pool.Query(r.Context(), "SELECT name FROM cameras")
		if err == nil {
			all, err = pgx.AppendRows(all, rows, pgx.RowTo[string])
		}
		if err != nil {
			c.fail(w, r, err)
			return
		}
		all = slices.AppendSeq(all, maps.Keys(c.InUse()))
	}
	natural.Sort(all)
	_ = writeJSON(w, List{Cameras: slices.Compact(all), Writable: c.File != ""})
}

// known reports whether there is a camera of that name.
func (c *Config) known(ctx context.Context, camera string) (bool, error) {
	if c.Sources != nil {
		return slices.Contains(c.Sources(), camera), nil
	}
	if _, ok := c.InUse()[camera]; ok {
		return true, nil
	}
	if strings.ContainsRune(camera, 0) {
		return false, nil
	}
	var known bool
	err := c.Pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM cameras WHERE name = $1)", camera).Scan(&known)
	return known, err
}

// fail answers with the problem that an error is.
func (c *Config) fail(w http.ResponseWriter, r *http.Request, err error) {
	var wrong *usage.Error
	var large *http.MaxBytesError
	var status statusError
	switch {
	case errors.As(err, &large):
		problem.Write(w, http.StatusRequestEntityTooLarge, "the body is larger than 1 MiB", "draw with fewer points")
	case errors.As(err, &status):
		problem.Write(w, status.code, status.what, status.fix)
	case errors.Is(err, errNoFile):
		problem.Write(w, http.StatusConflict, "sightlog was started without a configuration file", noFile)
	case errors.Is(err, errChanged):
		problem.Write(w, http.StatusPreconditionFailed, errChanged.Error(), "load them again, and repeat the change")
	case errors.Is(err, yamlfile.ErrByHand):
		problem.Write(w, http.StatusConflict, err.Error(), "edit the file by hand, and start sightlog again")
	case errors.As(err, &wrong) && wrong.Cause != nil && explained(wrong.Cause):
		problem.Write(w, http.StatusConflict, wrong.What, wrong.Fix)
	case errors.As(err, &wrong):
		problem.Write(w, http.StatusUnprocessableEntity, wrong.What, wrong.Fix)
	case errors.Is(err, context.DeadlineExceeded):
		problem.Write(w, http.StatusServiceUnavailable, "counting took longer than 15 s", "try again when the machine is less busy")
	case r.Context().Err() != nil: // the client has gone
	default:
		c.Log.Error("settings", "path", r.URL.Path, "err", err)
		problem.Write(w, http.StatusInternalServerError, "the settings cannot be used at present", "the log of sightlog has the reason")
	}
}

const noFile = "save the lines in a file, sightlog.yaml, and start with --config sightlog.yaml"

func writeJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // an error here is a client that has gone
	return nil
}

// answer writes the shapes of a camera.
func (c *Config) answer(w http.ResponseWriter, r *http.Request, camera string, settings config.CameraSettings, used bool, alarms []string) error {
	a := Shapes{Shapes: settings.Shapes(), Camera: camera, Writable: c.File != "", InUse: used}
	switch {
	case c.File == "":
		a.Note = "sightlog was started without a configuration file: " + noFile
	case !used && c.Change == nil:
		a.Note = "detect runs apart and reads its configuration when it starts: start it again, with the same file"
	case !used:
		a.Note = "the file has been changed since sightlog started; it is used from the next start on"
	case len(alarms) > 0:
		a.Note = "alarms are read when sightlog starts: start it again, or the alarms of what has another name stay silent: " + strings.Join(alarms, ", ")
	}
	if a.Zones == nil {
		a.Zones = map[string][]config.Point{}
	}
	if a.Lines == nil {
		a.Lines = map[string][]config.Point{}
	}
	if a.Masks == nil {
		a.Masks = [][]config.Point{}
	}
	err := c.Pool.QueryRow(r.Context(), `SELECT s.width, s.height FROM latest_sightings l JOIN cameras c ON c.id = l.camera_id
		JOIN sightings s ON s.camera_id = l.camera_id AND s.captured_at = l.captured_at AND s.run_id = l.run_id AND s.seq = l.seq WHERE c.name = $1`, camera).Scan(&a.Width, &a.Height)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	w.Header().Set("ETag", version(settings))
	return writeJSON(w, a)
}

func (c *Config) get(w http.ResponseWriter, r *http.Request, camera string) error {
	_, settings, err := c.stored(camera)
	if err != nil {
		return err
	}
	return c.answer(w, r, camera, settings, reflect.DeepEqual(settings.Shapes(), c.InUse()[camera].Shapes()), nil)
}

func (c *Config) put(w http.ResponseWriter, r *http.Request, camera string) error {
	change, err := decode(w, r)
	if err != nil {
		return err
	}
	seen := r.Header.Get("If-Match")
	if seen == "" {
		return statusError{http.StatusPreconditionRequired, "If-Match is missing", "send the ETag of the shapes that were changed"}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, before, err := c.stored(camera)
	if err != nil {
		return err
	}
	if seen != version(before) {
		return errChanged
	}
	e, err := c.prepare(camera, change)
	if err != nil {
		return err
	}
	used, err := c.write(r.Context(), camera, e)
	if err != nil {
		return err
	}
	return c.answer(w, r, camera, e.settings, used, e.alarms(camera))
}

func (c *Config) diff(w http.ResponseWriter, r *http.Request, camera string) error {
	change, err := decode(w, r)
	if err != nil {
		return err
	}
	e, err := c.prepare(camera, change)
	if err != nil {
		return err
	}
	d := Diff{Lines: lines(string(e.before), string(e.after))}
	if c.File == "" {
		d.Note = "sightlog was started without a configuration file: " + noFile
	}
	return writeJSON(w, d)
}

func (c *Config) preview(w http.ResponseWriter, r *http.Request, camera string) error {
	change, err := decode(w, r)
	if err != nil {
		return err
	}
	_, settings, err := c.stored(camera)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), tryLimit)
	defer cancel()
	t, err := pipeline.TryShapes(ctx, c.Pool, camera, settings.Renamed(change.Renamed).With(change.Shapes), trySpan)
	if err != nil {
		return err
	}
	return writeJSON(w, t)
}
