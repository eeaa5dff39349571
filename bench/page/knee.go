package page

// kneeStrength is how far a curve must lie from its chord to have a knee, of a square of side 1.
const kneeStrength = .2

// knee returns the index of a curve's knee, or -1: the point farthest from the chord between the first
// and the last, with both axes scaled to 1 (Kneedle; Satopää, Albrecht, Irwin and Raghavan 2011). A
// curve that grows faster and faster (latency over load) has it below the chord, one that levels
// off (throughput over load) above.
func knee(points []point, x, y *axis) int {
	n := len(points)
	if n < 4 {
		return -1
	}
	x0, x1, y0, y1 := x.at(points[0].x), x.at(points[n-1].x), y.at(points[0].y), y.at(points[n-1].y)
	if x1 <= x0 || y1 <= y0 {
		return -1
	}
	best, at := kneeStrength, -1
	for i, q := range points {
		if distance := abs((x.at(q.x)-x0)/(x1-x0) - (y.at(q.y)-y0)/(y1-y0)); distance > best {
			best, at = distance, i
		}
	}
	return at
}
