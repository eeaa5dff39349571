package bench

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/bench/host"
	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/pipeline"
)

// Foreign is a round of another program, whose tables sightings, runs and batches have the
// columns of ours: its figures are computed as ours are.
type Foreign struct {
	DB       *pgxpool.Pool
	Cameras  []pipeline.CameraStatus // Total is how many frames were due
	From, To time.Time               // that was measured
	Interval time.Duration           // between two frames of a camera
	Usage    host.Usage              // between From and To
}

// Read returns the figures of the round. Its error is *IncorrectError when not every frame
// arrived, once and in order: then there are no figures.
func (f Foreign) Read(ctx context.Context) (r result.Round, c result.Correctness, err error) {
	// All that is due is processed: the problem is told when it is not.
	c, err = correctness(ctx, f.DB, f.Cameras, Config{FPS: 1, Duration: time.Second}, false)
	if err != nil {
		return r, c, err
	}
	if !c.OK() {
		return r, c, &IncorrectError{c}
	}
	r, err = readFrames(ctx, f.DB, runsOf(f.Cameras), window{f.From, f.To, f.Interval})
	if err != nil {
		return r, c, err
	}
	r.Processes = f.Usage.Processes
	setValues(&r, &watched{usage: f.Usage}, pipeline.ServicesConfig{})
	return r, c, nil
}
