package track

import (
	"math"

	"github.com/sightlog/sightlog/event"
)

// A track's box is followed as centre x, centre y, aspect (width/height) and
// height, each with its speed. Noise is a part of the height, as in SORT and
// ByteTrack. Nothing couples the four: the 8×8 filter falls into four filters
// of position and speed, which is exact, not an approximation.
type motion [4]filter

// Parts of the height that are the deviation of a position and of a speed per
// step; a step is 1/30 s.
const (
	sdPosition = 1.0 / 20
	sdSpeed    = 1.0 / 160
)

// filter is a Kalman filter of one quantity moving at constant speed.
type filter struct {
	x, v          float64 // position, speed per step
	pxx, pxv, pvv float64 // covariance
}

func newFilter(z, sdx, sdv float64) filter {
	return filter{x: z, pxx: sdx * sdx, pvv: sdv * sdv}
}

// predict moves dt steps ahead: for a whole number as that many single steps.
func (f *filter) predict(dt, sdx, sdv float64) {
	a, b := sdx*sdx, sdv*sdv
	f.x += dt * f.v
	f.pxx += dt*(2*f.pxv+dt*f.pvv) + dt*a + b*max(0, dt*(dt-1)*(2*dt-1)/6)
	f.pxv += dt*f.pvv + b*max(0, dt*(dt-1)/2)
	f.pvv += dt * b
}

// correct takes a measurement of the position.
func (f *filter) correct(z, sd float64) {
	s := f.pxx + sd*sd
	kx, kv := f.pxx/s, f.pxv/s
	r := z - f.x
	f.x += kx * r
	f.v += kv * r
	f.pvv -= kv * f.pxv
	f.pxv -= kx * f.pxv
	f.pxx -= kx * f.pxx
}

// measure is a box as the four quantities.
func measure(b event.Box) [4]float64 {
	w, h := max(float64(b[2]-b[0]), 1), max(float64(b[3]-b[1]), 1)
	return [4]float64{float64(b[0]) + w/2, float64(b[1]) + h/2, w / h, h}
}

func newMotion(b event.Box) motion {
	z := measure(b)
	h := z[3]
	return motion{
		newFilter(z[0], 2*sdPosition*h, 10*sdSpeed*h),
		newFilter(z[1], 2*sdPosition*h, 10*sdSpeed*h),
		newFilter(z[2], 1e-2, 1e-5),
		newFilter(z[3], 2*sdPosition*h, 10*sdSpeed*h),
	}
}

func (m *motion) predict(dt float64, lost bool) {
	if lost {
		m[3].v = 0 // a track without a match does not grow
	}
	h := m[3].x
	for i := range m {
		if i == 2 {
			m[i].predict(dt, 1e-2, 1e-5)
		} else {
			m[i].predict(dt, sdPosition*h, sdSpeed*h)
		}
	}
	m[3].x = max(m[3].x, 1)
	m[2].x = max(m[2].x, 0.01)
}

// correct takes a box that is the track's. covered is how much of it other tracks
// cover, 0 to 1: as far as they do, the box may be theirs, or one around all of them, and
// tells where the track is no better than to that part of its height.
func (m *motion) correct(b event.Box, covered float64) {
	z := measure(b)
	h := m[3].x
	vague := 1 + covered/sdPosition
	for i := range m {
		sd := sdPosition * h * vague
		if i == 2 {
			sd = 1e-1 * vague
		}
		m[i].correct(z[i], sd)
	}
	m[3].x = max(m[3].x, 1)
	m[2].x = max(m[2].x, 0.01)
}

// posStdDev returns the standard deviation of the centre, across and down.
func (m *motion) posStdDev() [2]float32 {
	return [2]float32{float32(math.Sqrt(m[0].pxx)), float32(math.Sqrt(m[1].pxx))}
}

func (m *motion) box() event.Box {
	w, h := m[2].x*m[3].x, m[3].x
	return event.Box{float32(m[0].x - w/2), float32(m[1].x - h/2), float32(m[0].x + w/2), float32(m[1].x + h/2)}
}
