package event

// Area returns the box's area in square pixels, 0 for an empty one.
func (b Box) Area() float64 {
	return float64(max(0, b[2]-b[0]) * max(0, b[3]-b[1]))
}

// Intersection returns the area that both boxes cover.
func (b Box) Intersection(o Box) float64 {
	w := float64(min(b[2], o[2]) - max(b[0], o[0]))
	h := float64(min(b[3], o[3]) - max(b[1], o[1]))
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h
}

// IoU returns the intersection of two boxes over their union, 0 to 1.
func (b Box) IoU(o Box) float64 {
	both := b.Intersection(o)
	if both == 0 {
		return 0
	}
	return both / (b.Area() + o.Area() - both)
}
