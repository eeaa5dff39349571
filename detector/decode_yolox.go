package detector

import (
	"fmt"
	"image"
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

// gridClasses recognises YOLOX and YOLOv5, with a number of rows for each cell.
// Their sizes are fixed by the graph, or free.
func gridClasses(g *graph, each int64) int {
	n, row, ok := g.only()
	if !ok || row < 6 {
		return 0
	}
	for _, t := range g.out[1:] { // older exports of YOLOv5 add the three grids themselves
		if each == 1 || len(t.Shape) != 5 {
			return 0
		}
	}
	if n > 0 && (g.input.X == 0 || n != each*cells(g.input.X, g.input.Y)) ||
		n <= 0 && each == 1 && len(g.names) > 0 { // YOLOX's exporter writes no names
		return 0
	}
	return int(row) - 5
}

func yoloxClasses(g *graph) int { return gridClasses(g, 1) }

func yoloxInput(s *Spec, _ *graph, _ int) { s.setNormalisation(BGR, TopLeft, 1) }

func (yolox) hasNMS() bool { return false }

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
				dst = q.add(dst, centred(cx, cy, w, h), r[4]*p, class)
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

// cells counts the cells of YOLOX's three grids.
func cells(w, h int) int64 {
	n := 0
	for _, s := range yoloxStrides {
		n += (w / s) * (h / s)
	}
	return int64(n)
}
