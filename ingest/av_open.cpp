#include "av_private.h"
#include "io.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>

extern "C" {
#include <libavutil/avstring.h>
#include <libavutil/opt.h>
}
#include <opencv2/core/utility.hpp>
#include <opencv2/core/utils/logger.hpp>

int64_t sl_now_ns(void) {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int sl_interrupted(void *opaque) {
    sl_av *a = static_cast<sl_av *>(opaque);
    if (!a->stop.load() && sl_now_ns() <= a->deadline.load()) return 0;
    a->interrupted = true;
    return 1;
}

void sl_limit(sl_av *a, int64_t ms) {
    a->interrupted = false;
    a->deadline = ms > 0 ? sl_now_ns() + ms * 1000000 : INT64_MAX;
}

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
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 30, 100) // FFmpeg 6.1
    const AVPacketSideData *side =
        av_packet_side_data_get(s->codecpar->coded_side_data, s->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    const uint8_t *m = side ? side->data : nullptr;
#else
    const uint8_t *m = av_stream_get_side_data(s, AV_PKT_DATA_DISPLAYMATRIX, nullptr);
#endif
    return m ? sl_orientation_of(reinterpret_cast<const int32_t *>(m)) : sl_orientation();
}

// note_segment takes the target duration from a playlist of segments (RFC 8216,
// 4.3.3.1): FFmpeg knows it, and does not give it away. What was read is read
// again by FFmpeg, from the buffer.
static void note_segment(sl_av *a, AVIOContext *pb) {
    char head[4096];
    int n = avio_read_partial(pb, (unsigned char *)head, sizeof(head) - 1);
    if (n <= 0) return;
    head[n] = 0;
    avio_seek(pb, -n, SEEK_CUR);
    const char tag[] = "#EXT-X-TARGETDURATION:";
    const char *at = strncmp(head, "#EXTM3U", 7) ? nullptr : strstr(head, tag);
    if (at) a->segment = std::max(a->segment, std::min<int64_t>(strtol(at + strlen(tag), nullptr, 10), 1000000) * 1000000);
}

// open_url opens what a playlist names, other playlists among it.
static int open_url(AVFormatContext *format, AVIOContext **pb, const char *url, int flags, AVDictionary **options) {
    sl_av *a = static_cast<sl_av *>(format->opaque);
    int err = a->io_open(format, pb, url, flags, options);
    if (err >= 0) note_segment(a, *pb);
    return err;
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
    a->io_open = a->format->io_open;
    a->format->opaque = a;
    a->format->io_open = open_url;
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
    } else {
        note_segment(a, a->io);
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
    sl_limit(a, limit_ms);
    a->packet = av_packet_alloc();
    a->frame = av_frame_alloc();
    a->format = avformat_alloc_context();
    if (!a->packet || !a->frame || !a->format) return AVERROR(ENOMEM);
    a->format->interrupt_callback = {sl_interrupted, a};
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
    return 0;
}

int sl_av_analyse(sl_av *a, int64_t limit_ms) {
    sl_limit(a, limit_ms);
    int err = avformat_find_stream_info(a->format, nullptr);
    if (err < 0) return err;
    if (a->interrupted && a->format->pb) return AVERROR_EXIT; // it would give no more than was read so far
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

void sl_av_free(sl_av *a) {
    av_frame_free(&a->frame);
    av_packet_free(&a->packet);
    avcodec_free_context(&a->decoder);
    avformat_close_input(&a->format);
    sl_io_free(&a->parsed);
    avio_closep(&a->io);
    delete a;
}

int64_t sl_av_frames(sl_av *a) { return a->stream->nb_frames; }

int64_t sl_av_duration_us(sl_av *a) {
    if (a->stream->duration > 0) return av_rescale_q(a->stream->duration, a->stream->time_base, AV_TIME_BASE_Q);
    return a->format->duration > 0 ? a->format->duration : 0;
}

int64_t sl_av_estimate(sl_av *a) { return (int64_t)(sl_av_duration_us(a) * sl_av_fps(a) / 1e6 + 0.5); }

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

int sl_av_finite(sl_av *a) { return sl_av_duration_us(a) > 0; }
