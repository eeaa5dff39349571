package live

import "time"

// MaxFPS bounds the pictures a second of a camera.
const MaxFPS = 30

// Pace keeps pictures to a rate. The rate holds on average: a picture may come a quarter of an
// interval early, as frames do. The zero value has no limit.
type Pace struct {
	interval time.Duration
	due      time.Time
}

// Set changes the rate, in pictures a second; 0, and MaxFPS and more, is without a limit.
func (p *Pace) Set(fps float64) {
	p.interval = 0
	if fps > 0 && fps < MaxFPS {
		p.interval = time.Duration(float64(time.Second) / fps)
	}
}

// Left returns the time until the next picture is due; 0 or less: it is.
func (p *Pace) Left(now time.Time) time.Duration { return p.due.Add(-p.interval / 4).Sub(now) }

// Took counts a picture.
func (p *Pace) Took(now time.Time) {
	p.due = p.due.Add(p.interval)
	if p.due.Before(now.Add(p.interval/2)) || p.due.After(now.Add(p.interval*5/4)) {
		p.due = now.Add(p.interval)
	}
}
