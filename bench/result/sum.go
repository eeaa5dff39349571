package result

import "slices"

// Sum fills in Total from the rounds: histograms merged, counts added, and of each value
// the median of the rounds that have it. Processes are those of the last round.
func (r *Report) Sum() {
	t := Round{Values: make(map[string]float64), Histograms: make(map[string]*Histogram)}
	values := make(map[string][]float64)
	for _, round := range r.Rounds {
		t.Seconds += round.Seconds
		t.Frames += round.Frames
		t.Dropped += round.Dropped
		t.Late += round.Late
		t.Processes = round.Processes
		for name, v := range round.Values {
			values[name] = append(values[name], v)
		}
		for name, h := range round.Histograms {
			if t.Histograms[name] == nil {
				t.Histograms[name] = NewHistogram()
			}
			t.Histograms[name].Merge(h)
		}
	}
	for name, v := range values {
		t.Values[name] = Median(v)
	}
	r.Total = t
}

// Median returns the median, of an even number the mean of the middle two; 0 of none.
func Median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Clone(v)
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
