package ingest

/*
#cgo LDFLAGS: -lavformat -lavcodec -lavutil -lswscale
#include <stdlib.h>
#include "av.h"
*/
import "C"

import (
	"fmt"
	"image"
	"io"
	"os"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"gocv.io/x/gocv"
)

// libav reads files, pipes and streams with FFmpeg's libraries.
type libav struct {
	uri       string
	live      bool
	pipe      *os.File // read in place of uri; nil if there is none
	transport string   // RTSP's; "" is TCP, or UDP where the camera refuses it

	mu sync.Mutex // guards a against interrupt after close
	a  *C.sl_av
}

// fileLibav returns a reader of a file.
func fileLibav(path string) *libav {
	return &libav{uri: "file:" + path, a: C.sl_av_new(0, decoderThreads())} // a colon in a name makes no protocol of it
}

// pipeLibav returns a reader of a pipe, which it closes if it is closed itself.
func pipeLibav(pipe *os.File) *libav {
	return &libav{uri: "pipe:", pipe: pipe, a: C.sl_av_new(0, decoderThreads())}
}

func streamLibav(uri, transport string) *libav {
	return &libav{uri: uri, live: true, transport: transport, a: C.sl_av_new(1, decoderThreads())}
}

func (l *libav) open(limit time.Duration) error {
	uri, transport := C.CString(l.uri), C.CString(l.transport)
	defer C.free(unsafe.Pointer(uri))
	defer C.free(unsafe.Pointer(transport))
	fd := -1
	if l.pipe != nil {
		fd = int(l.pipe.Fd())
	}
	return l.openError(C.sl_av_open(l.a, uri, C.int(fd), transport, C.int64_t(limit.Milliseconds())))
}

func (l *libav) analyse(limit time.Duration) error {
	return l.openError(C.sl_av_analyse(l.a, C.int64_t(limit.Milliseconds())))
}

// openError returns the error of an opening.
func (l *libav) openError(code C.int) error {
	if code == 0 {
		return nil
	}
	answer := int(C.sl_answer(code))
	if answer == answerNone {
		return errLate
	}
	if r := refusals[answer]; r != nil && l.live {
		return r
	}
	var buf [128]C.char
	C.sl_error(code, &buf[0], C.int(len(buf)))
	return fmt.Errorf("%w: %s", errNotOpened, C.GoString(&buf[0])) // FFmpeg's words hold no URI
}

func (l *libav) grab(limit time.Duration) error {
	switch C.sl_av_grab(l.a, C.int64_t(limit.Milliseconds())) {
	case C.SL_FRAME:
		return nil
	case C.SL_END:
		if l.live && (!l.finite() || C.sl_av_cut(l.a) != 0) {
			return errLost
		}
		return io.EOF
	case C.SL_LATE:
		return errLate
	default:
		return errLost
	}
}

func (l *libav) retrieve(m *gocv.Mat) bool {
	return C.sl_av_retrieve(l.a, unsafe.Pointer(m.Ptr())) != 0
}

func (l *libav) arrived() time.Time {
	return time.Now().Add(-time.Duration(C.sl_av_age_ns(l.a)))
}

func (l *libav) position() (time.Duration, bool) {
	us := int64(C.sl_av_pts_us(l.a))
	const longest = 1 << 53 // µs: 285 years
	return time.Duration(us) * time.Microsecond, us > -longest && us < longest
}

func (l *libav) size() image.Point {
	return image.Pt(int(C.sl_av_width(l.a)), int(C.sl_av_height(l.a)))
}

func (l *libav) fps() float64 {
	if v := float64(C.sl_av_fps(l.a)); v > 0 && v <= 1000 {
		return v
	}
	return 0
}

func (l *libav) timed() bool { return C.sl_av_timed(l.a) != 0 }

func (l *libav) segment() time.Duration {
	return min(time.Duration(C.sl_av_segment_us(l.a))*time.Microsecond, maxSegment)
}

func (l *libav) id() int64 { return int64(C.sl_av_packet_id(l.a)) }

func (l *libav) seek(to, limit time.Duration) bool {
	return C.sl_av_seek(l.a, C.int64_t(to.Microseconds()), C.int64_t(limit.Milliseconds())) >= 0
}

func (l *libav) finite() bool { return C.sl_av_finite(l.a) != 0 }

// frames is how many the file declares or, where it does not count them, what
// its duration and rate suggest; 0 unknown.
func (l *libav) frames() int64 {
	if n := int64(C.sl_av_frames(l.a)); n > 0 {
		return n
	}
	return max(int64(C.sl_av_estimate(l.a)), 0)
}

// damaged counts the frames and packets so far that the demuxer or the decoder
// found damaged.
func (l *libav) damaged() int64 { return int64(C.sl_av_damaged(l.a)) }

func (l *libav) interrupt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.a != nil {
		C.sl_av_stop(l.a)
	}
}

func (l *libav) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.a != nil {
		C.sl_av_free(l.a)
		l.a = nil
	}
	if l.pipe != nil {
		l.pipe.Close()
	}
}

// prepareLibraries stops the messages of OpenCV and FFmpeg on stderr: they may
// hold a URI with its password, and what matters comes back as an error.
var prepareLibraries = sync.OnceFunc(func() { C.sl_prepare(C.int(runtime.GOMAXPROCS(0))) })

// decoderThreads returns FFmpeg's own number, one more than the cores, for those
// that a control group lets us use (runtime.GOMAXPROCS). It is never two: with two
// threads over frames FFmpeg 5.1 ends a file that is cut two frames early.
func decoderThreads() C.int {
	n := runtime.GOMAXPROCS(0)
	if n == 1 {
		return 1
	}
	return C.int(min(n+1, 16))
}

// threads is how many decode.
func (l *libav) threads() int { return int(C.sl_av_threads(l.a)) }
