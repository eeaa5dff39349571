package query

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/sightlog/sightlog/internal/natural"
)

// daySum adds up the answers to the parts of a Day.
type daySum struct {
	d       *Day
	hours   map[int64]int // number of each hour, by its Unix time
	cameras map[string]*DayCamera
	seen    map[string][]bool // hours in which a camera processed a frame
	frames  map[hourOf]hourSum
	lines   map[[2]string]*DayLine
	zones   map[[2]string]*DayZone
	places  map[string]*DayPlace
	past    [pastWeeks + 1]map[string]*pastSum
}

type hourOf struct {
	camera string
	hour   int
}

type hourSum struct{ frames, people, seconds int64 }

// pastSum are the figures of a camera on a day before.
type pastSum struct {
	seconds, people int64
	lines           map[string][2]int64 // in and out
}

func newDaySum(d *Day) *daySum {
	s := &daySum{d: d, hours: make(map[int64]int), cameras: make(map[string]*DayCamera), seen: make(map[string][]bool),
		frames: make(map[hourOf]hourSum), lines: make(map[[2]string]*DayLine),
		zones: make(map[[2]string]*DayZone), places: make(map[string]*DayPlace)}
	for i, at := range d.Hours {
		s.hours[at.Unix()] = i
	}
	for k := range s.past {
		s.past[k] = make(map[string]*pastSum)
	}
	return s
}

// hour returns the number of an hour. A minute of the day is always in one of them.
func (s *daySum) hour(at time.Time) int { return s.hours[at.Unix()] }

// hourAt returns the number of the hour in which a time of the day is.
func (s *daySum) hourAt(at time.Time) (i int) {
	for i+1 < len(s.d.Hours) && !at.Before(s.d.Hours[i+1]) {
		i++
	}
	return i
}

// add adds to an hour, which is then no unwatched one.
func (s *daySum) add(byHour []*int64, at time.Time, n int64) {
	p := &byHour[s.hour(at)]
	if *p != nil {
		n += **p
	}
	*p = &n
}

// blank returns a list by the hour: 0 where the camera was watched ("": any of them).
func (s *daySum) blank(camera string) []*int64 {
	list := make([]*int64, len(s.d.Hours))
	for c, seen := range s.seen {
		for i, yes := range seen {
			if yes && (camera == "" || c == camera) {
				list[i] = new(int64)
			}
		}
	}
	return list
}

func (s *daySum) camera(name string) *DayCamera {
	c, ok := s.cameras[name]
	if !ok {
		c = &DayCamera{Camera: name, People: Count{ByHour: s.blank(name)}, InView: InView{ByHour: make([]*int64, len(s.d.Hours))}}
		s.cameras[name] = c
	}
	return c
}

func (s *daySum) line(camera, line string) *DayLine {
	l, ok := s.lines[[2]string{camera, line}]
	if !ok {
		l = &DayLine{Camera: camera, Line: line, In: Count{ByHour: s.blank(camera)}, Out: Count{ByHour: s.blank(camera)}}
		s.lines[[2]string{camera, line}] = l
	}
	return l
}

func (s *daySum) zone(camera, zone string) *DayZone {
	z, ok := s.zones[[2]string{camera, zone}]
	if !ok {
		z = &DayZone{Camera: camera, Zone: zone, Visits: Count{ByHour: s.blank(camera)}, InView: InView{ByHour: s.blank(camera)}}
		if slices.ContainsFunc(z.InView.ByHour, func(n *int64) bool { return n != nil }) {
			z.InView.Most = new(int64)
		}
		s.zones[[2]string{camera, zone}] = z
	}
	return z
}

func (s *daySum) before(k int, camera string) *pastSum {
	p, ok := s.past[k][camera]
	if !ok {
		p = &pastSum{lines: make(map[string][2]int64)}
		s.past[k][camera] = p
	}
	return p
}

// highest sets the highest number of an hour, and of the day if it is that.
func (v *InView) highest(s *daySum, hour time.Time, most, minute int64) {
	v.ByHour[s.hour(hour)] = &most
	at := s.d.Since.Add(time.Duration(minute) * time.Minute)
	if v.Most == nil || most > *v.Most || most == *v.Most && v.MostAt != nil && at.Before(*v.MostAt) {
		v.Most, v.MostAt = &most, &at
	}
}

// present sets how many are there now, who count for the highest number, too: of a zone they may be
// more than in any frame, as who is missed in one is still on a visit.
func (v *InView) present(s *daySum, n int64, at time.Time) {
	v.Now = &n
	if h := &v.ByHour[s.hourAt(at)]; *h == nil || n > **h {
		*h = &n
	}
	if v.Most == nil || n > *v.Most {
		v.Most, v.MostAt = &n, new(at.UTC().Truncate(time.Minute))
	}
}

// minutes takes the sums of a camera and hour; of all cameras together if camera is nil.
func (s *daySum) minutes(camera *string, hour time.Time, frames, people, seconds, most, minute int64) {
	if camera == nil {
		if s.d.InView.ByHour == nil {
			s.d.InView.ByHour = make([]*int64, len(s.d.Hours))
		}
		s.d.InView.highest(s, hour, most, minute)
		return
	}
	i := s.hour(hour)
	if s.seen[*camera] == nil {
		s.seen[*camera] = make([]bool, len(s.d.Hours))
	}
	s.seen[*camera][i] = true
	s.frames[hourOf{*camera, i}] = hourSum{frames, people, seconds}
	c := s.camera(*camera)
	c.People.ByHour[i] = new(int64)
	c.Watched.Seconds += seconds
	c.InView.highest(s, hour, most, minute)
	s.before(0, *camera).seconds += seconds
}

// freshFor is the age up to which a camera's newest sighting counts as the present.
const freshFor = 2 * time.Minute

// newest takes a camera's newest sighting. An old one has a time, and nobody who is there now.
func (s *daySum) newest(camera string, people int64, at time.Time) {
	c := s.camera(camera)
	c.InView.UpTo = new(at.UTC())
	if s.fresh(at) {
		c.InView.present(s, people, at)
	}
}

func (s *daySum) fresh(at time.Time) bool { return s.d.UpTo.Sub(at) <= freshFor }

func (s *daySum) tracks(k int, camera string, hour time.Time, n int64) {
	s.before(k, camera).people += n
	if k == 0 {
		c := s.camera(camera)
		c.People.N += n
		s.add(c.People.ByHour, hour, n)
	}
}

func (s *daySum) crossings(k int, camera, line, direction string, hour time.Time, n int64) {
	p := s.before(k, camera)
	both := p.lines[line]
	if direction == "in" {
		both[0] += n
	} else {
		both[1] += n
	}
	p.lines[line] = both
	if k > 0 {
		return
	}
	l, c := s.line(camera, line), s.camera(camera)
	count, total := &l.In, &c.In
	if direction != "in" {
		count, total = &l.Out, &c.Out
	}
	count.N += n
	*total += n
	s.add(count.ByHour, hour, n)
}

func (s *daySum) watched(k int, camera string, seconds int64) { s.before(k, camera).seconds += seconds }

// place takes what happened at a place, by rising times; reset is the last one before.
func (s *daySum) place(name string, capacity *int64, at, reset time.Time, in, out int64) {
	p, ok := s.places[name]
	if !ok {
		p = &DayPlace{Place: name, Capacity: capacity, ByHour: make([]*int64, len(s.d.Hours)), reset: reset}
		s.places[name] = p
	}
	if !reset.Equal(p.reset) {
		p.Inside, p.reset = 0, reset
	}
	p.Inside += in - out
	if at.Before(s.d.Since) || !at.Before(s.d.UpTo) {
		return
	}
	p.In += in
	p.Out += out
	i := s.hourAt(at)
	if h := p.ByHour[i]; h == nil || p.Inside > *h {
		p.ByHour[i] = new(p.Inside)
	}
	if p.Most == nil || p.Inside > *p.Most {
		p.Most = new(p.Inside)
	}
}

// usual returns the range of a number on the days before that were watched for about as
// long as the day itself; nil if there is none.
func (s *daySum) usual(seconds func(k int) int64, number func(k int) int64) *Usual {
	var u Usual
	var total int64
	for k := 1; k <= pastWeeks; k++ {
		if !alike(seconds(0), seconds(k)) {
			continue
		}
		n := number(k)
		if u.Days == 0 {
			u.Low, u.High = n, n
		}
		u.Days++
		u.Low, u.High, total = min(u.Low, n), max(u.High, n), total+n
	}
	if u.Days == 0 {
		return nil
	}
	u.Mean = math.Round(float64(total)/float64(u.Days)*10) / 10
	return &u
}

// alike reports whether two days were watched for about as long.
func alike(a, b int64) bool {
	return min(a, b) > 0 && float64(min(a, b)) >= likeParts*float64(max(a, b))
}

func earlierOf(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// byName returns the values in the order of their keys.
func byName[V any](m map[string]*V) []V {
	list := make([]V, 0, len(m))
	for _, k := range natural.Sorted(maps.Keys(m)) {
		list = append(list, *m[k])
	}
	return list
}

// byNames is byName of keys of two names.
func byNames[V any](m map[[2]string]*V) []V {
	keys := slices.SortedFunc(maps.Keys(m), func(a, b [2]string) int {
		return cmp.Or(natural.Compare(a[0], b[0]), natural.Compare(a[1], b[1]))
	})
	list := make([]V, 0, len(m))
	for _, k := range keys {
		list = append(list, *m[k])
	}
	return list
}
