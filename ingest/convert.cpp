#include "convert.h"

// MaxSide of source.go: larger pictures are not converted.
static const int max_side = 16384;

sl_converter::~sl_converter() {
    sws_freeContext(scaler);
    av_frame_free(&padded);
}

// prepare makes scaler and padded fit f.
bool sl_converter::prepare(const AVFrame *f) {
    scaler = sws_getCachedContext(scaler, f->width, f->height, (AVPixelFormat)f->format, f->width, f->height,
                                  AV_PIX_FMT_BGR24, SWS_BICUBIC, nullptr, nullptr, nullptr);
    if (!scaler) return false;
    int *inverse, *table, from, to, brightness, contrast, saturation;
    if (sws_getColorspaceDetails(scaler, &inverse, &from, &table, &to, &brightness, &contrast, &saturation) >= 0) {
        const int *matrix = sws_getCoefficients(f->colorspace == AVCOL_SPC_UNSPECIFIED ? SWS_CS_DEFAULT : f->colorspace);
        if (f->color_range != AVCOL_RANGE_UNSPECIFIED) from = f->color_range == AVCOL_RANGE_JPEG;
        sws_setColorspaceDetails(scaler, matrix, from, table, to, brightness, contrast, saturation);
    }
    if (padded && padded->width == f->width && padded->height == f->height) return true;
    av_frame_free(&padded);
    padded = av_frame_alloc();
    if (!padded) return false;
    padded->format = AV_PIX_FMT_BGR24;
    padded->width = f->width;
    padded->height = f->height;
    if (av_frame_get_buffer(padded, 0) >= 0) return true;
    av_frame_free(&padded);
    return false;
}

bool sl_converter::takes(const AVFrame *f) {
    return f->width >= 1 && f->height >= 1 && f->width <= max_side && f->height <= max_side &&
           sws_isSupportedInput((AVPixelFormat)f->format);
}

cv::Mat sl_converter::convert(const AVFrame *f) {
    if (!takes(f) || !prepare(f)) return cv::Mat();
    if (sws_scale(scaler, f->data, f->linesize, 0, f->height, padded->data, padded->linesize) != f->height) return cv::Mat();
    return cv::Mat(f->height, f->width, CV_8UC3, padded->data[0], padded->linesize[0]);
}
