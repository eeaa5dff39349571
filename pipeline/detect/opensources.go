package detect

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
)

// opening is one source on its way to being open.
type opening struct {
	done chan struct{} // closed when src and err are set
	src  ingest.Source
	err  error
}

// wait returns the open source.
func (o *opening) wait(ctx context.Context) (ingest.Source, error) {
	select {
	case <-o.done:
		return o.src, o.err
	case <-ctx.Done():
		<-o.done // it watches ctx, too
		if o.src != nil {
			o.src.Close()
		}
		return nil, ctx.Err()
	}
}

// openSources opens all sources side by side and returns when it is clear that
// the job can be: every file and webcam is open, and of the streams, which may
// come later, at least one is, or there are other sources. With wait it
// returns at once, and each source is tried until ctx ends.
func openSources(ctx context.Context, cams []*cameraLoop, wait bool, log *slog.Logger) ([]*opening, error) {
	all := make([]*opening, len(cams))
	first := make(chan error, len(cams)) // the outcome of each first try
	for i, c := range cams {
		o := &opening{done: make(chan struct{})}
		all[i] = o
		go func() {
			defer close(o.done)
			o.src, o.err = c.open(ctx, wait, first)
		}()
	}
	if wait {
		return all, nil
	}
	opened := 0
	var later []error
	for i := range cams {
		err := <-first
		if err == nil {
			opened++
			continue
		}
		var late *lateError
		if !errors.As(err, &late) || (opened == 0 && i == len(cams)-1) {
			if late != nil {
				err = late.error
			}
			return all, err
		}
		later = append(later, err)
	}
	for _, err := range later {
		log.Warn("source does not open, trying again", "err", err)
	}
	return all, nil
}

// lateError marks the failure of a source that may come later.
type lateError struct{ error }

// open opens the source, again and again where that may help, and sends the
// outcome of the first try to first.
func (c *cameraLoop) open(ctx context.Context, wait bool, first chan<- error) (ingest.Source, error) {
	sent := false
	outcome := func(err error) {
		if !sent {
			sent = true
			first <- err
		}
	}
	kind, err := c.spec.Kind()
	if err != nil {
		outcome(err)
		return nil, err
	}
	retry := wait || kind == event.SourceStream
	if retry && c.opts.Backoff.Left() > 0 {
		outcome(nil) // it opened, or was waited for, before this process
	}
	reported := ""
	for {
		src, err := ingest.Open(ctx, c.spec, c.opts) // waits for the backoff
		if err == nil {
			outcome(nil)
			return src, nil
		}
		if !retry || ctx.Err() != nil {
			outcome(err)
			return nil, err
		}
		report := c.log.Warn
		if err.Error() == reported || !wait && !sent { // the first is openSources' to report
			report = c.log.Debug
		}
		outcome(&lateError{err})
		reported = err.Error()
		report("source does not open, trying again", "camera", c.spec.ID, "err", err, "again_in", c.opts.Backoff.Left().Round(time.Millisecond))
	}
}

// closeSources waits for every opening and closes the open sources.
func closeSources(all []*opening) {
	for _, o := range all {
		<-o.done
		if o.src != nil {
			o.src.Close()
		}
	}
}
