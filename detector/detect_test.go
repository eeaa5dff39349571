package detector_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/event"
)

// constant answers with the same outputs whatever it is fed.
type constant struct {
	spec detector.Spec
	out  []detector.Tensor
}

func (c *constant) Spec() detector.Spec                             { return c.spec }
func (c *constant) Provider() string                                { return "test" }
func (c *constant) Run(*detector.Tensor) ([]detector.Tensor, error) { return c.out, nil }
func (c *constant) Close() error                                    { return nil }

func tinySpec(decoder string) detector.Spec {
	return detector.Spec{
		Name: "constant", InputW: 32, InputH: 32, Stride: 32, Order: detector.BGR, Std: [3]float32{1, 1, 1}, Pad: 114,
		Letterbox: detector.TopLeft, Decoder: decoder, Classes: []string{"person", "cat"}, Score: 0.3, IoU: 0.5,
	}
}

func TestDetect_OutputsNotNumbers_LeftOutWithOneWarning(t *testing.T) {
	t.Parallel()
	f, done := firstFrame(t)
	defer done()
	nan := float32(math.NaN())
	inf := float32(math.Inf(1))
	m := &constant{spec: tinySpec("sightlog"), out: []detector.Tensor{
		{Name: "boxes", Shape: []int64{1, 5, 4}, F32: []float32{1, 1, 9, 9, nan, 1, 9, 9, 1, 1, 9, 9, -inf, -inf, inf, inf, 5, 5, 5, 5}},
		{Name: "scores", Shape: []int64{1, 5, 2}, F32: []float32{nan, nan, .9, 0, .8, nan, .4, 0, .9, 0}},
	}}
	d, err := newDetector(m, detector.Options{})
	require.NoError(t, err)
	objs, err := d.Detect(f, nil)
	require.NoError(t, err)
	require.Len(t, objs, 1, "neither what is not a number nor what is boundless is a person")
	require.Equal(t, float32(.8), objs[0].Score)
}

// Whatever the case of the model's names and of the names asked for, objects
// have the one spelling that everything after the detector counts.
func TestClasses_NamesOfAnotherCase_AreFoundAndSpelledAlike(t *testing.T) {
	t.Parallel()
	f, done := firstFrame(t)
	defer done()
	s := tinySpec("sightlog")
	s.Classes = []string{"Person", "CAT", "person "}
	m := &constant{spec: s, out: []detector.Tensor{
		{Name: "boxes", Shape: []int64{1, 3, 4}, F32: []float32{1, 1, 9, 9, 11, 1, 19, 9, 1, 11, 9, 19}},
		{Name: "scores", Shape: []int64{1, 3, 3}, F32: []float32{.9, 0, 0, 0, .8, 0, 0, 0, .7}},
	}}
	d, err := newDetector(m, detector.Options{Classes: []string{"PERSON"}})
	require.NoError(t, err)
	objs, err := d.Detect(f, nil)
	require.NoError(t, err)
	require.Len(t, objs, 2, "two classes have the name")
	for _, o := range objs {
		require.Equal(t, event.Person, o.Label)
	}
	require.Equal(t, "Person", s.Classes[0], "the model's own names stay as they are")
}

func TestDetect_OutputsOfTheWrongShape_FrameError(t *testing.T) {
	t.Parallel()
	f, done := firstFrame(t)
	defer done()
	for _, name := range detector.Decoders() {
		for _, out := range [][]detector.Tensor{
			nil,
			{{Name: "o", Shape: []int64{1}, F32: []float32{1}}},
			{{Name: "o", Shape: []int64{1, 21, 7}, F32: []float32{1}}},
			{{Name: "boxes", Shape: []int64{1, 2, 4}, F32: make([]float32, 8)}, {Name: "scores", Shape: []int64{1, 3, 2}, F32: make([]float32, 6)}},
		} {
			d, err := newDetector(&constant{spec: tinySpec(name), out: out}, detector.Options{})
			require.NoError(t, err)
			_, err = d.Detect(f, nil)
			require.Errorf(t, err, "%s with %v", name, out)
		}
	}
}
