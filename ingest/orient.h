// Orientation of pictures.
#pragma once
#include <cstdint>
#include <opencv2/core.hpp>

extern "C" {
#include <libavutil/frame.h>
}

// sl_orientation is one of the eight ways in which a picture of upright pixels
// can be stored: mirrored or not, and turned by quarters. It says how to make
// the picture upright: rows and columns are exchanged first, then mirrored.
struct sl_orientation {
    bool transposed = false;
    bool flip_x = false; // left and right
    bool flip_y = false; // top and bottom
};

// sl_orientation_of reads a display matrix (ISO/IEC 14496-12, 6.2.2; see
// libavutil/display.h). Of an angle that is no multiple of 90 degrees it takes
// the nearest; a matrix that shows nothing is no orientation.
sl_orientation sl_orientation_of(const int32_t *matrix);

// sl_frame_orientation is that of the frame, as its codec's data say it (the
// display orientation message of H.264 and H.265), or otherwise that of its
// stream.
sl_orientation sl_frame_orientation(const AVFrame *f, sl_orientation stream);

// sl_orient puts the upright picture of from into to. They must not share
// memory.
void sl_orient(const cv::Mat &from, cv::Mat &to, sl_orientation o);
