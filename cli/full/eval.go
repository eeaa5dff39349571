package full

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/eval"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/usage"
)

// EvalCmd measures models against labels, or tracks against a ground truth.
type EvalCmd struct {
	Labels string `placeholder:"FILE" env:"-" help:"COCO instances file. A file_name like clip.avi#120 is frame 120 of a video."`
	Images string `placeholder:"DIR" env:"-" help:"Directory that the file names are relative to."`
	trackFlags
	modelFlags
	Format string `enum:"table,json" default:"table" env:"-" help:"table or json (${default})."`
}

// lowest is the score from which detections count towards average precision.
const lowest = 0.01

// result is one line of the answer.
type result struct {
	Model string `json:"model"`
	Side  int    `json:"side"` // longer side of the model's input for the last picture
	eval.Score
	MedianMS float64 `json:"ms"` // median of decode-to-objects, without reading the picture
}

// Help is the rest of --help.
func (*EvalCmd) Help() string {
	return `Either detections are measured, against the boxes of --labels, as COCO does; or tracks, against the ground truth of --tracks, as TrackEval does.

` + tracksHelp
}

const tracksHelp = "A ground truth is text in the MOT Challenge's format, one line a box: " +
	"frame,id,left,top,width,height,counted and what follows. Frames count from 1. Boxes with counted 0 are left out, as of MOT15. " +
	"HOTA, DetA and AssA are means over IoU 0.05 to 0.95; IDF1, MOTA, switches (IDSW), false and missed boxes are at IoU 0.5."

// check returns the fault of flags that do not go together.
func (c *EvalCmd) check() error {
	switch {
	case (c.Labels == "") == (c.Tracks == ""):
		return usage.New("give one of them", "neither --labels nor --tracks, or both")
	case c.Labels != "" && c.Images == "":
		return usage.New("give the directory of the pictures", "--labels without --images")
	case c.Labels != "" && (c.Source != "" || len(c.Found) > 0 || c.Every != 1):
		return usage.New("give --tracks instead of --labels, or leave them out", "--source, --found and --every are of --tracks")
	case c.Tracks != "" && c.Images != "":
		return usage.New("give --source or --found instead", "--images is of --labels")
	case c.Tracks != "" && (c.Source == "") == (len(c.Found) == 0):
		return usage.New("give one of them", "--tracks with neither --source nor --found, or both")
	case c.Every < 1:
		return usage.New("give 1 or more", "--every %d", c.Every)
	}
	return nil
}

// Run implements the command.
func (c *EvalCmd) Run(ctx context.Context, env *cli.Env) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	if c.Tracks != "" {
		return c.score(ctx, env, &c.modelFlags, c.Format)
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
		m, err := c.load(name, lowest, env.Logger(slog.LevelWarn))
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
