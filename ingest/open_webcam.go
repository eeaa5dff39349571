package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/usage"
)

// openWebcam opens a webcam by its index or device path (V4L2).
func openWebcam(ctx context.Context, spec Spec, opts Options) (Source, error) {
	at := "--source " + spec.ID + "=" + spec.URI
	path := spec.URI
	index, err := strconv.Atoi(spec.URI)
	if err == nil {
		path = fmt.Sprintf("/dev/video%d", index)
	} else if index, err = strconv.Atoi(strings.TrimPrefix(spec.URI, "/dev/video")); err != nil {
		return nil, usage.New("use 0 or /dev/video0", "%s: not a camera", at)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage.Wrap(err, devices(), "%s: no such camera, %s is not there", at, path)
	case errors.Is(err, fs.ErrPermission):
		return nil, usage.Wrap(err, "join the group video", "%s: %s may not be opened", at, path)
	case err == nil:
		f.Close()
	}
	l, err := openLive(ctx, Info{Kind: event.SourceWebcam, Source: path}, func() capture {
		return &v4l{device: index, read: opts.ReadTimeout}
	}, opts)
	if err != nil {
		return nil, openError(ctx, at, opts, "check that it is a camera and no other program uses it", err)
	}
	return l, nil
}

// devices lists the video devices that exist, as advice.
func devices() string {
	var there []string
	for i := range 64 {
		path := fmt.Sprintf("/dev/video%d", i)
		if _, err := os.Stat(path); err == nil {
			there = append(there, path)
		}
	}
	if len(there) == 0 {
		return "this machine has no camera: plug one in, or use a file"
	}
	return "there are " + strings.Join(there, ", ")
}
