package ingest

// #include "av.h"
import "C"

import (
	"image"
	"time"
	"unsafe"

	"gocv.io/x/gocv"
)

// v4l reads a webcam. Its grab waits in the kernel, at most for the timeout
// given when it was opened.
type v4l struct {
	device int
	read   time.Duration
	v      unsafe.Pointer
	at     time.Time
}

func (v *v4l) open(time.Duration) error {
	if v.v = C.sl_v4l_open(C.int(v.device), C.int(v.read.Milliseconds())); v.v == nil {
		return errNotOpened
	}
	return nil
}

func (v *v4l) analyse(time.Duration) error { return nil }

func (v *v4l) grab(time.Duration) error {
	if C.sl_v4l_grab(v.v) == 0 {
		return errLost
	}
	v.at = time.Now()
	return nil
}

func (v *v4l) retrieve(m *gocv.Mat) bool {
	return C.sl_v4l_retrieve(v.v, unsafe.Pointer(m.Ptr())) != 0
}

func (v *v4l) arrived() time.Time              { return v.at }
func (v *v4l) position() (time.Duration, bool) { return 0, false }

func (v *v4l) size() image.Point {
	return image.Pt(int(C.sl_v4l_get(v.v, 3)), int(C.sl_v4l_get(v.v, 4)))
}

func (v *v4l) fps() float64 {
	if f := float64(C.sl_v4l_get(v.v, 5)); f > 0 && f <= 1000 {
		return f
	}
	return 0
}

func (v *v4l) finite() bool                           { return false }
func (v *v4l) timed() bool                            { return false }
func (v *v4l) segment() time.Duration                 { return 0 }
func (v *v4l) id() int64                              { return 0 }
func (v *v4l) seek(time.Duration, time.Duration) bool { return false }
func (v *v4l) interrupt()                             {}

func (v *v4l) close() {
	if v.v != nil {
		C.sl_v4l_free(v.v)
		v.v = nil
	}
}
