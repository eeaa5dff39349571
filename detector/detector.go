package detector

import (
	"fmt"
	"image"
	"log/slog"
	"math"
	"strings"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/usage"
)

// Options choose what is detected.
type Options struct {
	Classes []string // labels wanted, as event.ClassName compares them; empty: all the model knows
	Score   float32  // 0 to 1: detections of lower scores are left out. It has no default: see Spec.Score

	// Input is the size in pixels for a model whose input is free; of another it
	// must be the longer side. Where one side is 0 it follows the frame's aspect,
	// the other being its longer side. Zero is the model's own, Spec.Side.
	Input  image.Point
	Region image.Rectangle // the part of the frame that is processed; empty: all of it

	Log *slog.Logger // default: discard
}

// Detector runs one model on frames.
type Detector struct {
	model   Model
	spec    Spec
	opts    Options
	decoder decoder
	query   query

	box        *letterbox                 // for the current frame
	boxes      map[image.Point]*letterbox // by the frame's size
	candidates []candidate
	warned     bool // of NaN
	unnamed    bool // warned of classes without a name
	scalar     bool // see letterbox
}

// New prepares a detector. It does not own the model: close that afterwards.
// A class the model does not know, or a setting out of its range, is a
// *usage.Error.
func New(m Model, opts Options) (*Detector, error) {
	s := m.Spec()
	s.Classes = spelled(s.Classes)
	dec, err := newDecoder(s)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", s.Name, err)
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if side := max(opts.Input.X, opts.Input.Y); side > 0 && s.InputW > 0 && side != max(s.InputW, s.InputH) {
		return nil, usage.New("leave --side out", "model %s takes %dx%d pixels and no other size; a longer side of %d was asked for", s.Name, s.InputW, s.InputH, side)
	}
	if opts.Input == (image.Point{}) {
		opts.Input.X = s.Side
	}
	d := &Detector{model: m, spec: s, opts: opts, decoder: dec, box: &letterbox{spec: s}, boxes: map[image.Point]*letterbox{}}
	d.query.score, d.query.rest, d.query.padded = opts.Score, len(opts.Classes) == 0, dec.hasNMS()
	if d.query.class, err = wanted(s, opts.Classes); err != nil {
		return nil, err
	}
	return d, nil
}

// spelled returns the names as event.ClassName spells them.
func spelled(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = event.ClassName(n)
	}
	return out
}

// wanted turns labels into a table by class id.
func wanted(s Spec, labels []string) ([]bool, error) {
	table := make([]bool, max(len(s.Classes), 1))
	for i := range table {
		table[i] = len(labels) == 0
	}
	for _, l := range labels {
		found := false
		for i, c := range s.Classes { // several classes can have one name
			if c == event.ClassName(l) {
				table[i], found = true, true
			}
		}
		if !found {
			known := strings.Join(s.Classes[:min(len(s.Classes), 12)], ", ")
			if len(s.Classes) > 12 {
				known += ", …"
			}
			return nil, usage.New("it knows "+known, "model %s has no class %q", s.Name, l)
		}
	}
	return table, nil
}

// Model describes the model as it is used now; Input is that of the last
// frame, or the default before the first.
func (d *Detector) Model() event.Model {
	in := d.box.input
	if in == (image.Point{}) {
		side := max(d.opts.Input.X, d.opts.Input.Y)
		if in = image.Pt(side, side); d.spec.InputW > 0 && d.spec.InputH > 0 {
			in = image.Pt(d.spec.InputW, d.spec.InputH)
		}
	}
	return event.Model{Name: d.spec.Name, SHA256: d.spec.SHA256, Input: [2]int{in.X, in.Y}, Provider: d.model.Provider()}
}

// Detect appends the frame's objects to dst[:0] and returns them, by falling
// score, their index, label and box set. Boxes are in the frame's pixels and
// rounded to a tenth of one. A *usage.Error concerns the model, any other this
// frame alone.
func (d *Detector) Detect(f *ingest.Frame, dst []event.Object) ([]event.Object, error) {
	dst = dst[:0]
	if err := d.fit(f.Size()); err != nil {
		return dst, err
	}
	if err := d.box.apply(&f.Image); err != nil {
		return dst, err
	}
	out, err := d.model.Run(&d.box.tensor)
	if err != nil {
		return dst, fmt.Errorf("run model %s: %w", d.spec.Name, err)
	}
	return d.objects(out, dst)
}

// objects turns the model's outputs into objects.
func (d *Detector) objects(out []Tensor, dst []event.Object) ([]event.Object, error) {
	d.query.in, d.query.nan, d.query.odd, d.query.beyond = d.box.input, 0, 0, 0
	c, err := d.decoder.decode(d.candidates[:0], out, &d.query)
	d.candidates = c[:0]
	if err != nil {
		return dst, usage.Wrap(err, "name its decoder in a description beside it", "model %s: %s", d.spec.Name, err)
	}
	if err := d.doubt(); err != nil {
		return dst, err
	}
	if inParts(c) {
		scale(c, d.box.input)
	}
	sortByScore(c)
	c = c[:min(len(c), maxCandidates)]
	if !d.decoder.hasNMS() {
		c = suppress(c, d.spec.IoU)
	}
	for i := range c {
		b, ok := d.box.toFrame(c[i].box)
		if !ok {
			continue
		}
		id := int(c[i].class)
		dst = append(dst, event.Object{
			Index: len(dst), ClassID: id, Label: label(d.spec.Classes, id),
			Score: float32(math.Round(float64(c[i].score)*1e4) / 1e4), Box: b,
		})
	}
	return dst, nil
}

// doubt reports outputs that no model of this format gives: once each the values
// that are left out, and as a *usage.Error those that make all of them worthless.
func (d *Detector) doubt() error {
	q := &d.query
	if q.odd != 0 {
		return usage.New("export it with the sigmoid inside", "model %s, read as %s: a score is %.4g, not a probability from 0 to 1; it may be a logit", d.spec.Name, d.spec.Decoder, q.odd)
	}
	if q.nan > 0 && !d.warned {
		d.warned = true
		d.opts.Log.Warn("the model answers with values that are not numbers; they are left out", "model", d.spec.Name, "in_this_frame", q.nan)
	}
	if q.beyond > 0 && !d.unnamed {
		d.unnamed = true
		d.opts.Log.Warn("the model answers with a class that has no name; name it in the classes of its description",
			"model", d.spec.Name, "class", q.beyond, "names", len(d.spec.Classes))
	}
	return nil
}

// inParts reports whether boxes are in parts of the input: in pixels all of
// them would lie within two of its corner.
func inParts(c []candidate) bool {
	for i := range c {
		for _, v := range c[i].box {
			if v < -2 || v > 2 {
				return false
			}
		}
	}
	return len(c) > 0
}

// scale turns parts of the input into its pixels.
func scale(c []candidate, in image.Point) {
	for i := range c {
		b := &c[i].box
		b[0], b[1], b[2], b[3] = b[0]*float32(in.X), b[1]*float32(in.Y), b[2]*float32(in.X), b[3]*float32(in.Y)
	}
}

// maxSizes is for how many sizes of frames a detector stays ready: cameras of
// different sizes can take turns with it.
const maxSizes = 8

// fit finds or makes the letterbox for frames of this size.
func (d *Detector) fit(frame image.Point) error {
	if l := d.boxes[frame]; l != nil {
		d.box = l
		return nil
	}
	region := image.Rect(0, 0, frame.X, frame.Y)
	if !d.opts.Region.Empty() {
		if region = d.opts.Region.Intersect(region); region.Empty() {
			return fmt.Errorf("the region %v lies outside the frame of %dx%d", d.opts.Region, frame.X, frame.Y)
		}
	}
	l := &letterbox{spec: d.spec, scalar: d.scalar}
	if err := l.fit(region, InputFor(d.spec, d.opts.Input, region.Size())); err != nil {
		return err
	}
	if len(d.boxes) == maxSizes {
		clear(d.boxes)
	}
	d.boxes[frame], d.box = l, l
	return nil
}

// InputFor returns the model's input for a picture of this size: what the
// graph fixes; else what was asked for, where that is both sides; else the
// smallest multiple of the stride that holds the picture with its longer side as
// asked for, or a square where the picture is stretched.
func InputFor(s Spec, asked, size image.Point) image.Point {
	if asked == (image.Point{}) {
		asked.X = s.Side
	}
	if s.InputW > 0 && s.InputH > 0 {
		return image.Pt(s.InputW, s.InputH)
	}
	up := func(v float64) int { return max(1, int(math.Ceil(v/float64(s.Stride)-1e-9))) * s.Stride }
	if asked.X > 0 && asked.Y > 0 {
		return image.Pt(up(float64(asked.X)), up(float64(asked.Y)))
	}
	side := max(asked.X, asked.Y)
	if s.Letterbox == Stretch {
		return image.Pt(up(float64(side)), up(float64(side)))
	}
	scale := float64(up(float64(side))) / float64(max(size.X, size.Y, 1))
	return image.Pt(up(float64(size.X)*scale), up(float64(size.Y)*scale))
}
