package detector

import "math"

// yolox reads YOLOX's export, [1,N,5+C]: centre x, centre y, width, height,
// objectness, C class scores after sigmoid. N runs over the cells of the grids
// of stride 8, 16 and 32, row by row. In a raw export the centre is an offset
// from the cell in strides and the size is the logarithm of one in strides
// (Ge et al., arXiv:2107.08430; the official exporter leaves it so).
type yolox struct {
	raw bool
}

var yoloxStrides = [...]int{8, 16, 32}

func (y *yolox) suppressed() bool { return false }

func (y *yolox) decode(dst []candidate, out []Tensor, q *query) ([]candidate, error) {
	if len(out) == 0 {
		return dst, wrong("yolox", &Tensor{}, "there")
	}
	t := &out[0]
	d := t.dims(2)
	if len(d) != 2 || d[1] < 6 || t.F32 == nil {
		return dst, wrong("yolox", t, "f32 [1,N,5+C]")
	}
	row, cells := int(d[1]), 0
	for _, s := range yoloxStrides {
		cells += (q.in.X / s) * (q.in.Y / s)
	}
	if int(d[0]) != cells {
		return dst, wrong("yolox", t, "of one row a grid cell")
	}
	at := 0
	for _, s := range yoloxStrides {
		for gy := range q.in.Y / s {
			for gx := range q.in.X / s {
				r := t.F32[at : at+row : at+row]
				at += row
				if !(r[4] >= q.score) { // no class can lift the product above it
					continue
				}
				class, p := best(r[5:])
				score := r[4] * p
				if !(score >= q.score) || !q.wants(int32(class)) {
					continue
				}
				cx, cy, w, h := r[0], r[1], r[2], r[3]
				if y.raw {
					f := float32(s)
					cx, cy = (cx+float32(gx))*f, (cy+float32(gy))*f
					w, h = exp(w)*f, exp(h)*f
				}
				dst = append(dst, candidate{centred(cx, cy, w, h), min(score, 1), int32(class)})
			}
		}
	}
	return dst, nil
}

func exp(v float32) float32 { return float32(math.Exp(float64(v))) }

// centred makes a box from its centre and size.
func centred(cx, cy, w, h float32) [4]float32 {
	return [4]float32{cx - w/2, cy - h/2, cx + w/2, cy + h/2}
}
