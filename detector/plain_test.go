package detector_test

import (
	"cmp"
	"math"
	"slices"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/detector"
)

// The plain implementation: what the detector does, written as directly as
// possible, one obvious step after the other, without a thought for speed.

type plainBox struct {
	x1, y1, x2, y2, score float64
	class                 int
}

// plainLetterbox returns the input tensor and the way back to the frame.
func plainLetterbox(s detector.Spec, m *gocv.Mat, w, h int) (*detector.Tensor, func(plainBox) plainBox) {
	fw, fh := m.Cols(), m.Rows()
	scale := math.Min(float64(w)/float64(fw), float64(h)/float64(fh))
	nw := max(1, min(w, int(math.Round(float64(fw)*scale))))
	nh := max(1, min(h, int(math.Round(float64(fh)*scale))))
	if s.Letterbox == detector.Stretch {
		nw, nh = w, h
	}
	ox, oy := 0, 0
	if s.Letterbox == detector.Centre {
		ox, oy = (w-nw)/2, (h-nh)/2
	}
	bytes := m.ToBytes()
	pixel := func(x, y, c int) float64 {
		x, y = min(max(x, 0), fw-1), min(max(y, 0), fh-1)
		return float64(bytes[3*(y*fw+x)+c])
	}
	t := &detector.Tensor{Shape: []int64{1, 3, int64(h), int64(w)}, F32: make([]float32, 3*w*h)}
	for c := range 3 { // of B, G, R
		plane := c
		if s.Order == detector.RGB {
			plane = 2 - c
		}
		for y := range h {
			for x := range w {
				v := float64(s.Pad)
				if x >= ox && x < ox+nw && y >= oy && y < oy+nh {
					sx := min(max((float64(x-ox)+0.5)*float64(fw)/float64(nw)-0.5, 0), float64(fw-1))
					sy := min(max((float64(y-oy)+0.5)*float64(fh)/float64(nh)-0.5, 0), float64(fh-1))
					x0, y0 := int(math.Floor(sx)), int(math.Floor(sy))
					fx, fy := sx-float64(x0), sy-float64(y0)
					v = pixel(x0, y0, c)*(1-fx)*(1-fy) + pixel(x0+1, y0, c)*fx*(1-fy) +
						pixel(x0, y0+1, c)*(1-fx)*fy + pixel(x0+1, y0+1, c)*fx*fy
				}
				t.F32[(plane*h+y)*w+x] = float32((v - float64(s.Mean[c])) / float64(s.Std[c]))
			}
		}
	}
	back := func(b plainBox) plainBox {
		x := func(v float64) float64 {
			return min(max((v-float64(ox))*float64(fw)/float64(nw), 0), float64(fw))
		}
		y := func(v float64) float64 {
			return min(max((v-float64(oy))*float64(fh)/float64(nh), 0), float64(fh))
		}
		return plainBox{x(b.x1), y(b.y1), x(b.x2), y(b.y2), b.score, b.class}
	}
	return t, back
}

func plainYOLOX(out []detector.Tensor, w, h int) []plainBox {
	var all []plainBox
	row := int(out[0].Shape[2])
	i := 0
	for _, stride := range []int{8, 16, 32} {
		for gy := 0; gy < h/stride; gy++ {
			for gx := 0; gx < w/stride; gx++ {
				v := func(k int) float64 { return float64(out[0].F32[i*row+k]) }
				s := float64(stride)
				cx, cy := (v(0)+float64(gx))*s, (v(1)+float64(gy))*s
				bw, bh := math.Exp(v(2))*s, math.Exp(v(3))*s
				class := 0
				for c := 1; c < row-5; c++ {
					if v(5+c) > v(5+class) {
						class = c
					}
				}
				all = append(all, plainBox{cx - bw/2, cy - bh/2, cx + bw/2, cy + bh/2, v(4) * v(5+class), class})
				i++
			}
		}
	}
	return all
}

func plainIoU(a, b plainBox) float64 {
	w := math.Min(a.x2, b.x2) - math.Max(a.x1, b.x1)
	h := math.Min(a.y2, b.y2) - math.Max(a.y1, b.y1)
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h / ((a.x2-a.x1)*(a.y2-a.y1) + (b.x2-b.x1)*(b.y2-b.y1) - w*h)
}

// plainNMS keeps, class by class, the best box and whatever does not overlap
// it too much, and so on.
func plainNMS(in []plainBox, score, iou float64, class int) []plainBox {
	var left, kept []plainBox
	for _, b := range in {
		if b.score >= score && (class < 0 || b.class == class) {
			left = append(left, b)
		}
	}
	slices.SortStableFunc(left, func(a, b plainBox) int { return cmp.Compare(b.score, a.score) })
	for len(left) > 0 {
		top := left[0]
		kept = append(kept, top)
		var rest []plainBox
		for _, b := range left[1:] {
			if b.class != top.class || plainIoU(top, b) <= iou {
				rest = append(rest, b)
			}
		}
		left = rest
	}
	return kept
}
