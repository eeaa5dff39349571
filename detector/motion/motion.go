package motion

import (
	"image"
	"time"

	"gocv.io/x/gocv"
)

// Options tune a Gate. A zero value is the default.
type Options struct {
	Level   float32       // change of a cell's brightness that counts, of 255. Default 8
	Area    float64       // part of the cells that must change. Default 0.0004, three of 96x72
	Hold    time.Duration // stays open for so long after the last motion. Default 2 s
	Refresh time.Duration // opens for one frame after so long, which finds people who stand still. Default 5 s

	// Ignore reports whether motion at a point, in parts of the frame's width and
	// height, does not count: a clock in the picture, a tree.
	Ignore func(x, y float64) bool
}

// Gate decides whether a frame is worth a detection: whether anything has moved.
// It is for scenes that are empty most of the time; a person who stands still for
// longer than Hold is detected at every Refresh only.
//
// Cells of the picture are compared with an exponential mean of them over some
// 32 frames. A change common to all, as of the light, is subtracted. It belongs to one goroutine.
type Gate struct {
	opts  Options
	size  image.Point
	cells []float32 // brightness now
	mean  []float32 // mean brightness
	count []int     // the cells that count
	begun bool
	moved time.Duration // last motion
	open  time.Duration // last frame that passed
}

// The grid, and the weight of a frame in the mean.
const (
	motionColumns, motionRows = 96, 72
	motionWeight              = 1.0 / 32
)

// New returns a gate that is open for its first frame.
func New(o Options) *Gate {
	if o.Level == 0 {
		o.Level = 8
	}
	if o.Area == 0 {
		o.Area = 0.0004
	}
	if o.Hold == 0 {
		o.Hold = 2 * time.Second
	}
	if o.Refresh == 0 {
		o.Refresh = 5 * time.Second
	}
	g := &Gate{opts: o, cells: make([]float32, motionColumns*motionRows), mean: make([]float32, motionColumns*motionRows)}
	for i := range g.cells {
		x, y := (float64(i%motionColumns)+0.5)/motionColumns, (float64(i/motionColumns)+0.5)/motionRows
		if o.Ignore == nil || !o.Ignore(x, y) {
			g.count = append(g.count, i)
		}
	}
	return g
}

// Pass reports whether the detector should run on the frame at pts. It should on
// a frame that cannot be judged.
func (g *Gate) Pass(m *gocv.Mat, pts time.Duration) bool {
	if !g.sample(m) {
		return true
	}
	if size := image.Pt(m.Cols(), m.Rows()); size != g.size || !g.begun || pts < g.moved {
		g.size, g.begun = size, true
		copy(g.mean, g.cells)
		g.moved, g.open = pts, pts
		return true
	}
	if g.changed() {
		g.moved = pts
	}
	if pts-g.moved > g.opts.Hold && pts-g.open < g.opts.Refresh {
		return false
	}
	g.open = pts
	return true
}

// Moved reports whether something had moved in the frame at pts, the last one
// given to Pass.
func (g *Gate) Moved(pts time.Duration) bool { return g.begun && pts == g.moved }

// changed compares the cells with their means, and updates those.
func (g *Gate) changed() bool {
	var all float32
	for _, i := range g.count {
		all += g.cells[i] - g.mean[i]
	}
	all /= float32(max(len(g.count), 1))
	changed := 0
	for _, i := range g.count {
		d := g.cells[i] - g.mean[i]
		if c := d - all; c > g.opts.Level || c < -g.opts.Level {
			changed++
		}
		g.mean[i] += motionWeight * d
	}
	return float64(changed) > g.opts.Area*float64(len(g.cells))
}

// sample takes each cell's brightness from 16 of its pixels, green alone.
func (g *Gate) sample(m *gocv.Mat) bool {
	w, h := m.Cols(), m.Rows()
	if m.Type() != gocv.MatTypeCV8UC3 || !m.IsContinuous() || w < motionColumns || h < motionRows {
		return false
	}
	pix, err := m.DataPtrUint8()
	if err != nil {
		return false
	}
	for row := range motionRows {
		top, bottom := row*h/motionRows, (row+1)*h/motionRows
		for column := range motionColumns {
			left, right := column*w/motionColumns, (column+1)*w/motionColumns
			sum := 0
			for k := range 4 {
				line := 3 * w * (top + (bottom-top)*k/4)
				for i := range 4 {
					sum += int(pix[line+3*(left+(right-left)*i/4)+1])
				}
			}
			g.cells[row*motionColumns+column] = float32(sum) / 16
		}
	}
	return true
}
