package page

import (
	"math"
	"strconv"
)

// axis maps values to a share of its length.
type axis struct {
	low, high float64
	scale     func(v float64) float64
	ticks     []axisTick
}

type axisTick struct {
	at    float64
	label string
}

func (a *axis) at(v float64) float64 {
	low, high := a.scale(a.low), a.scale(a.high)
	if high <= low {
		return .5
	}
	return min(max((a.scale(v)-low)/(high-low), 0), 1)
}

// linear is an axis from 0 to a round number not below high.
func linear(high float64) *axis {
	a := &axis{scale: func(v float64) float64 { return v }}
	if !(high > 0) || math.IsInf(high, 1) {
		high = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(high)))
	for _, f := range []float64{.2, .5, 1, 2} {
		if high <= 5*f*step {
			step *= f
			break
		}
	}
	n := int(math.Ceil(high/step - 1e-9))
	for i := range n + 1 {
		a.ticks = append(a.ticks, axisTick{float64(i) * step, short(float64(i) * step)})
	}
	a.high = float64(n) * step
	return a
}

// logarithmic is an axis from low to high, with ticks at 1, 2, 5 of a decade, or at 1 where there
// are many decades.
func logarithmic(low, high float64) *axis {
	low = max(low, 1e-6)
	if !(high > low) {
		high = 2 * low
	}
	a := &axis{low: low, high: high, scale: math.Log10}
	steps := []float64{1, 2, 5}
	if math.Log10(high/low) > 2.5 {
		steps = steps[:1]
	}
	for e := math.Floor(math.Log10(low)); e <= math.Ceil(math.Log10(high)); e++ {
		for _, f := range steps {
			if v := f * math.Pow(10, e); v >= low*(1-1e-9) && v <= high*(1+1e-9) {
				a.ticks = append(a.ticks, axisTick{v, short(v)})
			}
		}
	}
	return a
}

// exactly is an axis with ticks at these values alone, sorted: the settings that were measured.
func exactly(values []float64) *axis {
	a := &axis{low: values[0], high: values[len(values)-1], scale: func(v float64) float64 { return v }}
	if a.low > 0 && a.high >= 8*a.low {
		a.scale = math.Log10
	}
	last := -1.0
	for _, v := range values {
		if at := a.at(v); at-last > .08 || last < 0 {
			a.ticks, last = append(a.ticks, axisTick{v, short(v)}), at
		}
	}
	return a
}

// short writes a round number: 0.2, 16, 20k.
func short(v float64) string {
	unit := ""
	for _, next := range []string{"k", "M", "G"} {
		if abs(v) < 10_000 {
			break
		}
		v, unit = v/1000, next
	}
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64) // 0.6 for 0.6000000000000001
	return strconv.FormatFloat(v, 'f', -1, 64) + unit
}

// nines is an axis of shares below 1 on which each further nine is as far as the one before, up to
// the share that one of n samples exceeds.
func nines(n int64) *axis {
	a := &axis{high: 1 - 1/float64(max(n, 10)), scale: func(q float64) float64 { return -math.Log10(max(1-q, 1e-12)) }}
	for _, t := range []axisTick{
		{0, "0"}, {.5, "50 %"}, {.9, "90 %"}, {.99, "99 %"}, {.999, "99.9 %"}, {.9999, "99.99 %"}, {.99999, "99.999 %"},
	} {
		if t.at <= a.high+1e-9 {
			a.ticks = append(a.ticks, t)
		}
	}
	return a
}

func abs(v float64) float64 { return max(v, -v) }
