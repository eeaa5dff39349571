package full

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/eval"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/models"
	"github.com/sightlog/sightlog/pipeline/detect"
	"github.com/sightlog/sightlog/usage"
)

// EvalCmd measures models against labels.
type EvalCmd struct {
	Labels  string   `required:"" placeholder:"FILE" env:"-" help:"COCO instances file. A file_name like clip.avi#120 is frame 120 of a video."`
	Images  string   `required:"" placeholder:"DIR" env:"-" help:"Directory that the file names are relative to."`
	Model   []string `default:"${model}" placeholder:"NAME|FILE" env:"-" help:"Models to compare, in one run (${default})."`
	Class   string   `default:"person" env:"-" help:"The category that counts, in any case (${default})."`
	Side    int      `placeholder:"PIXELS" env:"-" help:"Longer side of the models' input, where they leave it free (each one's own)."`
	Threads int      `default:"1" env:"-" help:"CPU threads for each model (${default})."`
	Format  string   `enum:"table,json" default:"table" env:"-" help:"table or json (${default})."`
}

// lowest is the score from which detections count towards average precision.
const lowest = 0.01

// candidate is one model of the comparison.
type candidate struct {
	name  string
	score float32 // the model's own threshold
	model detector.Model
	det   *detector.Detector
	found [][]event.Object
	took  []time.Duration
}

// result is one line of the answer.
type result struct {
	Model string `json:"model"`
	Side  int    `json:"side"` // longer side of the model's input for the last picture
	eval.Score
	MedianMS float64 `json:"ms"` // median of decode-to-objects, without reading the picture
}

// Run implements the command.
func (c *EvalCmd) Run(ctx context.Context, env *cli.Env) (err error) {
	side, err := detect.InputSide(c.Side)
	if err != nil {
		return err
	}
	images, err := eval.ReadLabels(c.Labels, c.Class)
	if err != nil {
		return err
	}
	if len(images) == 0 {
		return usage.New("give labels with images", "--labels %s: no images", c.Labels)
	}
	var all []*candidate
	defer func() {
		for _, m := range all {
			err = errors.Join(err, m.model.Close())
		}
	}()
	for _, name := range c.Model {
		m, err := c.load(name, side, env.Logger(slog.LevelWarn))
		if err != nil {
			return err
		}
		all = append(all, m)
	}
	if err := c.look(ctx, images, all); err != nil {
		return err
	}
	var out []result
	for _, m := range all {
		slices.Sort(m.took)
		in := m.det.Model().Input
		out = append(out, result{
			Model: m.name, Side: slices.Max(in[:]), Score: eval.Evaluate(images, m.found, m.score),
			MedianMS: m.took[len(m.took)/2].Seconds() * 1e3,
		})
	}
	if c.Format == "json" {
		return json.NewEncoder(env.Stdout).Encode(out)
	}
	return table(env.Stdout, out)
}

func table(w io.Writer, out []result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "model\tside\timages\tpeople\tAP\tAP50\tthreshold\tprecision\trecall\tfalse/empty\tms")
	for _, v := range out {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%.3f\t%.3f\t%.2f\t%.3f\t%.3f\t%d/%d\t%.1f\n", v.Model, v.Side, v.Images, v.People,
			v.AP, v.AP50, v.Threshold, v.Precision, v.Recall, v.False, v.Empty, v.MedianMS)
	}
	return t.Flush()
}

func (c *EvalCmd) load(name string, side image.Point, log *slog.Logger) (*candidate, error) {
	found, err := models.Lookup(name, models.Options{})
	if err != nil {
		return nil, err
	}
	m, err := detect.OpenModel(found, onnx.Options{Name: found.Name, Threads: c.Threads})
	if err != nil {
		return nil, err
	}
	d, err := detector.New(m, detector.Options{Classes: []string{c.Class}, Score: lowest, Input: side, Log: log})
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &candidate{name: found.Name, score: m.Spec().Score, model: m, det: d}, nil
}

// look shows every image to every model, one after the other, so that what
// else the machine does meets them alike.
func (c *EvalCmd) look(ctx context.Context, images []eval.Image, all []*candidate) error {
	for _, m := range all {
		m.found = make([][]event.Object, len(images))
	}
	p := pictures{dir: c.Images}
	defer p.close()
	for _, i := range inFileOrder(images) {
		f, err := p.read(ctx, images[i].File)
		if err != nil {
			return err
		}
		for _, m := range all {
			began := time.Now()
			if m.found[i], err = m.det.Detect(f, nil); err != nil {
				return fmt.Errorf("%s: %w", images[i].File, err)
			}
			m.took = append(m.took, time.Since(began))
		}
	}
	return nil
}

// place splits a file name into the file and the frame; -1 without one.
func splitFrameRef(name string) (file string, frame int64) {
	if i := strings.LastIndexByte(name, '#'); i >= 0 {
		if n, err := strconv.ParseInt(name[i+1:], 10, 64); err == nil && n >= 0 {
			return name[:i], n
		}
	}
	return name, -1
}

// inFileOrder sorts so that each video is read once, forwards.
func inFileOrder(images []eval.Image) []int {
	order := make([]int, len(images))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		fa, na := splitFrameRef(images[a].File)
		fb, nb := splitFrameRef(images[b].File)
		if d := strings.Compare(fa, fb); d != 0 {
			return d
		}
		return int(na - nb)
	})
	return order
}

// pictures reads the frames that are asked for, in file order.
type pictures struct {
	dir   string
	file  string
	src   ingest.Source
	frame ingest.Frame
	have  bool // frame holds one
}

func (p *pictures) read(ctx context.Context, name string) (*ingest.Frame, error) {
	file, n := splitFrameRef(name)
	if p.src == nil || p.file != file {
		p.close()
		src, err := ingest.Open(ctx, ingest.Spec{ID: "eval", URI: filepath.Join(p.dir, filepath.FromSlash(file))},
			ingest.Options{Pace: ingest.Fast, StartAt: max(n, 0)})
		if err != nil {
			return nil, err
		}
		p.src, p.file, p.have = src, file, false
	}
	for !p.have || p.frame.Seq < n {
		if err := p.src.Next(ctx, &p.frame); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		p.have = true
	}
	return &p.frame, nil
}

func (p *pictures) close() {
	if p.src != nil {
		p.src.Close()
		p.src = nil
	}
}
