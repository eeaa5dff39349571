// Reading video with FFmpeg's libraries (av_open.cpp, av_read.cpp) and webcams with OpenCV's
// V4L2 (v4l.cpp). OpenCV's own FFmpeg reader is not used: it crops after a
// change of resolution in mid-stream, holds back a frame for each core of the
// machine, and cannot be interrupted.
#pragma once
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef struct sl_av sl_av;

enum { SL_FRAME = 1, SL_END = 0, SL_ERROR = -1, SL_LATE = -2 };
enum { SL_PAGE = 1 }; // of sl_av_open: an HTML page, where video was asked for

// sl_prepare is called once: OpenCV works with so many threads, and the libraries
// say nothing, because it may hold a URI.
void sl_prepare(int threads);

// sl_av_new makes a reader that is not open yet, so that sl_av_stop can be
// called while it opens. live: no reordering or threading that delays frames,
// and no files of this machine; else: only files. threads decode; FFmpeg itself
// would take one a core of the machine, whatever the control group may use.
sl_av *sl_av_new(int live, int threads);
// sl_av_open returns 0, SL_PAGE, or an FFmpeg error that sl_error turns into
// words. With fd >= 0 it reads that pipe, and uri is only a name. transport is
// RTSP's: udp, tcp, udp_multicast; "" is TCP, or UDP if the camera refuses it.
int sl_av_open(sl_av *a, const char *uri, int fd, const char *transport, int64_t limit_ms);
// sl_av_analyse follows it: it reads until it is known what the streams are.
int sl_av_analyse(sl_av *a, int64_t limit_ms);
// sl_answer returns the status, as in HTTP and RTSP, that an error of
// sl_av_open or sl_av_analyse stands for, SL_PAGE, or 0. 415 is something that is no video, 499
// any other of 4xx, 408 none in time.
int sl_answer(int code);
void sl_error(int code, char *buf, int size);
// sl_av_grab decodes the next frame. limit_ms bounds the wait for the network.
int sl_av_grab(sl_av *a, int64_t limit_ms);
// sl_av_retrieve converts the frame into a cv::Mat: BGR, 8 bits, upright.
int sl_av_retrieve(sl_av *a, void *mat);
void sl_av_stop(sl_av *a); // from any thread: makes waits for the network end
void sl_av_free(sl_av *a);

int64_t sl_av_pts_us(sl_av *a);    // of the frame, from a file's start, of a stream its own; INT64_MIN unknown
int sl_av_timed(sl_av *a);         // live, and its frames have times to be shown at
int64_t sl_av_segment_us(sl_av *a); // target duration of its playlist's segments (RFC 8216); 0 without
int64_t sl_av_packet_id(sl_av *a); // where timed: tells the frame's packet from others
// sl_av_seek goes in a stream to the last key frame up to us; < 0 if it cannot.
int sl_av_seek(sl_av *a, int64_t us, int64_t limit_ms);
int64_t sl_av_age_ns(sl_av *a);    // since the frame's data arrived
int64_t sl_av_frames(sl_av *a);    // as counted by the container; 0 unknown
int64_t sl_av_estimate(sl_av *a);  // as its duration and rate suggest; 0 unknown
int64_t sl_av_damaged(sl_av *a);   // frames and packets so far, by the demuxer or the decoder
int sl_av_threads(sl_av *a);       // that decode
int sl_av_width(sl_av *a);
int sl_av_height(sl_av *a);
double sl_av_fps(sl_av *a);        // declared; 0 unknown
int sl_av_finite(sl_av *a);        // it has a declared end
int sl_av_cut(sl_av *a);           // its frames so far end long before that

void *sl_v4l_open(int device, int read_ms);
int sl_v4l_grab(void *v);
int sl_v4l_retrieve(void *v, void *mat);
double sl_v4l_get(void *v, int prop); // 3 width, 4 height, 5 fps
void sl_v4l_free(void *v);

#ifdef __cplusplus
}
#endif
