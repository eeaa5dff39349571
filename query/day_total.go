package query

// day returns the whole day: the sums of the cameras, and what is usual.
func (q *dayQuery) day() *Day {
	s := q.sum
	d := s.d
	elapsed := int64(d.UpTo.Sub(d.Since).Seconds())
	d.People.ByHour, d.In.ByHour, d.Out.ByHour = s.blank(""), s.blank(""), s.blank("")
	if d.InView.ByHour == nil {
		d.InView.ByHour = s.blank("")
	}
	for name, c := range s.cameras {
		c.Watched.Of = elapsed
		c.People.Usual = s.usual(s.secondsOf(name), func(k int) int64 { return s.before(k, name).people })
		d.Watched.Seconds += c.Watched.Seconds
		d.People.N += c.People.N
		addAll(d.People.ByHour, c.People.ByHour)
		if c.InView.Now != nil {
			d.InView.addNow(c.InView)
		}
	}
	if v := &d.InView; v.Now != nil {
		v.present(s, *v.Now, *v.UpTo)
	}
	d.Watched.Of = elapsed * int64(len(s.cameras))
	for at, l := range s.lines {
		for side, count := range []*Count{&l.In, &l.Out} {
			count.Usual = s.usual(s.secondsOf(at[0]), func(k int) int64 { return s.before(k, at[0]).lines[at[1]][side] })
		}
		d.In.N += l.In.N
		d.Out.N += l.Out.N
		addAll(d.In.ByHour, l.In.ByHour)
		addAll(d.Out.ByHour, l.Out.ByHour)
	}
	for k, r := range q.days[1:] {
		d.Past = append(d.Past, s.pastDay(k+1, r))
	}
	seconds := func(k int) int64 {
		if k == 0 {
			return d.Watched.Seconds
		}
		return d.Past[k-1].Watched.Seconds
	}
	d.People.Usual = s.usual(seconds, func(k int) int64 { return d.Past[k-1].People })
	d.In.Usual = s.usual(seconds, func(k int) int64 { return d.Past[k-1].In })
	d.Out.Usual = s.usual(seconds, func(k int) int64 { return d.Past[k-1].Out })
	for i := range d.Past {
		d.Past[i].Compared = alike(d.Watched.Seconds, d.Past[i].Watched.Seconds)
	}
	d.Busiest = s.busiest()
	d.Cameras, d.Lines, d.Zones, d.Places = byName(s.cameras), byNames(s.lines), byNames(s.zones), byName(s.places)
	return d
}

// secondsOf returns how long a camera was watched on the day and on those before.
func (s *daySum) secondsOf(camera string) func(k int) int64 {
	return func(k int) int64 { return s.before(k, camera).seconds }
}

// pastDay sums up a day before.
func (s *daySum) pastDay(k int, r timeRange) PastDay {
	p := PastDay{Day: r.day}
	p.Watched.Of = int64(r.until.Sub(r.since).Seconds()) * int64(len(s.cameras))
	for _, c := range s.past[k] {
		p.Watched.Seconds += c.seconds
		p.People += c.people
		for _, n := range c.lines {
			p.In += n[0]
			p.Out += n[1]
		}
	}
	return p
}

// busiest returns the hour with most people on average, summed over the cameras; nil if
// nobody was seen.
func (s *daySum) busiest() *Busiest {
	averages, seconds := make([]float64, len(s.d.Hours)), make([]int64, len(s.d.Hours))
	for at, n := range s.frames {
		averages[at.hour] += float64(n.people) / float64(n.frames)
		seconds[at.hour] += n.seconds
	}
	var b *Busiest
	for i, a := range averages {
		if a > 0 && (b == nil || a > b.Average) {
			end := s.d.Until
			if i+1 < len(s.d.Hours) {
				end = s.d.Hours[i+1]
			}
			b = &Busiest{At: s.d.Hours[i], Average: a, Coverage: float64(seconds[i]) / end.Sub(s.d.Hours[i]).Seconds() / float64(len(s.seen))}
		}
	}
	return b
}

// addNow adds the people in a camera's newest picture; UpTo is the time up to which all
// cameras are known.
func (v *InView) addNow(c InView) {
	if v.Now == nil {
		v.Now, v.UpTo = new(int64), c.UpTo
	}
	*v.Now += *c.Now
	if c.UpTo.Before(*v.UpTo) {
		v.UpTo = c.UpTo
	}
}

// addAll adds hour by hour.
func addAll(to, from []*int64) {
	for i, n := range from {
		if n == nil {
			continue
		}
		if to[i] == nil {
			to[i] = new(int64)
		}
		*to[i] += *n
	}
}
