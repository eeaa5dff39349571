package detector

import (
	"image"
)

// graph holds the properties by which a format is recognised.
type graph struct {
	out   []TensorInfo
	input image.Point // 0 where it is free
	sized bool        // it has a SizeInput
	meta  map[string]string
	names []string // of classes; none: unknown
}

// Tasks in the metadata of Ultralytics' exports.
const taskPose = "pose"

// anyClasses means that the outputs do not show how many classes the model has.
const anyClasses = -1

// only returns rows and columns of the first output, one f32 [1,rows,columns].
func (g *graph) only() (rows, columns int64, ok bool) {
	if len(g.out) < 1 || len(g.out[0].Shape) != 3 || !g.out[0].real() {
		return 0, 0, false
	}
	return g.out[0].Shape[1], g.out[0].Shape[2], true
}
