package ingest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/usage"
)

// Stdin is the URI of standard input.
const Stdin = "-"

// openPipe opens a named pipe or standard input. It is read as a file is, every
// frame in order and at its pace, so that its writer waits where the reader is
// slower; but it cannot be read again, so it has no fingerprint.
func openPipe(ctx context.Context, at, path string, opts Options) (Source, error) {
	f, err := pipe(path, opts)
	if err != nil {
		return nil, usage.Wrap(err, "check its permissions", "%s: cannot be read: %v", at, err)
	}
	if st, err := f.Stat(); err == nil && st.Mode()&fs.ModeCharDevice != 0 {
		f.Close()
		return nil, usage.New("pipe a video into it: ffmpeg … -f matroska - | sightlog …", "%s: standard input is no video", at)
	}
	c := pipeLibav(f)
	_, err = openWithin(ctx, c, opts.OpenTimeout)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, errLate):
		return nil, usage.Wrap(err, "start its writer, or allow more with --start-timeout", "%s: no video was written into it within %s", at, opts.OpenTimeout)
	case err != nil:
		return nil, usage.Wrap(err, "write a video that can be read from its beginning: MPEG-TS, Matroska, AVI, fragmented MP4", "%s: not a video", at)
	}
	v := &videoFile{c: c, log: opts.Log}
	v.info = Info{Kind: event.SourceFile, Source: PathName(path), FPS: c.fps(), Size: c.size()}
	if v.info.FPS > 0 {
		v.time.declared = time.Duration(float64(time.Second) / v.info.FPS)
	}
	return newPlayback(v, v.info, opts), nil
}

// pipe opens the pipe without waiting for a writer.
func pipe(path string, opts Options) (*os.File, error) {
	if path != Stdin {
		return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}
	// A descriptor of its own, as the source will close it.
	fd, err := syscall.Dup(int(opts.Stdin.Fd()))
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), Stdin), nil
}
