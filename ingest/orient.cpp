#include "orient.h"

#include <cstdlib>

// A display matrix { a b u, c d v, x y w } moves the pixel (p, q) to
// (a*p + c*q + x, b*p + d*q + y).
sl_orientation sl_orientation_of(const int32_t *matrix) {
    const int64_t a = matrix[0], b = matrix[1], c = matrix[3], d = matrix[4];
    sl_orientation o;
    if (std::llabs(a) + std::llabs(d) >= std::llabs(b) + std::llabs(c)) {
        o.flip_x = a < 0;
        o.flip_y = d < 0;
    } else {
        o.transposed = true;
        o.flip_x = c < 0;
        o.flip_y = b < 0;
    }
    return o;
}

sl_orientation sl_frame_orientation(const AVFrame *f, sl_orientation stream) {
    const AVFrameSideData *side = av_frame_get_side_data(f, AV_FRAME_DATA_DISPLAYMATRIX);
    return side ? sl_orientation_of(reinterpret_cast<const int32_t *>(side->data)) : stream;
}

void sl_orient(const cv::Mat &from, cv::Mat &to, sl_orientation o) {
    const bool flips = o.flip_x || o.flip_y;
    const int axes = o.flip_x && o.flip_y ? -1 : o.flip_x ? 1 : 0;
    if (o.transposed) {
        cv::transpose(from, to);
        if (flips) cv::flip(to, to, axes);
    } else if (flips) {
        cv::flip(from, to, axes);
    } else {
        from.copyTo(to);
    }
}
