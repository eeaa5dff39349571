package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/usage"
)

// openFile opens a video file.
func openFile(ctx context.Context, spec Spec, opts Options) (Source, error) {
	at := "--source " + spec.ID + "=" + spec.URI
	st, err := os.Stat(spec.URI)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage.Wrap(err, "check the path", "%s: no such file", at)
	case err != nil:
		return nil, usage.Wrap(err, "check the path and its permissions", "%s: cannot be read", at)
	case st.Size() == 0 && st.Mode().IsRegular():
		return nil, usage.New("name a video", "%s: the file is empty", at)
	}
	print, err := fingerprint(spec.URI)
	if err != nil {
		return nil, usage.Wrap(err, "check its permissions", "%s: cannot be read", at)
	}
	c := newLibav(spec.URI, false)
	_, err = openWithin(ctx, c, opts.OpenTimeout)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, errLate):
		return nil, usage.Wrap(err, "check that it is a video on a disk that answers", "%s: does not open within %s", at, opts.OpenTimeout)
	case err != nil:
		return nil, usage.Wrap(err, "name a video that ffmpeg can play", "%s: not a video", at)
	}
	v := &videoFile{c: c}
	v.declared, v.size = declaredSize(spec.URI)
	v.info = Info{Kind: event.SourceFile, Source: Redact(spec.URI), Fingerprint: print, FPS: c.fps(), Size: c.size()}
	v.info.Frames, v.exact = c.frames()
	return newReplay(v, v.info, opts), nil
}

// videoFile reads a file's frames one by one; a replay owns it.
type videoFile struct {
	c    *libav
	info Info

	exact          bool  // info.Frames was counted, not estimated
	declared, size int64 // bytes: what the container claims, what there is

	read int64
	pts  time.Duration
	lost int64 // frames that could not be converted
}

func (v *videoFile) next(m *gocv.Mat) (time.Duration, error) {
	for {
		if err := v.c.grab(0); err != nil {
			return 0, v.end()
		}
		pts := v.position()
		if m != nil && !v.c.retrieve(m) {
			v.lost++
			continue
		}
		v.pts = pts
		v.read++
		return pts, nil
	}
}

// position makes the container's time usable: it never goes back or stands
// still, and where there is none the declared rate counts.
func (v *videoFile) position() time.Duration {
	pts, ok := v.c.position()
	switch {
	case v.read == 0:
		return max(pts, 0)
	case ok && pts > v.pts:
		return pts
	case v.info.FPS > 0:
		return v.pts + time.Duration(float64(time.Second)/v.info.FPS)
	default:
		return v.pts + 40*time.Millisecond
	}
}

// end says why there is no further frame.
func (v *videoFile) end() error {
	missing := v.info.Frames - v.read
	if !v.exact {
		missing -= 2 + v.info.Frames/50 // the number was made from a duration
	}
	var reason string
	switch damaged := v.c.repaired() + v.lost; {
	case v.declared > v.size:
		reason = fmt.Sprintf("it ends after %d of the %d bytes it declares", v.size, v.declared)
		if missing > 0 {
			reason += fmt.Sprintf(", %d of %d frames are missing", v.info.Frames-v.read, v.info.Frames)
		}
	case damaged > 0 && missing > 0:
		reason = fmt.Sprintf("%d of its frames or packets do not decode, %d of %d frames are missing", damaged, v.info.Frames-v.read, v.info.Frames)
	case damaged > 0:
		reason = fmt.Sprintf("%d of its frames or packets do not decode", damaged)
	case missing > 0:
		reason = fmt.Sprintf("%d of its %d frames are missing", v.info.Frames-v.read, v.info.Frames)
	case v.read == 0:
		reason = "it holds no frame that can be decoded"
	default:
		return io.EOF
	}
	return &Damage{Source: v.info.Source, Delivered: v.read, Reason: reason}
}

func (v *videoFile) interrupt() { v.c.interrupt() }
func (v *videoFile) close()     { v.c.close() }
