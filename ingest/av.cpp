#include "av.h"
#include "convert.h"
#include "io.h"
#include "orient.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <ctime>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avstring.h>
#include <libavutil/opt.h>
#include <libavutil/time.h>
}
#include <opencv2/core/utility.hpp>
#include <opencv2/core/utils/logger.hpp>

// From FFmpeg 6 on a packet's opaque pointer travels to its frame; before, a
// number did.
#if LIBAVCODEC_VERSION_MAJOR >= 60
#define OPAQUE_TRAVELS 1
#endif

static int64_t now_ns(void) {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

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
    int64_t packet_id = 0; // of the frame's packet, where arrivals is false
    int64_t damaged = 0;
    int64_t dts = AV_NOPTS_VALUE; // of the packet before
    int suspect = 0; // packets until a corrupt one is counted; 0: there is none
    // Read by FFmpeg while it waits for the network.
    std::atomic<bool> stop{false};
    std::atomic<int64_t> deadline{INT64_MAX}; // ns
};

static int interrupted(void *opaque) {
    sl_av *a = static_cast<sl_av *>(opaque);
    return a->stop.load() || now_ns() > a->deadline.load();
}

static void limit(sl_av *a, int64_t ms) { a->deadline = ms > 0 ? now_ns() + ms * 1000000 : INT64_MAX; }

void sl_prepare(int threads) {
    cv::setNumThreads(threads);
    av_log_set_level(AV_LOG_QUIET);
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
}

sl_av *sl_av_new(int live, int threads) {
    sl_av *a = new sl_av();
    a->live = live;
    a->threads = threads;
    return a;
}

// network is what a stream may name: never a file of this machine, as a
// playlist could.
static const char network[] = "rtp,rtsp,rtsps,rtmp,rtmps,srt,udp,srtp,tcp,tls,http,https,httpproxy,crypto,data";

static sl_orientation stream_orientation(AVStream *s) {
#if LIBAVCODEC_VERSION_MAJOR >= 61
    const AVPacketSideData *side =
        av_packet_side_data_get(s->codecpar->coded_side_data, s->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    const uint8_t *m = side ? side->data : nullptr;
#else
    const uint8_t *m = av_stream_get_side_data(s, AV_PKT_DATA_DISPLAYMATRIX, nullptr);
#endif
    return m ? sl_orientation_of(reinterpret_cast<const int32_t *>(m)) : sl_orientation();
}

// open_http opens the address, so that it is known what the server says that
// it sends: FFmpeg would look for video in an error page.
static int open_http(sl_av *a, const char *uri) {
    AVDictionary *options = nullptr;
    av_dict_set(&options, "protocol_whitelist", network, 0);
    int err = avio_open2(&a->io, uri, AVIO_FLAG_READ, &a->format->interrupt_callback, &options);
    av_dict_free(&options);
    if (err < 0) return err;
    a->format->flags |= AVFMT_FLAG_CUSTOM_IO; // pb is ours to close
    a->format->pb = a->io;
    uint8_t *type = nullptr;
    av_opt_get(a->io, "mime_type", AV_OPT_SEARCH_CHILDREN, &type);
    const char *t = type ? (const char *)type : "";
    if (av_stristart(t, "text/html", nullptr) || av_stristart(t, "application/xhtml", nullptr)) {
        err = SL_PAGE;
    } else if (av_stristart(t, "multipart/", nullptr)) {
        a->parsed = sl_multipart_io(a->io);
        a->format->fps_probe_size = 0; // its rate is not declared: one picture tells all
        if (!a->parsed) err = AVERROR(ENOMEM);
        a->format->pb = a->parsed;
    }
    av_free(type);
    return err;
}

// has_times reports whether the timestamps of a live source tell when to show a
// frame: it comes in segments, or it is a recording.
static bool has_times(const sl_av *a) {
    const char *name = a->format->iformat->name;
    if (a->parsed) return false; // pictures one by one
    return !strcmp(name, "hls") || !strcmp(name, "dash") || a->format->duration > 0 || (a->io && avio_size(a->io) > 0);
}

int sl_av_open(sl_av *a, const char *uri, int fd, const char *transport, int64_t limit_ms) {
    limit(a, limit_ms);
    a->packet = av_packet_alloc();
    a->frame = av_frame_alloc();
    a->format = avformat_alloc_context();
    if (!a->packet || !a->frame || !a->format) return AVERROR(ENOMEM);
    a->format->interrupt_callback = {interrupted, a};
    AVDictionary *options = nullptr;
    int err = 0;
    if (a->live) {
        // What was read to find out about the stream is old by then. Over HTTP
        // it may be all of a recording.
        bool http = av_stristart(uri, "http:", nullptr) || av_stristart(uri, "https:", nullptr);
        if (!http) a->format->flags |= AVFMT_FLAG_NOBUFFER;
        a->format->max_analyze_duration = 2 * AV_TIME_BASE;
        av_dict_set(&options, "rtsp_transport", *transport ? transport : "tcp+udp", 0);
        av_dict_set(&options, "rtsp_flags", "prefer_tcp", 0); // the other if the camera refuses it (461)
        // A playlist that has nothing new for three segments has ended, or
        // begun anew: FFmpeg looks for a segment after half its length.
        av_dict_set(&options, "m3u8_hold_counters", "6", 0);
        av_dict_set(&options, "protocol_whitelist", network, 0);
        if (http && (err = open_http(a, uri))) {
            av_dict_free(&options);
            return err;
        }
    } else if (fd >= 0) {
        a->format->pb = a->parsed = sl_fd_io(fd, &a->format->interrupt_callback);
        if (!a->parsed) return AVERROR(ENOMEM);
        a->format->flags |= AVFMT_FLAG_CUSTOM_IO;
        av_dict_set(&options, "protocol_whitelist", "pipe", 0); // it must not name files or addresses
    } else {
        // A file must not name addresses.
        av_dict_set(&options, "protocol_whitelist", "file", 0);
    }
    // A picture that is waited for is no reason to read further to know what it is.
    const AVInputFormat *format = a->live && a->parsed ? av_find_input_format("mpjpeg") : nullptr;
    err = avformat_open_input(&a->format, uri, format, &options);
    av_dict_free(&options);
    if (err < 0) return err;
    a->arrivals = a->live && !has_times(a);
    a->format->use_wallclock_as_timestamps = a->arrivals; // see arrival
    if (!strcmp(a->format->iformat->name, "tty")) return AVERROR_INVALIDDATA; // text is no video
    if ((err = avformat_find_stream_info(a->format, nullptr)) < 0) return err;
    const AVCodec *codec = nullptr;
    if ((err = av_find_best_stream(a->format, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0)) < 0) return err;
    for (unsigned i = 0; i < a->format->nb_streams; i++)
        if ((int)i != err) a->format->streams[i]->discard = AVDISCARD_ALL;
    a->stream = a->format->streams[err];
    a->orientation = stream_orientation(a->stream);

    a->decoder = avcodec_alloc_context3(codec);
    if (!a->decoder) return AVERROR(ENOMEM);
    if ((err = avcodec_parameters_to_context(a->decoder, a->stream->codecpar)) < 0) return err;
    a->decoder->pkt_timebase = a->stream->time_base;
    a->decoder->thread_count = a->threads;
    if (a->live) {
        // Threads over frames would hold back one frame for each.
        a->decoder->thread_type = FF_THREAD_SLICE;
        a->decoder->flags |= AV_CODEC_FLAG_LOW_DELAY;
    }
#ifdef OPAQUE_TRAVELS
    a->decoder->flags |= AV_CODEC_FLAG_COPY_OPAQUE;
#endif
    return avcodec_open2(a->decoder, codec, nullptr);
}

void sl_error(int code, char *buf, int size) { av_strerror(code, buf, size); }

int sl_av_threads(sl_av *a) { return a->decoder ? a->decoder->thread_count : 0; }

int sl_answer(int code) {
    switch (code) {
    case AVERROR_HTTP_UNAUTHORIZED: return 401;
    case AVERROR_HTTP_FORBIDDEN: return 403;
    case AVERROR_HTTP_NOT_FOUND: return 404;
    case AVERROR_HTTP_BAD_REQUEST: return 400;
    case AVERROR_HTTP_OTHER_4XX: return 499;
    case AVERROR(EPROTONOSUPPORT): return 461;
    case AVERROR_INVALIDDATA:
    case AVERROR_STREAM_NOT_FOUND:
    case AVERROR_DECODER_NOT_FOUND: return 415;
    case AVERROR_EXIT: return 408;
    case SL_PAGE: return SL_PAGE;
    }
    return 0;
}

// arrival is when the packet's first byte was read, on now_ns's clock. The
// packet itself comes later: the end of an H.264 picture is known from the
// beginning of the next.
static int64_t arrival(sl_av *a) {
    int64_t now = now_ns();
    AVRational unit = a->stream->time_base;
    if (!a->arrivals || a->packet->pts == AV_NOPTS_VALUE || unit.num * 1000LL > unit.den) return now;
    timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    int64_t age = t.tv_sec * 1000000LL + t.tv_nsec / 1000 - av_rescale_q(a->packet->pts, unit, AV_TIME_BASE_Q);
    return age > 0 && age < 10000000 ? now - age * 1000 : now; // beyond that a clock was set
}

// packet_id tells a packet from others: FNV-1a of its times and its data.
static int64_t packet_id(const AVPacket *p) {
    uint64_t h = 14695981039346656037u;
    auto add = [&h](uint8_t b) { h = (h ^ b) * 1099511628211u; };
    for (int i = 0; i < 64; i += 8) {
        add(p->pts >> i);
        add(p->dts >> i);
    }
    for (int i = 0; i < p->size; i++) add(p->data[i]);
    return h;
}

// travels is what goes with a packet to its frame: the moment of its arrival
// or, where that means nothing, what tells it from others.
static int64_t travels(sl_av *a) { return a->live && !a->arrivals ? packet_id(a->packet) : arrival(a); }

// note_corrupt counts the packets that the demuxer calls corrupt. In MPEG-TS
// that is one at which a counter does not go on: data are missing, except where
// another recording was appended. Then the timestamps jump within two packets,
// which is how far the parser runs ahead.
static void note_corrupt(sl_av *a) {
    const int64_t before = a->dts, minute = av_rescale_q(60, AVRational{1, 1}, a->stream->time_base);
    a->dts = a->packet->dts;
    const bool known = before != AV_NOPTS_VALUE && a->dts != AV_NOPTS_VALUE;
    if (known && (a->dts < before || a->dts - before > minute)) {
        a->suspect = 0;
        return;
    }
    const bool corrupt = a->packet->flags & AV_PKT_FLAG_CORRUPT;
    if (a->suspect && (--a->suspect == 0 || corrupt)) a->damaged++;
    if (corrupt) a->suspect = 3;
}

// max_failures bounds the errors in a row of a decoder that makes no progress.
static const int max_failures = 10000;

int sl_av_grab(sl_av *a, int64_t limit_ms) {
    limit(a, limit_ms);
    int failures = 0;
    for (;;) {
        int err = avcodec_receive_frame(a->decoder, a->frame);
        if (err == 0) {
#ifdef OPAQUE_TRAVELS
            int64_t travelled = (int64_t)(intptr_t)a->frame->opaque;
#else
            int64_t travelled = a->frame->reordered_opaque;
#endif
            if (a->live && !a->arrivals) {
                a->packet_id = travelled;
                a->arrived = now_ns();
            } else {
                a->arrived = travelled;
            }
            if (!sl_converter::takes(a->frame)) {
                a->damaged++;
                continue;
            }
            if (a->frame->best_effort_timestamp != AV_NOPTS_VALUE)
                a->shown = std::max(a->shown, av_rescale_q(a->frame->best_effort_timestamp, a->stream->time_base, AV_TIME_BASE_Q));
            if (a->frame->decode_error_flags || (a->frame->flags & AV_FRAME_FLAG_CORRUPT)) a->damaged++;
            return SL_FRAME;
        }
        if (err == AVERROR_EOF) return SL_END;
        if (err != AVERROR(EAGAIN)) {
            // A damaged packet. The decoder has others in hand, also when
            // draining: it is asked until it has none.
            a->damaged++;
            if (++failures < max_failures) continue;
            return a->live ? SL_ERROR : SL_END;
        }

        err = av_read_frame(a->format, a->packet);
        if (a->stop) return SL_LATE;
        if (err == AVERROR_EXIT) return SL_LATE;
        if (err == AVERROR(EAGAIN)) { // a protocol that does not wait itself
            if (interrupted(a)) return SL_LATE;
            av_usleep(2000);
            continue;
        }
        if (err < 0) {
            if (err != AVERROR_EOF && a->live) return SL_ERROR;
            if (err != AVERROR_EOF) a->damaged++;
            a->draining = true;
            if (avcodec_send_packet(a->decoder, nullptr) < 0) return SL_END;
            continue;
        }
        if (a->packet->stream_index == a->stream->index) {
            int64_t t = travels(a);
#ifdef OPAQUE_TRAVELS
            a->packet->opaque = (void *)(intptr_t)t;
#else
            a->decoder->reordered_opaque = t;
#endif
            note_corrupt(a);
            if (avcodec_send_packet(a->decoder, a->packet) < 0) a->damaged++;
        }
        av_packet_unref(a->packet);
    }
}

int sl_av_retrieve(sl_av *a, void *mat) {
    try {
        cv::Mat &m = *static_cast<cv::Mat *>(mat);
        cv::Mat picture = a->converter.convert(a->frame);
        if (picture.empty()) return 0;
        sl_orient(picture, m, sl_frame_orientation(a->frame, a->orientation));
        return 1;
    } catch (...) {
        return 0;
    }
}

void sl_av_stop(sl_av *a) { a->stop = true; }

void sl_av_free(sl_av *a) {
    av_frame_free(&a->frame);
    av_packet_free(&a->packet);
    avcodec_free_context(&a->decoder);
    avformat_close_input(&a->format);
    sl_io_free(&a->parsed);
    avio_closep(&a->io);
    delete a;
}

int64_t sl_av_pts_us(sl_av *a) {
    int64_t t = a->frame->best_effort_timestamp;
    if (t == AV_NOPTS_VALUE) return INT64_MIN;
    if (!a->live && a->stream->start_time != AV_NOPTS_VALUE) t -= a->stream->start_time;
    return av_rescale_q(t, a->stream->time_base, AV_TIME_BASE_Q);
}

int64_t sl_av_age_ns(sl_av *a) { return now_ns() - a->arrived; }

int sl_av_timed(sl_av *a) { return a->live && !a->arrivals; }

int64_t sl_av_packet_id(sl_av *a) { return a->packet_id; }

int sl_av_seek(sl_av *a, int64_t us, int64_t limit_ms) {
    limit(a, limit_ms);
    int64_t t = av_rescale_q(us, AV_TIME_BASE_Q, a->stream->time_base);
    int err = av_seek_frame(a->format, a->stream->index, t, AVSEEK_FLAG_BACKWARD);
    if (err >= 0) avcodec_flush_buffers(a->decoder);
    return err;
}

int64_t sl_av_frames(sl_av *a) { return a->stream->nb_frames; }

static int64_t duration_us(sl_av *a) {
    if (a->stream->duration > 0) return av_rescale_q(a->stream->duration, a->stream->time_base, AV_TIME_BASE_Q);
    return a->format->duration > 0 ? a->format->duration : 0;
}

int64_t sl_av_estimate(sl_av *a) { return (int64_t)(duration_us(a) * sl_av_fps(a) / 1e6 + 0.5); }

int64_t sl_av_damaged(sl_av *a) { return a->damaged + (a->suspect > 0); }

int sl_av_width(sl_av *a) {
    return a->orientation.transposed ? a->stream->codecpar->height : a->stream->codecpar->width;
}

int sl_av_height(sl_av *a) {
    return a->orientation.transposed ? a->stream->codecpar->width : a->stream->codecpar->height;
}

double sl_av_fps(sl_av *a) {
    AVRational r = a->stream->avg_frame_rate.num ? a->stream->avg_frame_rate : a->stream->r_frame_rate;
    return r.num > 0 && r.den > 0 ? av_q2d(r) : 0;
}

int sl_av_finite(sl_av *a) { return duration_us(a) > 0; }

int sl_av_cut(sl_av *a) {
    int64_t length = duration_us(a);
    if (length <= 0 || a->format->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE) return 0;
    if (a->shown == INT64_MIN) return 1;
    int64_t start = a->stream->start_time != AV_NOPTS_VALUE ? av_rescale_q(a->stream->start_time, a->stream->time_base, AV_TIME_BASE_Q) : 0;
    // Sound may go on for a little longer than the picture.
    return a->shown - start < length - length / 20 - 2 * AV_TIME_BASE;
}
