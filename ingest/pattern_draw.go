package ingest

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"gocv.io/x/gocv"
)

// background paints what the people walk in front of: a wall, a pavement, a little
// noise, so that a detector is not shown a drawing on white paper.
func (p Pattern) background() gocv.Mat {
	m := gocv.NewMatWithSize(p.Size.Y, p.Size.X, gocv.MatTypeCV8UC3)
	pix, err := m.DataPtrUint8()
	if err != nil {
		return m
	}
	rng := rand.New(rand.NewPCG(1, 1))
	horizon := p.Size.Y * 5 / 9
	for y := range p.Size.Y {
		for x := range p.Size.X {
			b, g, r := 150, 165, 172 // wall
			if brick := p.Size.Y / 24; y < horizon && (y%brick < brick/8 || (x+y/brick%2*brick)%(2*brick) < brick/8) {
				b, g, r = 168, 180, 186
			}
			if y >= horizon {
				shade := 20 * (y - horizon) / (p.Size.Y - horizon)
				b, g, r = 112+shade, 116+shade, 118+shade
			}
			n := rng.IntN(15) - 7
			i := 3 * (y*p.Size.X + x)
			pix[i], pix[i+1], pix[i+2] = uint8(b+n), uint8(g+n), uint8(r+n)
		}
	}
	return m
}

// draw paints a frame's people over the background.
func (p Pattern) draw(m *gocv.Mat, back gocv.Mat, seq int64) {
	if err := back.CopyTo(m); err != nil {
		return
	}
	for _, w := range p.walkers(seq) {
		w.draw(m)
	}
}

var (
	skins  = []color.RGBA{{R: 224, G: 172, B: 138}, {R: 141, G: 85, B: 58}, {R: 198, G: 134, B: 98}, {R: 241, G: 194, B: 160}}
	coats  = []color.RGBA{{R: 46, G: 62, B: 104}, {R: 120, G: 40, B: 44}, {R: 44, G: 88, B: 66}, {R: 96, G: 84, B: 70}, {R: 60, G: 60, B: 66}}
	pants  = []color.RGBA{{R: 40, G: 44, B: 58}, {R: 66, G: 78, B: 110}, {R: 52, G: 46, B: 42}}
	hairs  = []color.RGBA{{R: 40, G: 28, B: 22}, {R: 92, G: 62, B: 36}, {R: 24, G: 22, B: 24}}
	leathr = color.RGBA{R: 34, G: 28, B: 26}
)

// draw paints one person walking, seen from the side, its proportions in
// parts of its height.
func (w walker) draw(m *gocv.Mat) {
	h := w.height
	at := func(x, y float64) image.Point {
		return image.Pt(w.feet.X+int(math.Round(w.facing*x*h)), w.feet.Y-int(math.Round(y*h)))
	}
	thick := func(v float64) int { return max(1, int(math.Round(v*h))) }
	blob := func(c color.RGBA, centre image.Point, rx, ry float64) {
		gocv.EllipseWithParams(m, centre, image.Pt(thick(rx), thick(ry)), 0, 0, 360, c, -1, gocv.LineAA, 0) //nolint:errcheck // draws or not
	}
	shape := func(c color.RGBA, points ...image.Point) {
		v := gocv.NewPointsVectorFromPoints([][]image.Point{points})
		defer v.Close()
		gocv.FillPolyWithParams(m, v, c, gocv.LineAA, 0, image.Point{}) //nolint:errcheck // draws or not
	}
	// limb joins points by round bars that grow thinner.
	limb := func(c color.RGBA, width float64, joints ...image.Point) {
		for i := 1; i < len(joints); i++ {
			a, b := joints[i-1], joints[i]
			d := b.Sub(a)
			n := width * h / 2 / math.Max(1, math.Hypot(float64(d.X), float64(d.Y)))
			side := image.Pt(int(math.Round(-n*float64(d.Y))), int(math.Round(n*float64(d.X))))
			shape(c, a.Add(side), b.Add(side), b.Sub(side), a.Sub(side))
			blob(c, b, width/2, width/2)
			width *= 0.86
		}
	}
	coat, trouser, skin, hair := coats[w.index%len(coats)], pants[w.index%len(pants)], skins[w.index%len(skins)], hairs[w.index%len(hairs)]
	darker := func(c color.RGBA) color.RGBA { return color.RGBA{R: c.R - c.R/4, G: c.G - c.G/4, B: c.B - c.B/4} }

	swing := math.Sin(w.phase)
	blob(color.RGBA{R: 84, G: 82, B: 80}, at(0, 0.005), 0.16, 0.018) // shadow
	leg := func(s float64, c color.RGBA) {
		knee, ankle := at(0.09*s+0.02, 0.27), at(0.17*s-0.03*math.Max(0, -s), 0.045+0.03*math.Max(0, -s))
		limb(c, 0.088, at(0, 0.5), knee, ankle)
		blob(leathr, image.Pt(ankle.X+int(w.facing*0.025*h), ankle.Y+thick(0.022)), 0.048, 0.02)
	}
	arm := func(s float64, c color.RGBA) {
		elbow, hand := at(0.08*s-0.01, 0.63), at(0.15*s+0.03, 0.49)
		limb(c, 0.062, at(0, 0.79), elbow, hand)
		blob(skin, hand, 0.022, 0.026)
	}
	arm(swing, darker(coat))
	leg(-swing, darker(trouser))
	leg(swing, trouser)
	shape(coat, at(-0.075, 0.82), at(-0.02, 0.845), at(0.04, 0.84), at(0.085, 0.79),
		at(0.085, 0.62), at(0.075, 0.47), at(-0.075, 0.47), at(-0.085, 0.65))
	limb(skin, 0.05, at(0.005, 0.82), at(0.012, 0.87))
	blob(skin, at(0.018, 0.915), 0.05, 0.066)
	blob(hair, at(0, 0.945), 0.056, 0.05)
	blob(hair, at(-0.022, 0.915), 0.034, 0.055)
	arm(-swing, coat)
}
