// sl_letterbox resizes a BGR picture bilinearly (half-pixel centres) and
// writes it, normalised, as three float planes, in one pass.
#pragma once
#include <stdint.h>

typedef struct {
    int64_t stride;       // bytes a source row
    int32_t src_w;        // pixels
    int32_t w, h;         // of the resized picture
    int64_t dst_w;        // floats a row of a plane
    int64_t plane[3];     // B, G, R: where in dst the resized picture begins
    float mul[3], add[3]; // value = pixel*mul + add, by B, G, R
    int32_t scalar;       // 1: without SIMD, for comparison
} sl_geometry;

// src   BGR
// x0    w: left source column;             xw  2*w: weights of left and right, sum 1<<14
// y0    2*h: upper and lower source row;   yw  h: weight of the lower, of 1<<15
// line  scratch: 3*src_w + 16, zeros at the end
void sl_letterbox(const sl_geometry *g, const uint8_t *src, float *dst, const int32_t *x0, const int16_t *xw,
                  const int32_t *y0, const int16_t *yw, int16_t *line);
