package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/internal/backoff"
)

// slots is how many pictures a playback owns: one lent to the caller, one waiting,
// one being decoded. So decoding overlaps with whatever the caller does.
const slots = 3

// playback delivers every frame of a frameReader, in order.
//
//	     free (cap 3)                 ready (cap 1)
//	┌──► reader: pace, decode ─────────────────► Next ──┐
//	└───────────────────────────────────────────────────┘
//
// The reader closes ready after setting err; a full ready blocks it.
type playback struct {
	info   Info
	opts   Options
	reader frameReader

	free  chan *Frame
	ready chan *Frame
	err   error // why ready was closed

	stop context.CancelFunc
	done chan struct{} // closed when the reader has ended

	mu    sync.Mutex // guards the following
	rate  rate
	stats Stats

	lent  *Frame // to the caller until its next call; only Next and Close touch it
	close sync.Once
}

func newPlayback(s frameReader, info Info, opts Options) *playback {
	ctx, stop := context.WithCancel(context.Background())
	if opts.Schedule != nil {
		s, info = &scheduledReader{frameReader: s, schedule: opts.Schedule}, scheduled(info, opts.Schedule)
	}
	r := &playback{
		info: info, opts: opts, reader: s, stop: stop, done: make(chan struct{}),
		free: make(chan *Frame, slots), ready: make(chan *Frame, 1),
	}
	for range slots {
		r.free <- &Frame{Image: gocv.NewMat()}
	}
	go func() {
		defer close(r.done)
		defer s.close()
		r.err = r.read(ctx, s)
		close(r.ready)
	}()
	return r
}

func (r *playback) Info() Info { return r.info }

// read fills slots until the reader or ctx ends.
func (r *playback) read(ctx context.Context, s frameReader) error {
	seq, skipped := int64(0), time.Duration(0)
	for ; seq < r.opts.StartAt; seq++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		pts, err := s.next(nil)
		if err != nil {
			return cmp.Or(ctx.Err(), err)
		}
		skipped = pts
	}
	p := pacer{pace: r.opts.Pace, fps: r.info.FPS}
	if sched := r.opts.Schedule; sched != nil {
		select {
		case <-sched.begun:
		case <-ctx.Done():
			return ctx.Err()
		}
		p.begin(sched.start, seq, skipped)
	}
	for ; ; seq++ {
		var f *Frame
		select {
		case f = <-r.free:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := r.fill(ctx, s, f, seq, &p); err != nil {
			r.free <- f                   // Close looks for every slot there
			return cmp.Or(ctx.Err(), err) // interrupted: not its end
		}
		select {
		case r.ready <- f:
		case <-ctx.Done():
			r.free <- f
			return ctx.Err()
		}
	}
}

// fill waits for the frame's time and reads it.
func (r *playback) fill(ctx context.Context, s frameReader, f *Frame, seq int64, p *pacer) error {
	if err := p.wait(ctx); err != nil {
		return err
	}
	grabbed := time.Now()
	pts, err := s.next(&f.Image)
	if err != nil {
		return err
	}
	if early := p.took(pts, grabbed); early > 0 {
		// A gap in the recording: the camera delivered this one later.
		if err := backoff.Sleep(ctx, early); err != nil {
			return err
		}
		grabbed = time.Now()
	}
	f.Seq, f.PTS, f.GrabbedAt, f.DecodedAt, f.Dropped = seq, pts, grabbed, time.Now(), 0
	r.count(f)
	return nil
}

func (r *playback) count(f *Frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Frames++
	r.stats.Size = f.Size()
	r.rate.add(f.DecodedAt)
}

func (r *playback) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.FPS, s.Jumps = r.rate.perSecond(), r.reader.jumps()
	return s
}

func (r *playback) Next(ctx context.Context, f *Frame) error {
	if r.lent != nil {
		r.free <- r.lent // capacity for all slots: never blocks
		r.lent = nil
	}
	select {
	case got, ok := <-r.ready:
		if !ok {
			if errors.Is(r.err, context.Canceled) {
				return fmt.Errorf("read %s: the source is closed", r.info.Source)
			}
			return r.err
		}
		r.lent, *f = got, *got
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close waits for the reader, but no longer than a read may take: a disk that
// does not answer keeps its reader, never the program.
func (r *playback) Close() error {
	err := error(nil)
	r.close.Do(func() {
		r.stop()
		r.reader.interrupt()
		select {
		case <-r.done:
		case <-time.After(r.opts.ReadTimeout):
			err = fmt.Errorf("close %s: its reader hangs in the video library and was left behind", r.info.Source)
			return
		}
		for f := range r.ready {
			f.Image.Close()
		}
		if r.lent != nil {
			r.lent.Image.Close()
		}
		for len(r.free) > 0 {
			f := <-r.free
			f.Image.Close()
		}
	})
	return err
}
