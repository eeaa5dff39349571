package detector

/*
#cgo CFLAGS: -O3
#include "letterbox.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"image"
	"math"
	"runtime"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
)

// maxSide bounds the sides of a frame and of an input, so that a wild header
// cannot ask for all memory.
const maxSide = ingest.MaxSide

// letterbox fits a region of a frame into the input tensor: resized by one
// factor, the rest filled with the pad value; or stretched over all of it. Its tables are made once, for one
// size of frames, and then only read.
type letterbox struct {
	spec   Spec
	region image.Rectangle // of the frame, in its pixels
	input  image.Point
	inner  image.Rectangle // where the region lies in the input

	tensor Tensor
	x0, y0 []int32
	xw, yw []int16
	line   []int16

	geometry C.sl_geometry
	scalar   bool // without SIMD; for tests
}

// fit prepares for frames whose region has this size, into this input.
func (l *letterbox) fit(region image.Rectangle, input image.Point) error {
	if d := region.Size(); d.X < 1 || d.Y < 1 || d.X > maxSide || d.Y > maxSide || input.X > maxSide || input.Y > maxSide {
		return fmt.Errorf("letterbox %v into %v: sides must be 1..%d", d, input, maxSide)
	}
	size := region.Size()
	scale := min(float64(input.X)/float64(size.X), float64(input.Y)/float64(size.Y))
	w := min(input.X, max(1, int(math.Round(float64(size.X)*scale))))
	h := min(input.Y, max(1, int(math.Round(float64(size.Y)*scale))))
	if l.spec.Letterbox == Stretch {
		w, h = input.X, input.Y
	}
	corner := image.Point{}
	if l.spec.Letterbox == Centre {
		corner = image.Pt((input.X-w)/2, (input.Y-h)/2)
	}
	l.region, l.input = region, input
	l.inner = image.Rectangle{Min: corner, Max: corner.Add(image.Pt(w, h))}

	l.x0, l.xw = make([]int32, w), make([]int16, 2*w)
	for x := range w {
		at, frac := source(x, w, size.X)
		if at == size.X-1 && at > 0 { // there is no right neighbour: be it
			at, frac = at-1, 1
		}
		right := int16(math.Round(frac * (1 << 14)))
		l.x0[x], l.xw[2*x], l.xw[2*x+1] = int32(at), 1<<14-right, right
	}
	l.y0, l.yw = make([]int32, 2*h), make([]int16, h)
	for y := range h {
		at, frac := source(y, h, size.Y)
		l.y0[2*y], l.y0[2*y+1] = int32(at), int32(min(at+1, size.Y-1))
		l.yw[y] = int16(min(math.Round(frac*(1<<15)), math.MaxInt16))
	}
	l.line = make([]int16, 3*size.X+16)

	l.tensor = Tensor{
		Name: "input", Shape: []int64{1, 3, int64(input.Y), int64(input.X)},
		F32: make([]float32, 3*input.X*input.Y),
	}
	l.geometry = C.sl_geometry{
		src_w: C.int32_t(size.X), w: C.int32_t(w), h: C.int32_t(h), dst_w: C.int64_t(input.X),
	}
	if l.scalar {
		l.geometry.scalar = 1
	}
	for c := range 3 {
		mul, add := 1/l.spec.Std[c], -l.spec.Mean[c]/l.spec.Std[c]
		plane := c
		if l.spec.Order == RGB {
			plane = 2 - c
		}
		n := input.X * input.Y
		l.geometry.mul[c], l.geometry.add[c] = C.float(mul), C.float(add)
		l.geometry.plane[c] = C.int64_t(plane*n + corner.Y*input.X + corner.X)
		border := l.tensor.F32[plane*n : (plane+1)*n]
		for i := range border {
			border[i] = l.spec.Pad*mul + add
		}
	}
	return nil
}

// source returns the source coordinate of destination pixel i, as the pixel
// before it and the fraction of the way to the next.
func source(i, n, of int) (at int, frac float64) {
	s := (float64(i)+0.5)*float64(of)/float64(n) - 0.5
	s = min(max(s, 0), float64(of-1))
	at = int(s)
	return at, s - float64(at)
}

var errNotBGR = errors.New("letterbox: the frame is not BGR with 8 bits a channel")

// apply fills the tensor from the frame. The border was filled by fit.
func (l *letterbox) apply(m *gocv.Mat) error {
	if m.Type() != gocv.MatTypeCV8UC3 || !m.IsContinuous() {
		return errNotBGR
	}
	pix, err := m.DataPtrUint8()
	if err != nil {
		return fmt.Errorf("letterbox: %w", err)
	}
	stride := 3 * m.Cols()
	if !l.region.In(image.Rect(0, 0, m.Cols(), m.Rows())) || len(pix) < stride*m.Rows() {
		return fmt.Errorf("letterbox: region %v is not within the frame of %dx%d", l.region, m.Cols(), m.Rows())
	}
	src := &pix[l.region.Min.Y*stride+3*l.region.Min.X]
	l.geometry.stride = C.int64_t(stride)
	C.sl_letterbox(&l.geometry, (*C.uint8_t)(src), (*C.float)(&l.tensor.F32[0]),
		(*C.int32_t)(&l.x0[0]), (*C.int16_t)(&l.xw[0]), (*C.int32_t)(&l.y0[0]), (*C.int16_t)(&l.yw[0]), (*C.int16_t)(&l.line[0]))
	runtime.KeepAlive(m)
	return nil
}

// toFrame turns a box in input pixels into one in the frame's pixels, clipped
// to the region. It reports false if nothing of the box is left.
func (l *letterbox) toFrame(b [4]float32) (event.Box, bool) {
	sx := float32(l.region.Dx()) / float32(l.inner.Dx())
	sy := float32(l.region.Dy()) / float32(l.inner.Dy())
	x := func(v float32) float32 {
		return clip((v-float32(l.inner.Min.X))*sx+float32(l.region.Min.X), l.region.Min.X, l.region.Max.X)
	}
	y := func(v float32) float32 {
		return clip((v-float32(l.inner.Min.Y))*sy+float32(l.region.Min.Y), l.region.Min.Y, l.region.Max.Y)
	}
	out := event.Box{x(b[0]), y(b[1]), x(b[2]), y(b[3])}
	return out, out[2] > out[0] && out[3] > out[1] // false for NaN too
}

// clip also rounds to a tenth of a pixel: finer is noise, and costs bytes in
// every record.
func clip(v float32, lo, hi int) float32 {
	v = min(max(v, float32(lo)), float32(hi))
	return float32(math.Round(float64(v)*10) / 10)
}
