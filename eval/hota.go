package eval

import (
	"math"

	"github.com/sightlog/sightlog/internal/assign"
)

// hotaSteps is the number of overlaps over which HOTA is a mean: 0.05, 0.10, …, 0.95.
const hotaSteps = 19

// hota is the higher order tracking accuracy and its two parts (Luiten et al., IJCV
// 2021), each a mean over the overlaps. In each frame people and tracks are paired
// once for all overlaps, so that tracks that are the person's over the whole video
// come first.
func hota(frames []overlaps, people, tracks int) (hota, detA, assA float64) {
	alignment, ofPerson, ofTrack := globalAlignment(frames, people, tracks)
	boxes, found := sum(ofPerson), sum(ofTrack)
	if boxes == 0 || found == 0 {
		return 0, 0, 0
	}
	var solver assign.Solver
	together := make([][]float64, hotaSteps) // by overlap: frames of a person with a track
	for a := range together {
		together[a] = make([]float64, people*tracks)
	}
	for t := range frames {
		f := &frames[t]
		pairs := f.best(&solver, func(i, k int) float64 { return alignment[f.people[i]*tracks+f.tracks[k]] * f.at(i, k) })
		for i, k := range pairs {
			if k < 0 {
				continue
			}
			for a := range together {
				if f.at(i, k) >= 0.05*float64(a+1)-epsilon {
					together[a][f.people[i]*tracks+f.tracks[k]]++
				}
			}
		}
	}
	for _, n := range together {
		matched := sum(n)
		det := matched / (boxes + found - matched)
		ass := 0.0
		for i, v := range n {
			ass += v * v / max(1, ofPerson[i/tracks]+ofTrack[i%tracks]-v)
		}
		ass /= max(1, matched)
		hota += math.Sqrt(det*ass) / hotaSteps
		detA += det / hotaSteps
		assA += ass / hotaSteps
	}
	return hota, detA, assA
}

// globalAlignment returns how well each person and each track agree over the whole
// video, row by person: a Jaccard index of soft matches. With it come the number of
// boxes of each person and of each track.
func globalAlignment(frames []overlaps, people, tracks int) (alignment, ofPerson, ofTrack []float64) {
	alignment = make([]float64, people*tracks)
	ofPerson, ofTrack = make([]float64, people), make([]float64, tracks)
	for t := range frames {
		f := &frames[t]
		byPerson, byTrack := make([]float64, len(f.people)), make([]float64, len(f.tracks))
		for i := range f.people {
			for k := range f.tracks {
				byPerson[i] += f.at(i, k)
				byTrack[k] += f.at(i, k)
			}
		}
		for i, person := range f.people {
			ofPerson[person]++
			for k, track := range f.tracks {
				if of := byPerson[i] + byTrack[k] - f.at(i, k); of > epsilon {
					alignment[person*tracks+track] += f.at(i, k) / of
				}
			}
		}
		for _, track := range f.tracks {
			ofTrack[track]++
		}
	}
	for i, v := range alignment {
		alignment[i] = v / (ofPerson[i/tracks] + ofTrack[i%tracks] - v)
	}
	return alignment, ofPerson, ofTrack
}

func sum(all []float64) (s float64) {
	for _, v := range all {
		s += v
	}
	return s
}
