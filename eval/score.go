package eval

import (
	"slices"

	"github.com/sightlog/sightlog/event"
)

// MaxDetections is how many detections of an image count, the best first.
const MaxDetections = 100

// Score is how well a model did.
type Score struct {
	Images int `json:"images"`
	People int `json:"people"` // labelled, without those to ignore

	AP   float64 `json:"ap"`   // mean over IoU 0.50, 0.55, …, 0.95
	AP50 float64 `json:"ap50"` // at IoU 0.50

	Threshold float32 `json:"threshold"` // of the following
	Precision float64 `json:"precision"` // at IoU 0.50; 1 when nothing was detected
	Recall    float64 `json:"recall"`    // at IoU 0.50; 1 when there are no people

	Empty int `json:"empty"` // images without a label of any kind
	False int `json:"false"` // of those, with a detection at the threshold
}

// Evaluate compares detections, one list an image, with the labels.
func Evaluate(images []Image, found [][]event.Object, threshold float32) Score {
	s := Score{Images: len(images), Threshold: threshold}
	for i, im := range images {
		s.People += len(im.Truth)
		if len(im.Truth)+len(im.Ignore) == 0 {
			s.Empty++
			if slices.ContainsFunc(found[i], func(o event.Object) bool { return o.Score >= threshold }) {
				s.False++
			}
		}
	}
	const steps = 10
	for k := range steps {
		verdicts := judge(images, found, 0.5+0.05*float32(k))
		ap := averagePrecision(verdicts, s.People)
		s.AP += ap / steps
		if k == 0 {
			s.AP50 = ap
			s.Precision, s.Recall = at(verdicts, s.People, threshold)
		}
	}
	return s
}

// verdict is one detection that counts.
type verdict struct {
	score float32
	hit   bool
}

// judge matches the detections of every image and returns the verdicts by
// falling score. A detection on a region to ignore counts neither way.
func judge(images []Image, found [][]event.Object, minIoU float32) []verdict {
	var all []verdict
	for i, im := range images {
		objs := slices.Clone(found[i])
		slices.SortStableFunc(objs, func(a, b event.Object) int { return compare(b.Score, a.Score) })
		taken := make([]bool, len(im.Truth))
		for _, o := range objs[:min(len(objs), MaxDetections)] {
			best, at := minIoU, -1
			for j, t := range im.Truth {
				if v := float32(o.Box.IoU(t)); !taken[j] && v >= best {
					best, at = v, j
				}
			}
			switch {
			case at >= 0:
				taken[at] = true
				all = append(all, verdict{o.Score, true})
			case !slices.ContainsFunc(im.Ignore, func(r event.Box) bool { return share(o.Box, r) >= minIoU }):
				all = append(all, verdict{o.Score, false})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b verdict) int { return compare(b.score, a.score) })
	return all
}

func compare(a, b float32) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// averagePrecision is the mean, over recall 0, 0.01, …, 1, of the best
// precision at that recall or above.
func averagePrecision(v []verdict, people int) float64 {
	if people == 0 {
		return 0
	}
	precision := make([]float64, len(v))
	recall := make([]float64, len(v))
	hits := 0
	for i := range v {
		if v[i].hit {
			hits++
		}
		precision[i], recall[i] = float64(hits)/float64(i+1), float64(hits)/float64(people)
	}
	for i := len(v) - 2; i >= 0; i-- {
		precision[i] = max(precision[i], precision[i+1])
	}
	sum, i := 0.0, 0
	for r := range 101 {
		for i < len(v) && recall[i] < float64(r)/100-1e-12 {
			i++
		}
		if i < len(v) {
			sum += precision[i]
		}
	}
	return sum / 101
}

// at returns precision and recall of the detections at or above threshold.
func at(v []verdict, people int, threshold float32) (precision, recall float64) {
	n, hits := 0, 0
	for _, d := range v {
		if d.score < threshold {
			break
		}
		n++
		if d.hit {
			hits++
		}
	}
	precision, recall = 1, 1
	if n > 0 {
		precision = float64(hits) / float64(n)
	}
	if people > 0 {
		recall = float64(hits) / float64(people)
	}
	return precision, recall
}

// share is how much of a lies in b: COCO's overlap with a crowd.
func share(a, b event.Box) float32 {
	if s := a.Area(); s > 0 {
		return float32(a.Intersection(b) / s)
	}
	return 0
}
