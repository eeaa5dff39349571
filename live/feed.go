package live

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sightlog/sightlog/internal/natural"
)

// Want is a camera that is looked at. Several wishes for one are its widths and the highest rate.
type Want struct {
	Widths []int   `json:"widths"` // ascending
	FPS    float64 `json:"fps"`
}

// Wants are the cameras that are looked at, by name. Of "*" the states alone are wanted, of all.
type Wants map[string]Want

func (w Wants) equal(other Wants) bool {
	return maps.EqualFunc(w, other, func(a, b Want) bool { return a.FPS == b.FPS && slices.Equal(a.Widths, b.Widths) })
}

// Feed hands the newest pictures to viewers.
type Feed struct {
	// Changed, if set, is called when the wants are others than before, by one goroutine at a time. It
	// must not call the Feed.
	Changed func(Wants)

	mu sync.Mutex // guards the following
	// and the fields of viewers
	viewers map[*Viewer]struct{}
	wants   Wants
	newest  map[key]*Picture // of what is wanted
	cameras map[string]Camera
	statusN int64 // counts the changes of cameras
}

type key struct {
	camera string
	width  int
}

// Viewer is one who looks at cameras. Next belongs to one goroutine.
type Viewer struct {
	feed    *Feed
	wants   Wants
	wake    chan struct{}    // capacity 1: something new; never closed; a second token is not needed
	seen    map[key]*Picture // the newest that was returned
	pace    map[key]*Pace
	at      int   // where the search for the next picture goes on, so that each camera has its turn
	statusN int64 // of the states that were returned
	keys    []key
}

// Watch begins to look. The caller closes the viewer.
func (f *Feed) Watch(wants Wants) *Viewer {
	v := &Viewer{feed: f, wake: make(chan struct{}, 1), seen: make(map[key]*Picture), pace: make(map[key]*Pace), statusN: -1}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.viewers == nil {
		f.viewers, f.newest = make(map[*Viewer]struct{}), make(map[key]*Picture)
	}
	f.viewers[v] = struct{}{}
	v.set(wants)
	f.update()
	return v
}

// Set changes the viewer's wants.
func (v *Viewer) Set(wants Wants) {
	v.feed.mu.Lock()
	defer v.feed.mu.Unlock()
	v.set(wants)
	v.feed.update()
}

func (v *Viewer) set(wants Wants) {
	v.wants, v.keys = wants, nil
	for camera, w := range wants {
		for _, width := range w.Widths {
			k := key{camera, width}
			v.keys = append(v.keys, k)
			if v.pace[k] == nil {
				v.pace[k] = new(Pace)
			}
			v.pace[k].Set(w.FPS)
		}
	}
	slices.SortFunc(v.keys, func(a, b key) int { return cmp.Or(cmp.Compare(a.camera, b.camera), a.width-b.width) })
	v.signal()
}

// Close ends the viewer.
func (v *Viewer) Close() {
	v.feed.mu.Lock()
	defer v.feed.mu.Unlock()
	delete(v.feed.viewers, v)
	v.feed.update()
}

// update computes the wants of all viewers. The caller holds mu.
func (f *Feed) update() {
	all := make(Wants)
	for v := range f.viewers {
		for camera, w := range v.wants {
			sum := all[camera]
			sum.FPS = max(sum.FPS, w.FPS)
			sum.Widths = slices.Concat(sum.Widths, w.Widths)
			slices.Sort(sum.Widths)
			sum.Widths = slices.Compact(sum.Widths)
			all[camera] = sum
		}
	}
	if all.equal(f.wants) {
		return
	}
	f.wants = all
	for k := range f.newest {
		if !slices.Contains(all[k.camera].Widths, k.width) {
			delete(f.newest, k) // an old picture must not be the first of who looks later
		}
	}
	if f.Changed != nil {
		f.Changed(all)
	}
}

// Watched reports whether somebody looks.
func (f *Feed) Watched() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.wants) > 0
}

// Publish hands a picture to those who look at it.
func (f *Feed) Publish(p *Picture) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := key{p.Camera, p.Width}
	if !slices.Contains(f.wants[k.camera].Widths, k.width) {
		return
	}
	f.newest[k] = p
	for v := range f.viewers {
		if slices.Contains(v.wants[k.camera].Widths, k.width) {
			v.signal()
		}
	}
}

// States sets the states of these cameras. Those of others remain.
func (f *Feed) States(cameras []Camera) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cameras == nil {
		f.cameras = make(map[string]Camera)
	}
	for _, c := range cameras {
		f.cameras[c.ID] = c
	}
	f.statusN++
	for v := range f.viewers {
		v.signal()
	}
}

// Knows reports whether the camera has a state.
func (f *Feed) Knows(camera string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, known := f.cameras[camera]
	return known
}

func (v *Viewer) signal() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// Next returns the states of the cameras if they were set since the last call, else the newest
// picture that the viewer has not had, and waits for one. The error is ctx's.
func (v *Viewer) Next(ctx context.Context) (Part, error) {
	for {
		part, wait := v.take(time.Now())
		if part.Picture != nil || part.Status != nil {
			return part, nil
		}
		if err := v.pause(ctx, wait); err != nil {
			return Part{}, err
		}
	}
}

// pause waits until something is new, and no longer than wait, if that is not 0.
func (v *Viewer) pause(ctx context.Context, wait time.Duration) error {
	var due <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		due = t.C
	}
	select {
	case <-v.wake:
	case <-due:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// take returns the next part, or how long to wait for a picture that is there and not due.
func (v *Viewer) take(now time.Time) (part Part, wait time.Duration) {
	f := v.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if v.statusN != f.statusN && f.cameras != nil {
		v.statusN = f.statusN
		return Part{Status: v.status(now)}, 0
	}
	for i := range v.keys {
		k := v.keys[(v.at+i)%len(v.keys)]
		p := f.newest[k]
		if p == nil || p == v.seen[k] {
			continue
		}
		if left := v.pace[k].Left(now); left > 0 {
			if wait == 0 || left < wait {
				wait = left
			}
			continue
		}
		v.at = (v.at + i + 1) % len(v.keys)
		v.seen[k] = p
		v.pace[k].Took(now)
		return Part{Picture: p}, 0
	}
	return Part{}, wait
}

func (v *Viewer) status(now time.Time) *Status {
	s := &Status{Now: now.UTC()}
	_, all := v.wants["*"]
	for id, c := range v.feed.cameras {
		if _, wanted := v.wants[id]; wanted || all {
			s.Cameras = append(s.Cameras, c)
		}
	}
	slices.SortFunc(s.Cameras, func(a, b Camera) int { return natural.Compare(a.ID, b.ID) })
	return s
}
