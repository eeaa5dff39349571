package detector

import (
	"fmt"
	"image"
	"math"
)

// yolox reads YOLOX's export, [1,N,5+C]: centre x, centre y, width, height,
// objectness, C class scores after sigmoid. N runs over the cells of the grids
// of stride 8, 16 and 32, row by row. In a raw export the centre is an offset
// from the cell in strides and the size is the logarithm of one in strides
// (Ge et al., arXiv:2107.08430; the official exporter leaves it so). With
// --decode_in_inference both are input pixels.
type yolox struct {
	decoded *bool // nil: seen from the values
}

var yoloxStrides = [...]int{8, 16, 32}

func (yolox) suppressed() bool { return false }

func (y yolox) decode(dst []candidate, out []Tensor, q *query) ([]candidate, error) {
	t, d, err := output("yolox", out, 0, cells(q.in.X, q.in.Y), -1)
	if err != nil {
		return dst, err
	}
	row := int(d[1])
	if row < 6 || t.F32 == nil {
		return dst, fmt.Errorf("decode yolox: output %s is not f32 [1,N,5+C]", t)
	}
	raw := y.raw(t.F32, row, q.in)
	at := 0
	for _, s := range yoloxStrides {
		for gy := range q.in.Y / s {
			for gx := range q.in.X / s {
				r := t.F32[at : at+row : at+row]
				at += row
				if !q.passes(r[4]) { // no class can lift the product above it
					continue
				}
				class, p := best(r[5:])
				cx, cy, w, h := r[0], r[1], r[2], r[3]
				if raw {
					f := float32(s)
					cx, cy = (cx+float32(gx))*f, (cy+float32(gy))*f
					w, h = exp(w)*f, exp(h)*f
				}
				dst = q.keep(dst, centred(cx, cy, w, h), r[4]*p, class)
			}
		}
	}
	return dst, nil
}

// raw reports whether the graph leaves the grid to the decoder. Each cell has a
// vote: its centre lies close to its own corner, in strides, or close to its
// place in the input, in pixels.
func (y yolox) raw(f []float32, row int, in image.Point) bool {
	if y.decoded != nil {
		return !*y.decoded
	}
	votes, at := 0, 0
	for _, s := range yoloxStrides {
		for gy := range in.Y / s {
			for gx := range in.X / s {
				x, y := f[at], f[at+1]
				at += row
				offset := abs(x-0.5) + abs(y-0.5)
				place := abs(x/float32(s)-float32(gx)-0.5) + abs(y/float32(s)-float32(gy)-0.5)
				if offset < place {
					votes++
				} else if place < offset {
					votes--
				}
			}
		}
	}
	return votes >= 0
}

func abs(v float32) float32 { return max(v, -v) }

func exp(v float32) float32 { return float32(math.Exp(float64(v))) }

// cells counts the cells of YOLOX's three grids.
func cells(w, h int) int64 {
	n := 0
	for _, s := range yoloxStrides {
		n += (w / s) * (h / s)
	}
	return int64(n)
}

// yolov5 reads the same row as yolox, with the grid already added, for three
// anchors a cell: [1,N,5+C], in input pixels.
type yolov5 struct{}

func (yolov5) suppressed() bool { return false }

func (yolov5) decode(dst []candidate, out []Tensor, q *query) ([]candidate, error) {
	t, row, err := first("yolov5", out, 6)
	if err != nil {
		return dst, err
	}
	if n := int64(len(t.F32) / row); n < 3*cells(q.in.X, q.in.Y) { // more have a fourth stride
		return dst, fmt.Errorf("decode yolov5: output %s has fewer rows than an input of %dx%d has anchors; it may be end2end", t, q.in.X, q.in.Y)
	}
	for at := 0; at < len(t.F32); at += row {
		r := t.F32[at : at+row : at+row]
		if q.passes(r[4]) {
			class, p := best(r[5:])
			dst = q.keep(dst, centred(r[0], r[1], r[2], r[3]), r[4]*p, class)
		}
	}
	return dst, nil
}
