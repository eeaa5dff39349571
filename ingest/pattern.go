package ingest

import (
	"fmt"
	"image"
	"math"
	"net/url"
	"strconv"

	"github.com/sightlog/sightlog/usage"
)

// Pattern is the test source, test://people: people that this program draws
// walk to and fro, so that everything can be tried without a camera or a clip.
//
//	test://people?size=640x480&fps=25&frames=250&people=3
//
// The same frame always shows the same people. In its top rows each frame
// carries its number and the time it was drawn at; see writeClock.
type Pattern struct {
	Size   image.Point // default 640x480
	FPS    float64     // default 25
	Frames int64       // default 0: without end
	People int         // default 3, at most 8
}

// ParsePattern reads a test:// URI.
func ParsePattern(uri string) (Pattern, error) {
	const fix = "use test://people?size=640x480&fps=25&frames=250&people=3"
	p := Pattern{Size: image.Pt(640, 480), FPS: 25, People: 3}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "test" || u.Host != "people" {
		return p, usage.Wrap(err, fix, "%s: no such test source", Redact(uri))
	}
	for key, v := range u.Query() {
		ok := false
		switch key {
		case "size":
			n, err := fmt.Sscanf(v[0], "%dx%d", &p.Size.X, &p.Size.Y)
			ok = err == nil && n == 2 && p.Size.X >= 64 && p.Size.Y >= 64 && p.Size.X <= 7680 && p.Size.Y <= 7680
		case "fps":
			p.FPS, err = strconv.ParseFloat(v[0], 64)
			ok = err == nil && p.FPS > 0 && p.FPS <= 1000
		case "frames":
			p.Frames, err = strconv.ParseInt(v[0], 10, 64)
			ok = err == nil && p.Frames >= 0
		case "people":
			p.People, err = strconv.Atoi(v[0])
			ok = err == nil && p.People >= 0 && p.People <= 8
		}
		if !ok {
			return p, usage.New(fix, "%s: %s=%s is not possible", Redact(uri), key, v[0])
		}
	}
	return p, nil
}

// walker is one person of the pattern at one moment.
type walker struct {
	feet   image.Point // between the shoes, on the ground
	height float64     // pixels
	phase  float64     // of the step, radians
	facing float64     // -1 left, 1 right
	index  int
}

// walkers are the people of a frame, the farthest first. Each walks across in
// 6 to 12 s, turns beyond the edge, and comes back.
func (p Pattern) walkers(seq int64) []walker {
	t := float64(seq) / p.FPS
	w, h := float64(p.Size.X), float64(p.Size.Y)
	all := make([]walker, 0, p.People)
	for i := range p.People {
		far := float64(i) / float64(max(p.People-1, 1)) // 0 the farthest
		height := h * (0.34 + 0.22*far)
		seconds := 6 + 2*float64(i%4)
		margin := 0.4 * height
		span := w + 2*margin
		cycle := math.Mod(t/seconds+0.29*float64(i), 2)
		x, facing := cycle*span-margin, 1.0
		if cycle > 1 {
			x, facing = (2-cycle)*span-margin, -1
		}
		all = append(all, walker{
			feet:   image.Pt(int(x), int(h*(0.66+0.28*far))),
			height: height, phase: span / seconds / height * 2.6 * t * math.Pi / 1.7, facing: facing, index: i,
		})
	}
	return all
}

// Boxes returns the boxes of a frame's people, clipped to it; a person outside has
// an empty box. A detector should find these.
func (p Pattern) Boxes(seq int64) []image.Rectangle {
	frame := image.Rectangle{Max: p.Size}
	var all []image.Rectangle
	for _, w := range p.walkers(seq) {
		half := int(0.19 * w.height)
		all = append(all, image.Rect(w.feet.X-half, w.feet.Y-int(w.height), w.feet.X+half, w.feet.Y).Intersect(frame))
	}
	return all
}
