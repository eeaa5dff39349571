package detector

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/yamlfile"
)

// ModelConfig is the YAML file beside a model, model.yaml for model.onnx. It
// overrides what was recognised; keys that it leaves out change nothing. A
// decoder brings the input that its models are usually fed.
type ModelConfig struct {
	Decoder   string    `yaml:"decoder"`   // one of Decoders
	Decoded   *bool     `yaml:"decoded"`   // yolox: whether the graph adds the grid itself
	Layout    Axes      `yaml:"layout"`    // nchw or nhwc
	Order     Order     `yaml:"order"`     // bgr or rgb
	Mean      []float32 `yaml:"mean"`      // three, in that order: (pixel-mean)/std, pixel 0..255
	Std       []float32 `yaml:"std"`       // three
	Pad       *float32  `yaml:"pad"`       // pixel value of the border
	Letterbox Placement `yaml:"letterbox"` // top-left, centre or stretch
	Stride    int       `yaml:"stride"`    // a free input is a multiple of it
	Side      int       `yaml:"side"`      // longer side of a free input
	Classes   []string  `yaml:"classes"`   // names by class id
	Score     float32   `yaml:"score"`     // default threshold
	IoU       float32   `yaml:"iou"`
}

// ReadModelConfig reads the description beside a model; nil if there is none.
// A mistake in it is a *usage.Error.
func ReadModelConfig(model string) (*ModelConfig, error) {
	path := strings.TrimSuffix(model, ".onnx") + ".yaml"
	b, err := yamlfile.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, usage.Wrap(err, "it describes one model in a few lines", "%s: cannot be read: %v", path, err)
	}
	var d ModelConfig
	if err := yamlfile.Decode(b, &d); err != nil {
		return nil, usage.Wrap(err, "keys are decoder, decoded, layout, order, mean, std, pad, letterbox, stride, side, classes, score and iou", "%s: %v", path, err)
	}
	if err := d.check(); err != nil {
		return nil, usage.Wrap(err, "", "%s: %s", path, err)
	}
	return &d, nil
}

func (d *ModelConfig) check() error {
	oneOf := func(key, v string, known ...string) error {
		if v == "" || slices.Contains(known, v) {
			return nil
		}
		return fmt.Errorf("%s is %q, not one of %s", key, v, strings.Join(known, ", "))
	}
	within := func(key string, v, lo, hi float32) error {
		if v == 0 || v >= lo && v <= hi {
			return nil
		}
		return fmt.Errorf("%s is %g, not within %g and %g", key, v, lo, hi)
	}
	three := func(key string, v []float32) error {
		if len(v) != 0 && len(v) != 3 {
			return fmt.Errorf("%s has %d values, not three", key, len(v))
		}
		return nil
	}
	if slices.Contains(d.Std, 0) {
		return errors.New("std has a zero: it divides")
	}
	return errors.Join(
		oneOf("decoder", d.Decoder, Decoders()...),
		oneOf("layout", string(d.Layout), string(NCHW), string(NHWC)),
		oneOf("order", string(d.Order), string(BGR), string(RGB)),
		oneOf("letterbox", string(d.Letterbox), string(TopLeft), string(Centre), string(Stretch)),
		three("mean", d.Mean), three("std", d.Std),
		within("stride", float32(d.Stride), 1, 256), within("side", float32(d.Side), 32, maxSide),
		within("score", d.Score, 0, 1), within("iou", d.IoU, 0, 1),
	)
}

// Apply overrides a spec that was recognised with the description's decoder.
func (d *ModelConfig) Apply(s *Spec) {
	set(&s.Order, d.Order)
	set(&s.Letterbox, d.Letterbox)
	set(&s.Stride, d.Stride)
	set(&s.Side, d.Side)
	set(&s.Score, d.Score)
	set(&s.IoU, d.IoU)
	if d.Decoded != nil {
		s.Decoded = d.Decoded
	}
	if d.Pad != nil {
		s.Pad = *d.Pad
	}
	for i := range 3 { // a spec has them as B, G, R
		c := i
		if s.Order == RGB {
			c = 2 - i
		}
		if d.Mean != nil {
			s.Mean[c] = d.Mean[i]
		}
		if d.Std != nil {
			s.Std[c] = d.Std[i]
		}
	}
}

func set[T comparable](to *T, v T) {
	var zero T
	if v != zero {
		*to = v
	}
}
