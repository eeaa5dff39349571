#include "av_private.h"

#include <algorithm>
#include <ctime>

extern "C" {
#include <libavutil/time.h>
}

// arrival is when the packet's first byte was read, on sl_now_ns's clock. The
// packet itself comes later: the end of an H.264 picture is known from the
// beginning of the next.
static int64_t arrival(sl_av *a) {
    int64_t now = sl_now_ns();
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
    sl_limit(a, limit_ms);
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
                a->arrived = sl_now_ns();
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
            if (sl_interrupted(a)) return SL_LATE;
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

int64_t sl_av_pts_us(sl_av *a) {
    int64_t t = a->frame->best_effort_timestamp;
    if (t == AV_NOPTS_VALUE) return INT64_MIN;
    if (!a->live && a->stream->start_time != AV_NOPTS_VALUE) t -= a->stream->start_time;
    return av_rescale_q(t, a->stream->time_base, AV_TIME_BASE_Q);
}

int64_t sl_av_age_ns(sl_av *a) { return sl_now_ns() - a->arrived; }

int sl_av_timed(sl_av *a) { return a->live && !a->arrivals; }

int64_t sl_av_segment_us(sl_av *a) { return a->segment; }

int64_t sl_av_packet_id(sl_av *a) { return a->packet_id; }

int sl_av_seek(sl_av *a, int64_t us, int64_t limit_ms) {
    sl_limit(a, limit_ms);
    int64_t t = av_rescale_q(us, AV_TIME_BASE_Q, a->stream->time_base);
    int err = av_seek_frame(a->format, a->stream->index, t, AVSEEK_FLAG_BACKWARD);
    if (err >= 0) {
        avcodec_flush_buffers(a->decoder);
        a->draining = false;
    }
    return err;
}

int64_t sl_av_damaged(sl_av *a) { return a->damaged + (a->suspect > 0); }

int sl_av_cut(sl_av *a) {
    int64_t length = sl_av_duration_us(a);
    if (length <= 0 || a->format->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE) return 0;
    if (a->shown == INT64_MIN) return 1;
    int64_t start = a->stream->start_time != AV_NOPTS_VALUE ? av_rescale_q(a->stream->start_time, a->stream->time_base, AV_TIME_BASE_Q) : 0;
    // Sound may go on for a little longer than the picture.
    return a->shown - start < length - length / 20 - 2 * AV_TIME_BASE;
}
