// The few calls of OpenCV's VideoCapture that ingest makes. gocv's own hide
// whether grab succeeded, without which a skipped frame cannot be counted.
// No exception leaves these functions.
#pragma once
#ifdef __cplusplus
extern "C" {
#endif

// Properties, as in opencv2/videoio.hpp.
enum { SL_POS_MSEC = 0, SL_WIDTH = 3, SL_HEIGHT = 4, SL_FPS = 5, SL_FRAME_COUNT = 7 };

// sl_quiet stops OpenCV's own messages, which may hold a URI.
void sl_quiet(void);

// sl_open opens a URI (or, where uri is NULL, a device) and returns NULL if it
// cannot. Timeouts are in milliseconds; 0 leaves the library's own.
void *sl_open(const char *uri, int device, int api, int open_ms, int read_ms);
int sl_grab(void *vc);
int sl_retrieve(void *vc, void *mat); // 1 only if mat then holds BGR, 8 bits
double sl_get(void *vc, int prop);
void sl_close(void *vc);

#ifdef __cplusplus
}
#endif
