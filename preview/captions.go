package preview

import "image"

// captions places one caption of the given size at each box, inside of frame
// (pixels): beside its box where it covers neither a box nor another caption,
// otherwise where it covers the least of them, captions counting four times.
func captions(frame image.Rectangle, boxes []image.Rectangle, sizes []image.Point) []image.Rectangle {
	placed := make([]image.Rectangle, 0, len(boxes))
	for i, box := range boxes {
		var best image.Rectangle
		least := -1
		for _, at := range corners(box, sizes[i]) {
			c := within(image.Rectangle{Min: at, Max: at.Add(sizes[i])}, frame)
			cover := 0
			for _, b := range boxes {
				cover += area(b.Intersect(c))
			}
			for _, p := range placed {
				cover += 4 * area(p.Intersect(c))
			}
			if least < 0 || cover < least {
				best, least = c, cover
			}
			if least == 0 {
				break
			}
		}
		placed = append(placed, best)
	}
	return placed
}

// corners are the places around a box at which a caption of this size may
// begin, the best first, and the one in its upper left corner.
func corners(box image.Rectangle, size image.Point) []image.Point {
	left, right := box.Min.X, box.Max.X-size.X
	above, below := box.Min.Y-size.Y, box.Max.Y
	return []image.Point{
		{X: left, Y: above}, {X: right, Y: above}, {X: left, Y: below}, {X: right, Y: below},
		{X: box.Max.X, Y: box.Min.Y}, {X: box.Min.X - size.X, Y: box.Min.Y},
		{X: box.Max.X, Y: box.Max.Y - size.Y}, {X: box.Min.X - size.X, Y: box.Max.Y - size.Y},
		box.Min,
	}
}

// within moves r into frame.
func within(r, frame image.Rectangle) image.Rectangle {
	r = r.Sub(image.Pt(max(0, r.Max.X-frame.Max.X), max(0, r.Max.Y-frame.Max.Y)))
	return r.Add(image.Pt(max(0, frame.Min.X-r.Min.X), max(0, frame.Min.Y-r.Min.Y)))
}

func area(r image.Rectangle) int { return r.Dx() * r.Dy() }
