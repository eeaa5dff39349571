package detect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/preview"
	"github.com/sightlog/sightlog/usage"
)

// reportEvery is how often the state of the cameras is reported.
const reportEvery = 250 * time.Millisecond

// Check returns the *usage.Error of a job whose sources or settings cannot be,
// without opening anything.
func Check(job pipeline.Job) error {
	specs, err := parseSources(job.Detect.Source)
	if err != nil {
		return err
	}
	if _, err := scenesOf(job, specs); err != nil {
		return err
	}
	for _, spec := range specs {
		if _, err := preview.Path(job.Detect.Preview, spec.ID, len(specs)); err != nil {
			return err
		}
	}
	return nil
}

// Run reads every source of the job to its end, or until ctx ends, and reports
// its state as it goes and once at the end. The error is a *usage.Error when
// the job cannot be, a *pipeline.DamageError when it was done with frames
// missing.
func Run(ctx context.Context, job pipeline.Job, report func(pipeline.Status), log *slog.Logger) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	specs, err := parseSources(job.Detect.Source)
	if err != nil {
		return err
	}
	cfg, err := pipeline.StreamConfig(job.Stream, log)
	if err != nil {
		return err
	}
	scenes, err := scenesOf(job, specs)
	if err != nil {
		return err
	}
	pool, err := openPool(job.Detect, len(specs), log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.close()) }()
	live, err := kafka.OpenLive(cfg)
	if err != nil {
		return err
	}
	defer live.Close()

	cams := make([]*camera, len(specs))
	for i, spec := range specs {
		kind, err := spec.Kind()
		if err != nil {
			return err
		}
		c := &camera{
			spec: spec, cfg: cfg, live: live, pool: pool, skipEmpty: job.Detect.SkipEmpty,
			scene: scenes[i], eye: pool.eye(scenes[i].settings.Region), log: log,
			opts:  sourceOptions(job, scenes[i].settings, log),
			state: pipeline.Camera{ID: spec.ID, State: pipeline.Opening, Live: kind.Live()},
		}
		c.opts.Backoff.Hold(job.Hold[spec.ID])
		defer func() { err = errors.Join(err, c.eye.close()) }()
		if c.preview, err = preview.Path(job.Detect.Preview, spec.ID, len(specs)); err != nil {
			return err
		}
		if job.Detect.Track != "off" {
			c.scene.score = pool.score
		}
		cams[i] = c
	}
	stop := reporting(cams, report) // from now on: a crash must not forget who may not be asked yet
	defer stop()
	sources, err := openSources(ctx, cams, job.Wait, log)
	if err == nil {
		err = pipeline.ReachTopics(ctx, job.Stream, job.Wait, log)
	}
	if err != nil {
		cancel()
		closeSources(sources)
		return err
	}

	return runAll(ctx, cams, sources)
}

// runAll runs the cameras side by side. One that fails stops them all: the
// supervisor starts them again. Damage does not.
func runAll(ctx context.Context, cams []*camera, sources []*opening) error {
	g, ctx := errgroup.WithContext(ctx)
	damaged := make([]error, len(cams))
	for i, c := range cams {
		g.Go(func() error {
			src, err := sources[i].wait(ctx)
			if err != nil {
				return err
			}
			err = c.run(ctx, src)
			var damage *pipeline.DamageError
			if errors.As(err, &damage) {
				damaged[i] = damage
				return nil
			}
			return err
		})
	}
	err := g.Wait()
	if err == nil {
		err = firstOf(damaged)
	}
	return err
}

func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// reporting reports every reportEvery until the returned function is called,
// which reports a last time.
func reporting(cams []*camera, report func(pipeline.Status)) func() {
	now := func() {
		s := pipeline.Status{Cameras: make([]pipeline.Camera, len(cams))}
		for i, c := range cams {
			s.Cameras[i] = c.status()
		}
		report(s)
	}
	quit := pipeline.Every(reportEvery, now)
	return func() { quit(); now() }
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

// scenesOf checks the cameras' settings.
func scenesOf(job pipeline.Job, specs []ingest.Spec) ([]*scene, error) {
	ids := make([]string, len(specs))
	for i, spec := range specs {
		ids[i] = spec.ID
	}
	for _, id := range slices.Sorted(maps.Keys(job.Cameras)) {
		if slices.Contains(ids, id) {
			continue
		}
		fix := "the sources are " + strings.Join(ids, ", ")
		if n := usage.Nearest(id, ids); n != "" {
			fix = fmt.Sprintf("did you mean %q?", n)
		}
		return nil, usage.New(fix, "camera %s has settings in the configuration file, but no --source", id)
	}
	scenes := make([]*scene, len(ids))
	for i, id := range ids {
		c := job.Cameras[id]
		shapes, err := shapesOf(id, c, job.Detect.Track != "off")
		if err != nil {
			return nil, err
		}
		scenes[i] = &scene{camera: id, settings: c, shapes: shapes}
	}
	return scenes, nil
}

func sourceOptions(job pipeline.Job, camera config.Camera, log *slog.Logger) ingest.Options {
	o := ingest.Options{Pace: ingest.AsRecorded, MaxFPS: camera.FPS, OpenTimeout: job.Detect.StartTimeout, Backoff: &ingest.Backoff{}, Log: log}
	if job.Detect.Pace == "fast" {
		o.Pace = ingest.Fast
	}
	if job.Stdin {
		o.Stdin = os.NewFile(pipeline.StdinFD, ingest.Stdin)
	}
	return o
}
