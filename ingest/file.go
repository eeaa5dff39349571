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
	c, _, err := openWithin(ctx, target{uri: spec.URI, api: gocv.VideoCaptureFFmpeg}, opts.OpenTimeout)
	switch {
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		return nil, usage.Wrap(err, "check that it is a video on a disk that answers", "%s: does not open within %s", at, opts.OpenTimeout)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, usage.Wrap(err, "name a video that ffmpeg can play", "%s: not a video", at)
	}
	v := &videoFile{c: c, container: readContainer(spec.URI)}
	v.info = Info{
		Kind: event.SourceFile, Source: Redact(spec.URI), Fingerprint: print,
		FPS: c.fps(), Size: c.size(), Frames: c.frames(),
	}
	return newReplay(v, v.info, opts), nil
}

// videoFile reads a file's frames one by one; a replay owns it.
type videoFile struct {
	c         *capture
	container container
	info      Info
	read      int64
	pts       time.Duration
}

func (v *videoFile) next(m *gocv.Mat) (time.Duration, error) {
	if !v.c.grab() {
		return 0, v.end("")
	}
	if m != nil && !v.c.retrieve(m) {
		return 0, v.end("a frame could not be converted")
	}
	v.pts = v.position()
	v.read++
	return v.pts, nil
}

// position makes the container's time usable: it never goes back or stands
// still, and where there is none the declared rate counts.
func (v *videoFile) position() time.Duration {
	pts := v.c.position()
	switch {
	case v.read == 0:
		return max(pts, 0)
	case pts > v.pts:
		return pts
	case v.info.FPS > 0:
		return v.pts + time.Duration(float64(time.Second)/v.info.FPS)
	default:
		return v.pts + 40*time.Millisecond
	}
}

// end says why there is no further frame.
func (v *videoFile) end(reason string) error {
	missing := v.info.Frames - v.read
	slack := int64(0)
	if !v.container.exact {
		slack = 2 + v.info.Frames/50 // the number was made from a duration
	}
	switch {
	case reason != "":
	case v.container.truncated():
		reason = fmt.Sprintf("it ends after %d of the %d bytes its header declares", v.container.size, v.container.declared)
		if missing > 0 {
			reason += fmt.Sprintf(", %d of %d frames are missing", missing, v.info.Frames)
		}
	case missing > slack:
		reason = fmt.Sprintf("%d of its %d frames cannot be decoded", missing, v.info.Frames)
	case v.read == 0:
		reason = "it holds no frame that can be decoded"
	default:
		return io.EOF
	}
	return &Damage{Source: v.info.Source, Delivered: v.read, Reason: reason}
}

func (v *videoFile) close() { v.c.close() }
