// What av_open.cpp and av_read.cpp share: the state of a reader and its clock.
#pragma once
#include "av.h"
#include "convert.h"
#include "orient.h"

#include <atomic>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

// From FFmpeg 6 on a packet's opaque pointer travels to its frame; before, a
// number did.
#if LIBAVCODEC_VERSION_MAJOR >= 60
#define OPAQUE_TRAVELS 1
#endif

struct sl_av {
    bool live = false;
    int threads = 1; // to decode with
    // Packets carry the moment of their arrival as their time. Those of segments
    // and recordings keep their own, which tell when to show them.
    bool arrivals = false;
    AVIOContext *io = nullptr;    // ours to close, where FFmpeg did not open it
    AVIOContext *parsed = nullptr; // what the format reads in place of io
    AVFormatContext *format = nullptr;
    AVCodecContext *decoder = nullptr;
    AVStream *stream = nullptr;
    AVPacket *packet = nullptr;
    AVFrame *frame = nullptr;
    sl_converter converter;
    sl_orientation orientation; // the stream's
    bool draining = false;
    int64_t arrived = 0;  // ns, of the frame's data
    int64_t shown = INT64_MIN; // us: greatest time of a frame
    int64_t segment = 0; // us, target duration of a playlist's segments; 0: none
    int (*io_open)(AVFormatContext *, AVIOContext **, const char *, int, AVDictionary **) = nullptr; // FFmpeg's
    int64_t packet_id = 0; // of the frame's packet, where arrivals is false
    int64_t damaged = 0;
    int64_t dts = AV_NOPTS_VALUE; // of the packet before
    int suspect = 0; // packets until a corrupt one is counted; 0: there is none
    // Read by FFmpeg while it waits for the network.
    std::atomic<bool> stop{false};
    std::atomic<int64_t> deadline{INT64_MAX}; // ns
    // A wait ended for one of them since the deadline was set. FFmpeg does not
    // always report it, and reads no further after it.
    std::atomic<bool> interrupted{false};
};

// sl_now_ns is the monotonic clock.
int64_t sl_now_ns(void);
// sl_limit bounds the waits for the network that follow; 0 does not.
void sl_limit(sl_av *a, int64_t ms);
// sl_interrupted reports whether such a wait is to end now. opaque is the sl_av.
int sl_interrupted(void *opaque);
// sl_av_duration_us returns the declared duration; 0 unknown.
int64_t sl_av_duration_us(sl_av *a);
