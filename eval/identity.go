package eval

import "github.com/sightlog/sightlog/internal/assign"

// idf1 is how much of people and tracks agree when each person has the one track that
// is best for all, over the whole video (Ristani et al., 2016).
func idf1(frames []overlaps, people, tracks int) float64 {
	cost := make([]float64, people*tracks) // minus the frames together
	boxes := 0
	for t := range frames {
		f := &frames[t]
		boxes += len(f.people) + len(f.tracks)
		for i, person := range f.people {
			for k, track := range f.tracks {
				if f.at(i, k) >= matchIoU {
					cost[person*tracks+track]--
				}
			}
		}
	}
	if boxes == 0 {
		return 0
	}
	var solver assign.Solver
	agreed := 0.0
	for i, k := range solver.Assign(cost, people, tracks, 0) {
		if k >= 0 {
			agreed -= cost[i*tracks+k]
		}
	}
	return 2 * agreed / float64(boxes)
}
