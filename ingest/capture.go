package ingest

/*
#include <stdlib.h>
#include "opencv.h"
*/
import "C"

import (
	"context"
	"errors"
	"image"
	"math"
	"os"
	"sync"
	"time"
	"unsafe"

	"gocv.io/x/gocv"
)

// capture is OpenCV's VideoCapture. One goroutine owns it from opening to
// closing; none of its calls can be interrupted from outside.
type capture struct{ vc unsafe.Pointer }

// target says what to open, and with which of the library's readers.
type target struct {
	device int // when uri is ""
	uri    string
	api    gocv.VideoCaptureAPI
	// The library's own timeouts, which it honours where it waits for the
	// network; 0 leaves its defaults.
	openTimeout, readTimeout time.Duration
}

// errNotOpened has no detail: the library gives none, and its text would hold
// the URI.
var errNotOpened = errors.New("the video library cannot open it")

func openCapture(t target) (*capture, error) {
	var uri *C.char
	if t.uri != "" {
		uri = C.CString(t.uri)
		defer C.free(unsafe.Pointer(uri))
	}
	vc := C.sl_open(uri, C.int(t.device), C.int(t.api), C.int(t.openTimeout.Milliseconds()), C.int(t.readTimeout.Milliseconds()))
	if vc == nil {
		return nil, errNotOpened
	}
	return &capture{vc}, nil
}

// grab takes the next frame; for a file or a stream this decodes it. False
// means that there is none: the end, or damage, or a timeout.
func (c *capture) grab() bool { return C.sl_grab(c.vc) != 0 }

// retrieve puts the frame grabbed last into m, as BGR of 8 bits.
func (c *capture) retrieve(m *gocv.Mat) bool {
	return C.sl_retrieve(c.vc, unsafe.Pointer(m.Ptr())) != 0
}

// position is the time of the frame grabbed last, as the container has it.
func (c *capture) position() time.Duration {
	ms := c.get(C.SL_POS_MSEC)
	if math.Abs(ms) > 1e12 {
		return 0
	}
	return time.Duration(math.Round(ms*1e3)) * time.Microsecond
}

func (c *capture) size() image.Point {
	return image.Pt(int(c.get(C.SL_WIDTH)), int(c.get(C.SL_HEIGHT)))
}

// fps is the declared rate, 0 where the container declares none or nonsense.
func (c *capture) fps() float64 {
	if v := c.get(C.SL_FPS); v > 0 && v <= 1000 {
		return v
	}
	return 0
}

func (c *capture) frames() int64 {
	if v := c.get(C.SL_FRAME_COUNT); v > 0 && v < 1e12 {
		return int64(v)
	}
	return 0
}

// get returns a property; NaN and what the reader does not know are 0.
func (c *capture) get(prop C.int) float64 {
	v := float64(C.sl_get(c.vc, prop))
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

func (c *capture) close() { C.sl_close(c.vc) }

// openWithin opens a capture on a goroutine of its own, because the library
// can hang. One that opens after limit is closed there; gone is closed when
// that goroutine has ended.
func openWithin(ctx context.Context, t target, limit time.Duration) (c *capture, gone <-chan struct{}, err error) {
	type result struct {
		c   *capture
		err error
	}
	opened := make(chan result) // unbuffered: either we take it or the opener closes it
	late, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		c, err := openCapture(t)
		select {
		case opened <- result{c, err}:
		case <-late:
			if err == nil {
				c.close()
			}
		}
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case r := <-opened:
		return r.c, ended, r.err
	case <-ctx.Done():
		close(late)
		return nil, ended, ctx.Err()
	case <-timer.C:
		close(late)
		return nil, ended, context.DeadlineExceeded
	}
}

// quietLibraries stops the messages of OpenCV and FFmpeg on stderr: they may
// hold a URI with its password, and what matters comes back as an error.
// FFmpeg's level is read from the environment when the first capture opens.
var quietLibraries = sync.OnceFunc(func() {
	C.sl_quiet()
	if os.Getenv("OPENCV_FFMPEG_LOGLEVEL") == "" {
		os.Setenv("OPENCV_FFMPEG_LOGLEVEL", "-8") // AV_LOG_QUIET
	}
})
