package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/usage"
)

// openFile opens a video file.
func openFile(ctx context.Context, spec Spec, opts Options) (Source, error) {
	at := "--source " + spec.ID + "=" + PathName(spec.URI)
	if spec.URI == Stdin {
		return openPipe(ctx, at, Stdin, opts)
	}
	st, err := os.Stat(spec.URI)
	switch {
	case err == nil && st.Mode()&fs.ModeNamedPipe != 0:
		return openPipe(ctx, at, spec.URI, opts)
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage.Wrap(err, "check the path", "%s: no such file", at)
	case err != nil:
		return nil, usage.Wrap(err, "check the path and its permissions", "%s: cannot be read", at)
	case st.Size() == 0 && st.Mode().IsRegular():
		return nil, usage.New("name a video", "%s: the file is empty", at)
	}
	contentID, err := fingerprint(spec.URI)
	if err != nil {
		return nil, usage.Wrap(err, "check its permissions", "%s: cannot be read", at)
	}
	c := fileLibav(spec.URI)
	_, err = openWithin(ctx, c, opts.OpenTimeout)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, errLate):
		return nil, usage.Wrap(err, "check that it is a video on a disk that answers", "%s: does not open within %s", at, opts.OpenTimeout)
	case err != nil:
		return nil, usage.Wrap(err, "name a video that ffmpeg can play", "%s: not a video", at)
	}
	v := &videoFile{c: c, log: opts.Log}
	v.declared, v.size = declaredSize(spec.URI)
	v.info = Info{Kind: event.SourceFile, Source: PathName(spec.URI), Fingerprint: contentID, FPS: c.fps(), Size: c.size()}
	v.info.Frames = c.frames()
	if v.info.FPS > 0 {
		v.time.declared = time.Duration(float64(time.Second) / v.info.FPS)
	}
	return newPlayback(v, v.info, opts), nil
}

// videoFile reads a file's frames one by one; a playback owns it.
type videoFile struct {
	c    *libav
	info Info

	declared, size int64 // bytes: what the container claims, what there is

	read int64
	time timeline
	bent atomic.Int64 // time.jumps, for other goroutines
	log  *slog.Logger
}

func (v *videoFile) next(m *gocv.Mat) (time.Duration, error) {
	switch err := v.c.grab(0); {
	case errors.Is(err, io.EOF):
		return 0, v.end()
	case err != nil:
		return 0, fmt.Errorf("read %s: %w", v.info.Source, err)
	}
	stamp, ok := v.c.position()
	pts := v.time.position(stamp, ok)
	if v.time.jumps == 1 && v.bent.Load() == 0 {
		v.log.Warn("the file's timestamps jump; such frames follow after one frame interval", "source", v.info.Source, "frame", v.read, "timestamp", stamp, "position", pts)
	}
	v.bent.Store(v.time.jumps)
	if m != nil && !v.c.retrieve(m) {
		// Not to be passed over: a run that is resumed counts the frames before
		// without converting them.
		return 0, fmt.Errorf("read %s: frame %d cannot be converted", v.info.Source, v.read)
	}
	v.read++
	return pts, nil
}

// end returns why there is no further frame. How many frames the file declares is
// no evidence: edit lists leave frames out, null frames of AVI are counted and
// show nothing, and a number made of a duration is a guess.
func (v *videoFile) end() error {
	var reason string
	switch damaged := v.c.damaged(); {
	case v.declared > v.size:
		reason = fmt.Sprintf("it ends after %d of the %d bytes it declares", v.size, v.declared)
	case damaged > 0:
		reason = fmt.Sprintf("%d of its frames or packets are damaged", damaged)
	case v.read == 0:
		reason = "it holds no frame that can be decoded"
	default:
		return io.EOF
	}
	return &Damage{Source: v.info.Source, Delivered: v.read, Reason: reason}
}

func (v *videoFile) jumps() int64 { return v.bent.Load() }
func (v *videoFile) interrupt()   { v.c.interrupt() }
func (v *videoFile) close()       { v.c.close() }
