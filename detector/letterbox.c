#include "letterbox.h"

// What sl_letterbox was called with.
typedef struct {
    const sl_geometry *g;
    const uint8_t *src;
    float *dst;
    const int32_t *x0, *y0;
    const int16_t *xw, *yw;
    int16_t *line;
} args;

// Each output row is made in two steps. Rows first: two source rows are blended
// into one line of 16-bit fixed point (pixel << 7), which is contiguous work.
// Columns second: each output pixel blends two neighbours of that line, three
// channels at once, and is scaled to float. The line stays in the L1 cache.
//
// Fixed point costs at most 1/128 of a grey level.

static void blend_rows(const uint8_t *a, const uint8_t *b, int16_t w, int16_t *line, int32_t from, int32_t n) {
    for (int32_t i = from; i < n; i++) {
        int32_t d = ((int32_t)b[i] - a[i]) << 7;
        line[i] = (int16_t)(((int32_t)a[i] << 7) + ((d * w + 0x4000) >> 15));
    }
}

static void blend_columns(const args *p, int32_t y, int32_t from) {
    const float fixed = 1.0f / (1 << 21);
    for (int c = 0; c < 3; c++) {
        float *out = p->dst + p->g->plane[c] + (int64_t)y * p->g->dst_w;
        float mul = p->g->mul[c] * fixed, add = p->g->add[c];
        for (int32_t x = from; x < p->g->w; x++) {
            const int16_t *l = p->line + 3 * p->x0[x] + c;
            out[x] = (float)(l[0] * p->xw[2 * x] + l[3] * p->xw[2 * x + 1]) * mul + add;
        }
    }
}

static void scalar(const args *p) {
    int32_t n = 3 * p->g->src_w;
    for (int32_t y = 0; y < p->g->h; y++) {
        blend_rows(p->src + p->y0[2 * y] * p->g->stride, p->src + p->y0[2 * y + 1] * p->g->stride, p->yw[y], p->line, 0, n);
        blend_columns(p, y, 0);
    }
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

__attribute__((target("avx2,fma"))) static void avx2(const args *p) {
    const float fixed = 1.0f / (1 << 21);
    const int32_t n = 3 * p->g->src_w;
    // B0 G0 R0 B1 G1 R1 .. becomes B0 B1 G0 G1 R0 R1 0 0.
    const __m256i pairs = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, -1, -1, -1, -1));
    __m256 mul[3], add[3];
    for (int c = 0; c < 3; c++) {
        mul[c] = _mm256_set1_ps(p->g->mul[c] * fixed);
        add[c] = _mm256_set1_ps(p->g->add[c]);
    }
    for (int32_t y = 0; y < p->g->h; y++) {
        const uint8_t *a = p->src + p->y0[2 * y] * p->g->stride, *b = p->src + p->y0[2 * y + 1] * p->g->stride;
        const __m256i w = _mm256_set1_epi16(p->yw[y]);
        int32_t i = 0;
        for (; i + 16 <= n; i += 16) {
            __m256i va = _mm256_slli_epi16(_mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(a + i))), 7);
            __m256i vb = _mm256_slli_epi16(_mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(b + i))), 7);
            va = _mm256_add_epi16(va, _mm256_mulhrs_epi16(_mm256_sub_epi16(vb, va), w));
            _mm256_storeu_si256((__m256i *)(p->line + i), va);
        }
        blend_rows(a, b, p->yw[y], p->line, i, n);

        float *out[3];
        for (int c = 0; c < 3; c++) out[c] = p->dst + p->g->plane[c] + (int64_t)y * p->g->dst_w;
        int32_t x = 0;
        for (; x + 8 <= p->g->w; x += 8) {
            __m256i v[4]; // pixels x+k and x+k+4, each as B G R 0
            for (int k = 0; k < 4; k++) {
                __m128i lo = _mm_loadu_si128((const __m128i *)(p->line + 3 * p->x0[x + k]));
                __m128i hi = _mm_loadu_si128((const __m128i *)(p->line + 3 * p->x0[x + k + 4]));
                __m128i wl = _mm_set1_epi32(((const int32_t *)p->xw)[x + k]);
                __m128i wh = _mm_set1_epi32(((const int32_t *)p->xw)[x + k + 4]);
                v[k] = _mm256_madd_epi16(
                    _mm256_shuffle_epi8(_mm256_inserti128_si256(_mm256_castsi128_si256(lo), hi, 1), pairs),
                    _mm256_inserti128_si256(_mm256_castsi128_si256(wl), wh, 1));
            }
            __m256i bg01 = _mm256_unpacklo_epi32(v[0], v[1]), bg23 = _mm256_unpacklo_epi32(v[2], v[3]);
            __m256i r01 = _mm256_unpackhi_epi32(v[0], v[1]), r23 = _mm256_unpackhi_epi32(v[2], v[3]);
            __m256i bgr[3] = {_mm256_unpacklo_epi64(bg01, bg23), _mm256_unpackhi_epi64(bg01, bg23),
                              _mm256_unpacklo_epi64(r01, r23)};
            for (int c = 0; c < 3; c++)
                _mm256_storeu_ps(out[c] + x, _mm256_fmadd_ps(_mm256_cvtepi32_ps(bgr[c]), mul[c], add[c]));
        }
        blend_columns(p, y, x);
    }
}

#define HAVE_AVX2 (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#else
#define HAVE_AVX2 0
static void avx2(const args *p) { scalar(p); }
#endif

void sl_letterbox(const sl_geometry *g, const uint8_t *src, float *dst, const int32_t *x0, const int16_t *xw,
                  const int32_t *y0, const int16_t *yw, int16_t *line) {
    args a = {g, src, dst, x0, y0, xw, yw, line};
    if (!g->scalar && HAVE_AVX2)
        avx2(&a);
    else
        scalar(&a);
}
