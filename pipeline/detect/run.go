package detect

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/preview"
	"github.com/sightlog/sightlog/tracing"
)

// reportEvery is how often the state of the cameras is reported.
const reportEvery = 250 * time.Millisecond

// Check returns the *usage.Error of a job that cannot run: its sources, flags,
// cameras' settings, model's file or preview. It opens no source and no model and
// connects to nothing, so it is called before anything is started for the job.
func Check(job pipeline.Job) error {
	s, err := resolve(job)
	if err != nil {
		return err
	}
	_, err = previewPaths(job, s.cameras)
	return err
}

// CheckModel chooses the job's model, opens it and closes it again. It returns its name
// or path, or a *usage.Error if it is no detector, does not know the classes, or takes no
// input of that size.
func CheckModel(job pipeline.Job, log *slog.Logger) (model string, err error) {
	if job.Detect.Model, err = ChooseModel(job.Detect.Model, log); err != nil {
		return "", err
	}
	s, err := resolve(job)
	if err != nil {
		return "", err
	}
	return job.Detect.Model, s.checkModel()
}

// previewPaths returns the path of each camera's preview and creates the
// directories: better now than at the first frame.
func previewPaths(job pipeline.Job, cameras []cameraSettings) (paths []string, err error) {
	paths = make([]string, len(cameras))
	for i, c := range cameras {
		if paths[i], err = preview.Path(job.Detect.Preview, c.spec.ID, len(cameras)); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// Run reads every source of the job to its end, or until ctx ends, and reports
// its state as it goes and once at the end. The error is a *usage.Error when
// the job cannot run, a *pipeline.DamageError when it was done with frames
// missing.
func Run(ctx context.Context, job pipeline.Job, report func(pipeline.Status), log *slog.Logger) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if job.Detect.Model, err = ChooseModel(job.Detect.Model, log); err != nil {
		return err
	}
	settings, err := resolve(job)
	if err != nil {
		return err
	}
	cfg, err := pipeline.KafkaConfig(job.Kafka, log)
	if err != nil {
		return err
	}
	tracer, err := tracing.Open(tracing.Config{Endpoint: job.Traces.OTLPEndpoint, Sample: job.Traces.TraceSample, Service: "detect", Version: job.Version, Log: log})
	if err != nil {
		return err
	}
	defer tracer.Close()
	pool, err := openPool(&settings, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.close()) }()
	previews, err := previewPaths(job, settings.cameras)
	if err != nil {
		return err
	}
	loops := make([]*cameraLoop, len(settings.cameras))
	cfg.Acked = acknowledge(settings.cameras, loops)
	live, err := kafka.OpenLive(cfg)
	if err != nil {
		return err
	}
	defer live.Close()
	pictures, closePictures, err := openSnapshots(ctx, job, cfg, log)
	if err != nil {
		return err
	}
	defer closePictures()

	hub, err := openHub(job, settings.cameras, log)
	if err != nil {
		return err
	}
	for i, cam := range settings.cameras {
		kind, err := cam.spec.Kind()
		if err != nil {
			return err
		}
		c := &cameraLoop{
			spec: cam.spec, cfg: cfg, live: live, pool: pool, skipEmpty: job.Detect.SkipEmpty,
			preview: previews[i], pictures: pictures, stretches: job.Detect.SnapshotStretches, viewers: hub.camera(cam.spec.ID),
			scene:    newScene(cam, settings.tracked, pool.thresholds.Report),
			detector: pool.camera(cam.Region), tracer: tracer, log: log, settings: cam,
			opts:  sourceOptions(job, cam.FPS, kind.Live(), log),
			state: pipeline.CameraStatus{ID: cam.spec.ID, State: pipeline.Opening, Live: kind.Live(), Settings: job.Settings},
		}
		c.opts.Backoff.Hold(job.Hold[cam.spec.ID])
		defer func() { err = errors.Join(err, c.detector.close()) }()
		loops[i] = c
	}
	defer hub.serve(ctx, loops)()
	stop := reporting(loops, report) // from now on: a crash must not forget which servers may not be asked yet
	defer stop()
	sources, err := openSources(ctx, loops, job.Wait, log)
	if err == nil {
		err = pipeline.ReachTopics(ctx, job.Kafka, job.Wait, log)
	}
	if err != nil {
		cancel()
		closeSources(sources)
		return err
	}

	if job.Play != nil {
		schedule(loops, job.Play)
	}
	defer followChanges(ctx, job, loops, log)()
	return runAll(ctx, loops, sources)
}

// acknowledge returns the function that counts acknowledgements at their cameras. It is
// called only after loops have been filled.
func acknowledge(cameras []cameraSettings, loops []*cameraLoop) func(kafka.Ack) {
	index := make(map[string]int, len(cameras))
	for i, c := range cameras {
		index[c.spec.ID] = i
	}
	return func(a kafka.Ack) {
		loops[index[a.Camera]].update(func(s *pipeline.CameraStatus) {
			s.Produce.Observe(a.Took)
			s.Produce.Mark(a.Took, a.Trace)
		})
	}
}

// runAll runs the cameras side by side. One that fails stops them all: the
// supervisor starts them again. Damage does not.
func runAll(ctx context.Context, cams []*cameraLoop, sources []*opening) error {
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
		err = cmp.Or(damaged...)
	}
	return err
}

// reporting reports every reportEvery until the returned function is called,
// which reports a last time.
func reporting(cams []*cameraLoop, report func(pipeline.Status)) func() {
	now := func() {
		s := pipeline.Status{Cameras: make([]pipeline.CameraStatus, len(cams))}
		for i, c := range cams {
			s.Cameras[i] = c.status()
		}
		report(s)
	}
	quit := pipeline.Every(reportEvery, now)
	return func() { quit(); now() }
}

func sourceOptions(job pipeline.Job, fps float64, live bool, log *slog.Logger) ingest.Options {
	o := ingest.Options{Pace: ingest.AsRecorded, MaxFPS: fps, OpenTimeout: job.Detect.StartTimeout, Backoff: &ingest.Backoff{}, Log: log}
	if job.Detect.Pace == "fast" {
		o.Pace = ingest.Fast
	}
	if job.Play != nil && !live {
		o.Pace, o.Schedule = ingest.AsRecorded, ingest.NewSchedule(job.Play.FPS, job.Play.Length)
	}
	if job.Stdin {
		o.Stdin = os.NewFile(pipeline.StdinFD, ingest.Stdin)
	}
	return o
}

// Opening the runs of all cameras takes this long before the first frame is due, and so
// much for each.
const (
	playLead       = 1500 * time.Millisecond
	playLeadCamera = 25 * time.Millisecond
)

// schedule sets when each camera plays: its frames are spread evenly between those of the
// first camera.
func schedule(cams []*cameraLoop, play *pipeline.Play) {
	start := time.Now().Add(playLead + time.Duration(len(cams))*playLeadCamera)
	for i, c := range cams {
		c.playing = playing{start: start, phase: float64(i) / float64(len(cams))}
		if play.Length > 0 {
			c.playing.end = start.Add(play.Length)
		}
	}
}
