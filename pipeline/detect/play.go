package detect

import "time"

// playing is when a camera plays.
type playing struct {
	start time.Time // position 0 is due; zero: it is not played
	phase float64   // of an interval, by which its frames come later than the first camera's
	end   time.Time // a live source ends then; zero: it does not
}

// from is when position 0 is due, of a source with so many frames a second.
func (p playing) from(fps float64) time.Time {
	if fps <= 0 {
		return p.start
	}
	return p.start.Add(time.Duration(p.phase / fps * float64(time.Second)))
}
