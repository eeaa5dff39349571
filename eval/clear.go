package eval

import "github.com/sightlog/sightlog/internal/assign"

// clearMOT are the counts of CLEAR MOT (Bernardin and Stiefelhagen, 2008).
type clearMOT struct {
	boxes, matched, unmatched, switches int
}

// countClear matches frame by frame. A person first keeps the track of the frame
// before, if it still overlaps enough; then the sum of overlaps decides. Like
// TrackEval, it goes back to the last frame that had both people and tracks.
func countClear(frames []overlaps, people int) clearMOT {
	var c clearMOT
	var solver assign.Solver
	last, before := fill(people, -1), fill(people, -1) // the person's track: ever, and in the frame before
	for t := range frames {
		f := &frames[t]
		c.boxes += len(f.people)
		c.unmatched += len(f.tracks)
		if len(f.people) == 0 || len(f.tracks) == 0 {
			continue
		}
		pairs := f.best(&solver, func(i, k int) float64 {
			switch v := f.at(i, k); {
			case v < matchIoU-epsilon:
				return 0
			case before[f.people[i]] == f.tracks[k]:
				return 1000 + v
			default:
				return v
			}
		})
		copy(before, fill(people, -1))
		for i, k := range pairs {
			if k < 0 || f.at(i, k) < matchIoU-epsilon {
				continue
			}
			person, track := f.people[i], f.tracks[k]
			c.matched++
			c.unmatched--
			if last[person] >= 0 && last[person] != track {
				c.switches++
			}
			last[person], before[person] = track, track
		}
	}
	return c
}

func fill(n, v int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = v
	}
	return s
}
