package full

import (
	"errors"
	"log/slog"
	"time"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/models"
	"github.com/sightlog/sightlog/pipeline/detect"
)

// modelFlags say which models are measured, and how they run.
type modelFlags struct {
	Model   []string `default:"${model}" placeholder:"NAME|FILE" env:"-" help:"Models to compare, in one run (${default})."`
	Class   string   `default:"person" env:"-" help:"The category that counts, in any case (${default})."`
	Side    int      `placeholder:"PIXELS" env:"-" help:"Longer side of the models' input, where they leave it free (each one's own)."`
	Threads int      `default:"1" env:"-" help:"CPU threads for each model (${default})."`
}

// candidate is one model of the comparison.
type candidate struct {
	name  string
	score float32 // the model's own threshold
	model detector.Model
	det   *detector.Detector
	found [][]event.Object
	took  []time.Duration
}

// load opens a model. Its detector returns objects from the given score on; 0: as for
// a tracker.
func (c *modelFlags) load(name string, score float32, log *slog.Logger) (*candidate, error) {
	side, err := detect.InputSide(c.Side)
	if err != nil {
		return nil, err
	}
	found, err := models.Lookup(name, models.Options{})
	if err != nil {
		return nil, err
	}
	m, err := detect.OpenModel(found, onnx.Options{Name: found.Name, Threads: c.Threads})
	if err != nil {
		return nil, err
	}
	if score == 0 {
		score = detect.ThresholdsOf(0, m.Spec().Score, true).Detect
	}
	d, err := detector.New(m, detector.Options{Classes: []string{c.Class}, Score: score, Input: side, Log: log})
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &candidate{name: found.Name, score: m.Spec().Score, model: m, det: d}, nil
}
