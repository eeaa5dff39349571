package full

import "github.com/sightlog/sightlog/cli"

// Commands is the whole command line of bin/sightlog.
type Commands struct {
	Run     RunCmd     `cmd:"" group:"Cameras" help:"Watch sources: broker, detector, sinks and database in one command."`
	Detect  DetectCmd  `cmd:"" group:"Cameras" help:"Read sources and write the sightings to a log; the other services run elsewhere."`
	Picture PictureCmd `cmd:"" group:"Questions" help:"Draw stored detections into their frame."`
	Audit   AuditCmd   `cmd:"" group:"Questions" help:"Check how true the counts of a line are: a random sample with pictures, and a result with its interval."`
	Bench   BenchCmd   `cmd:"" group:"Cameras" help:"Measure: the whole pipeline, grabbed to committed, or the detector alone."`
	Eval    EvalCmd    `cmd:"" group:"Cameras" help:"Measure models against labels (average precision, precision, recall, time), or tracks against a ground truth (HOTA, IDF1, MOTA)."`
	Models  ModelsCmd  `cmd:"" group:"Set-up" help:"The catalogue of models: list, pull, verify."`
	Doctor  DoctorCmd  `cmd:"" group:"Set-up" help:"Check what sightlog needs and report what to fix."`
	cli.Services
}
