package eval

import (
	"math"

	"github.com/sightlog/sightlog/internal/assign"
)

// matchIoU is the overlap from which a track is where a person is, in IDF1 and MOTA.
const matchIoU = 0.5

// epsilon is TrackEval's tolerance at a threshold: numpy's finfo('float').eps.
var epsilon = math.Nextafter(1, 2) - 1

// overlaps are one frame: its people, its tracks, and the IoU of each with each.
type overlaps struct {
	people, tracks []int // numbers from 0, without gaps
	iou            []float64
}

func (o *overlaps) at(i, k int) float64 { return o.iou[i*len(o.tracks)+k] }

// best pairs people with tracks so that the sum of values is largest; -1: none.
func (o *overlaps) best(solver *assign.Solver, value func(i, k int) float64) []int {
	cost := make([]float64, len(o.iou))
	for i := range o.people {
		for k := range o.tracks {
			cost[i*len(o.tracks)+k] = -value(i, k)
		}
	}
	return solver.Assign(cost, len(o.people), len(o.tracks), 0)
}

// align numbers people and tracks from 0 and computes the overlaps of each frame.
func align(truth, found Tracks) (frames []overlaps, people, tracks int) {
	personOf, trackOf := map[int64]int{}, map[int64]int{}
	frames = make([]overlaps, max(len(truth), len(found)))
	for t := range frames {
		f := &frames[t]
		var a, b []TrackBox
		if t < len(truth) {
			for _, k := range truth[t] {
				if !k.Ignored {
					a = append(a, k)
				}
			}
		}
		if t < len(found) {
			b = found[t]
		}
		for _, k := range a {
			f.people = append(f.people, number(personOf, k.ID))
			for _, o := range b {
				f.iou = append(f.iou, k.iou(o))
			}
		}
		for _, o := range b {
			f.tracks = append(f.tracks, number(trackOf, o.ID))
		}
	}
	return frames, len(personOf), len(trackOf)
}

func number(of map[int64]int, id int64) int {
	n, ok := of[id]
	if !ok {
		n = len(of)
		of[id] = n
	}
	return n
}

func (b TrackBox) iou(o TrackBox) float64 {
	w := min(b.Left+b.Width, o.Left+o.Width) - max(b.Left, o.Left)
	h := min(b.Top+b.Height, o.Top+o.Height) - max(b.Top, o.Top)
	both := max(w, 0) * max(h, 0)
	if union := b.Width*b.Height + o.Width*o.Height - both; union > 0 {
		return both / union
	}
	return 0
}
