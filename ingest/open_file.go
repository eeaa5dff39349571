package ingest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

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
