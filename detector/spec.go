package detector

// Order is the order of the colour planes in the input tensor.
type Order string

// The orders.
const (
	BGR Order = "bgr"
	RGB Order = "rgb"
)

// Placement is where the resized frame lies in the input tensor.
type Placement string

// The placements.
const (
	TopLeft Placement = "top-left"
	Centre  Placement = "centre"
	Stretch Placement = "stretch" // over all of it, the aspect lost
)

// Axes is the order of the input tensor's dimensions: pictures, colours (C),
// rows (H) and columns (W).
type Axes string

// The orders of dimensions.
const (
	NCHW Axes = "nchw"
	NHWC Axes = "nhwc"
)

// Spec is the input that a model takes and the format of its outputs.
type Spec struct {
	Name   string
	SHA256 string

	// InputW and InputH are fixed by the graph. Where they are 0 the input is
	// free in multiples of Stride, and Side is the longer side by default (both
	// sides for Stretch).
	InputW, InputH int
	Stride         int
	Side           int

	// Input and Axes are the graph's own: a Model turns the f32 [1,3,h,w] that it
	// is fed into them.
	Input Element
	Axes  Axes

	Order     Order
	Mean, Std [3]float32 // (pixel-Mean)/Std, pixel 0..255, in the order B, G, R
	Pad       float32    // pixel value of the border
	Letterbox Placement

	Decoder string // one of Decoders
	Decoded *bool  // yolox: whether the graph adds the grid itself; nil: seen from its values
	// VariableOutput: the outputs' sizes depend on the picture.
	VariableOutput bool
	Classes        []string // by class id

	Score float32 // default threshold: the file's own (person-nano: metadata "threshold"), else its format's
	IoU   float32 // of two boxes of a class that overlap more, the one of the lower score is removed
}

// Model runs a graph. It is used by one goroutine at a time.
type Model interface {
	Spec() Spec
	Provider() string // "cpu", "cuda", …
	// Run feeds in, f32 [1,3,h,w], and returns the graph's outputs in its
	// order. They belong to the model and are valid until the next Run.
	Run(in *Tensor) ([]Tensor, error)
	Close() error
}

// setNormalisation sets the normalisation: pixels as they are, 0..1, or by the mean and
// deviation of ImageNet.
func (s *Spec) setNormalisation(o Order, p Placement, std float32) {
	s.Order, s.Letterbox = o, p
	s.Mean, s.Std = [3]float32{}, [3]float32{std, std, std}
}

func (s *Spec) setImageNet(o Order, p Placement) {
	s.Order, s.Letterbox = o, p
	s.Mean, s.Std = [3]float32{103.53, 116.28, 123.675}, [3]float32{57.375, 57.12, 58.395}
}
