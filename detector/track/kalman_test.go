package track

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPredict_ManySteps_EqualSingleOnes(t *testing.T) {
	t.Parallel()
	once, singly := newMotion([4]float32{100, 100, 140, 200}), newMotion([4]float32{100, 100, 140, 200})
	for i := range 3 {
		box := [4]float32{100 + 5*float32(i), 100, 140 + 5*float32(i), 200}
		once.predict(7, false)
		for range 7 {
			singly.predict(1, false)
		}
		for k := range 2 { // where it is; the height, which scales the noise, changes in between
			require.InDelta(t, singly[k].x, once[k].x, 0.1)
			require.InEpsilon(t, singly[k].pxx, once[k].pxx, 0.01)
			require.InEpsilon(t, singly[k].pvv, once[k].pvv, 0.01)
		}
		once.correct(box, 0)
		singly.correct(box, 0)
	}
}

// full is the 8×8 filter that motion claims to be equal to.
type full struct {
	x [8]float64
	p [8][8]float64
}

func TestKalman_FourSmallFilters_EqualTheLargeOne(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	box := [4]float32{100, 100, 140, 200}
	m := newMotion(box)
	var f full
	for i, q := range m {
		f.x[i], f.x[i+4] = q.x, q.v
		f.p[i][i], f.p[i+4][i+4] = q.pxx, q.pvv
	}
	for range 50 {
		// x' = Fx, P' = FPF' + Q with F = [I I; 0 I].
		h := f.x[3]
		var fp, p [8][8]float64
		for i := range 8 {
			for j := range 8 {
				fp[i][j] = f.p[i][j]
				if i < 4 {
					fp[i][j] += f.p[i+4][j]
				}
			}
		}
		for i := range 8 {
			for j := range 8 {
				p[i][j] = fp[i][j]
				if j < 4 {
					p[i][j] += fp[i][j+4]
				}
			}
		}
		for i := range 4 {
			f.x[i] += f.x[i+4]
			sx, sv := sdPosition*h, sdSpeed*h
			if i == 2 {
				sx, sv = 1e-2, 1e-5
			}
			p[i][i] += sx * sx
			p[i+4][i+4] += sv * sv
		}
		f.p = p
		m.predict(1, false)

		for i := range box {
			box[i] += float32(rng.NormFloat64() + 1)
		}
		z := measure(box)
		h = f.x[3]
		for i := range 4 { // the measurements are independent: one after the other
			r := sdPosition * h
			if i == 2 {
				r = 1e-1
			}
			s := f.p[i][i] + r*r
			var k [8]float64
			for a := range 8 {
				k[a] = f.p[a][i] / s
			}
			d := z[i] - f.x[i]
			row := f.p[i]
			for a := range 8 {
				f.x[a] += k[a] * d
				for b := range 8 {
					f.p[a][b] -= k[a] * row[b]
				}
			}
		}
		m.correct(box, 0)
		for i, q := range m {
			require.InDelta(t, f.x[i], q.x, 1e-6)
			require.InDelta(t, f.x[i+4], q.v, 1e-6)
			require.InDelta(t, f.p[i][i], q.pxx, 1e-6)
			require.InDelta(t, f.p[i][i+4], q.pxv, 1e-6)
			require.InDelta(t, f.p[i+4][i+4], q.pvv, 1e-6)
		}
	}
}
