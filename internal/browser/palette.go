package browser

import (
	"image"
	"image/color"
	"maps"
	"slices"
)

// exact is how many colours, which are those of the page, are kept as they are.
const exact = 24

// paletted returns the picture in its most frequent colours, which makes its file small: some exact
// ones, and coarse ones of what is shown in the page.
func paletted(m image.Image, coarse int) *image.Paletted {
	seen := make(map[color.RGBA]int)
	at := func(x, y int) color.RGBA {
		r, g, b, _ := m.At(x, y).RGBA()
		return color.RGBA{R: uint8(r >> 8), G: uint8(g >> 8), B: uint8(b >> 8), A: 255}
	}
	area := m.Bounds()
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			seen[at(x, y)]++
		}
	}
	var palette color.Palette
	for _, c := range mostUsed(seen, exact) {
		palette = append(palette, c)
	}
	rest := make(map[color.RGBA]int)
	for c, n := range seen {
		round := func(v uint8) uint8 { return v&^7 | 4 }
		rest[color.RGBA{R: round(c.R), G: round(c.G), B: round(c.B), A: 255}] += n
	}
	for _, c := range mostUsed(rest, coarse) {
		palette = append(palette, c)
	}
	index := make(map[color.RGBA]uint8)
	for c := range seen {
		index[c] = uint8(palette.Index(c))
	}
	out := image.NewPaletted(area, palette)
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			out.SetColorIndex(x, y, index[at(x, y)])
		}
	}
	return out
}

func mostUsed(seen map[color.RGBA]int, n int) []color.RGBA {
	byUse := slices.SortedFunc(maps.Keys(seen), func(a, b color.RGBA) int { return seen[b] - seen[a] })
	return byUse[:min(n, len(byUse))]
}
