package detect

import (
	"fmt"
	"image"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/detector/track"
	"github.com/sightlog/sightlog/detector/zone"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/models"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/preview"
	"github.com/sightlog/sightlog/usage"
)

// settings are a job's flags, checked and resolved. Code behind them takes
// plain values: no zero means a default there, except for score, which only
// the model can resolve; see ThresholdsOf.
type settings struct {
	cameras []cameraSettings
	model   models.Model
	classes []string
	input   image.Point
	threads int
	score   float32 // 0: the model's own
	tracked bool
	private bool // a camera hides people
}

// cameraSettings are those of one source.
type cameraSettings struct {
	config.CameraSettings
	spec   ingest.Spec
	shapes zone.Options
}

// resolve checks the flags and the cameras' settings, and looks the model up.
// Every error is a *usage.Error. Nothing is opened.
func resolve(job pipeline.Job) (s settings, err error) {
	d := job.Detect
	s.classes, s.score, s.tracked = d.Classes, d.Score, d.Track != "off"
	if !(d.Score >= 0 && d.Score <= 1) {
		return s, usage.New("give a number from 0 to 1", "--score %v", d.Score)
	}
	if s.input, err = InputSide(d.Side); err != nil {
		return s, err
	}
	if s.threads, err = threadsOf(d.Threads); err != nil {
		return s, err
	}
	if d.Snapshots == "on" && !s.tracked {
		return s, usage.New("take out --track off, or --snapshots on", "snapshots are of objects that are tracked")
	}
	switch n := d.SnapshotStretches; {
	case n < 0 || n > event.StretchesADay:
		return s, usage.New(fmt.Sprintf("give 0 to %d", event.StretchesADay), "--snapshot-stretches %d", n)
	case n > 0 && d.Snapshots != "on":
		return s, usage.New("add --snapshots on", "--snapshot-stretches %d: pictures are not switched on", n)
	}
	specs, err := parseSources(d.Source)
	if err != nil {
		return s, err
	}
	if s.cameras, err = camerasOf(job.Cameras, specs, s.tracked); err != nil {
		return s, err
	}
	if err := s.hidePeople(d); err != nil {
		return s, err
	}
	s.model, err = models.Lookup(d.Model, models.Options{Unverified: d.Unverified})
	return s, err
}

// hidePeople settles what pictures of each camera do not show. People must be detected to be hidden.
func (s *settings) hidePeople(d config.Detect) error {
	for i := range s.cameras {
		c := &s.cameras[i]
		c.CameraSettings.Privacy = d.PrivacyOf(c.CameraSettings)
		s.private = s.private || c.CameraSettings.Privacy != string(preview.PrivacyOff)
		person := slices.ContainsFunc(d.Classes, func(l string) bool { return event.ClassName(l) == "person" })
		if !person && c.CameraSettings.Privacy != string(preview.PrivacyOff) {
			return usage.New("add person to --classes", "camera %s: privacy is %s, but people are not detected", c.spec.ID, c.CameraSettings.Privacy)
		}
	}
	return nil
}

// InputSide is the input that --side asks for: 0 leaves it to the model.
func InputSide(side int) (image.Point, error) {
	if side < 0 || side > 4096 {
		return image.Point{}, usage.New("give pixels up to 4096", "--side %d", side)
	}
	return image.Pt(side, 0), nil
}

// threadsOf is how many threads detect: as many as asked for, or those that the
// machine and the quota of the control group allow.
func threadsOf(asked int) (int, error) {
	switch {
	case asked < 0:
		return 0, usage.New("give 1 or more", "--threads %d", asked)
	case asked > 0:
		return asked, nil
	}
	return runtime.GOMAXPROCS(0), nil // Go reads the quota
}

// Thresholds are the scores from which detections count.
type Thresholds struct {
	Report float32 // those below are reported only where a track expects them
	Detect float32 // the detector's; lower than Report for the sake of the tracker and of privacy
}

// ThresholdsOf resolves the score that was asked for, 0 being the model's own. With low, detections
// that are not sure are wanted too: by the tracker, or to hide people.
func ThresholdsOf(asked, model float32, low bool) Thresholds {
	t := Thresholds{Report: asked}
	if asked == 0 {
		t.Report = model
	}
	t.Detect = t.Report
	if low {
		t.Detect = min(t.Report, track.Low)
	}
	return t
}

// thresholds are those for a model with a score of its own.
func (s *settings) thresholds(model float32) Thresholds {
	return ThresholdsOf(s.score, model, s.tracked || s.private)
}

// detectorOptions are those for a model with this specification.
func (s *settings) detectorOptions(model detector.Spec, log *slog.Logger) detector.Options {
	return detector.Options{
		Classes: s.classes, Score: s.thresholds(model.Score).Detect, Input: s.input, Log: log,
	}
}

// checkModel opens the model and closes it again: it is a detector, knows the
// classes, and takes an input of that size. It takes one thread and logs nothing.
func (s *settings) checkModel() error {
	quiet := slog.New(slog.DiscardHandler)
	m, err := OpenModel(s.model, onnx.Options{Name: s.model.Name, Threads: 1})
	if err != nil {
		return err
	}
	defer m.Close()
	_, err = detector.New(m, s.detectorOptions(m.Spec(), quiet))
	return err
}

func parseSources(args []string) ([]ingest.Spec, error) {
	if len(args) == 0 {
		return nil, usage.New("add --source FILE, a camera index, or rtsp://…", "no --source is given")
	}
	specs := make([]ingest.Spec, len(args))
	seen, stdin := make(map[string]bool), 0
	for i, arg := range args {
		spec, err := ingest.ParseSpec(arg, i)
		if err != nil {
			return nil, err
		}
		if seen[spec.ID] {
			return nil, usage.New("name each one: --source door=… --source yard=…", "two sources are called %q", spec.ID)
		}
		if spec.URI == ingest.Stdin {
			if stdin++; stdin > 1 {
				return nil, usage.New("make a named pipe for the second (mkfifo)", "two sources read standard input")
			}
		}
		seen[spec.ID] = true
		specs[i] = spec
	}
	return specs, nil
}

// camerasOf joins each source with its settings of the configuration file.
func camerasOf(all map[string]config.CameraSettings, specs []ingest.Spec, tracked bool) ([]cameraSettings, error) {
	ids := make([]string, len(specs))
	for i, spec := range specs {
		ids[i] = spec.ID
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if slices.Contains(ids, id) {
			continue
		}
		fix := "the sources are " + strings.Join(ids, ", ")
		if n := usage.Nearest(id, ids); n != "" {
			fix = fmt.Sprintf("did you mean %q?", n)
		}
		return nil, usage.New(fix, "camera %s has settings in the configuration file, but no --source", id)
	}
	cameras := make([]cameraSettings, len(specs))
	for i, spec := range specs {
		c := all[spec.ID]
		shapes, err := pipeline.ShapesOf(spec.ID, c, tracked)
		if err != nil {
			return nil, err
		}
		cameras[i] = cameraSettings{CameraSettings: c, spec: spec, shapes: shapes}
	}
	return cameras, nil
}
