// Input that FFmpeg's protocols do not read as sightlog needs it (io.cpp).
#pragma once
extern "C" {
#include <libavformat/avformat.h>
}

// sl_fd_io reads a pipe. Unlike FFmpeg's own protocols it never waits where it
// cannot be interrupted, and leaves the pipe's flags as they are: it may be the
// standard input of a shell. Free it with sl_io_free; the descriptor stays open.
AVIOContext *sl_fd_io(int fd, const AVIOInterruptCB *interrupt);

// sl_multipart_io passes on the pictures of a camera (multipart/x-mixed-replace,
// RFC 2046) and puts the first boundary before them where the camera leaves it
// out, as an ESP32 does. Free it with sl_io_free; from stays open.
AVIOContext *sl_multipart_io(AVIOContext *from);

void sl_io_free(AVIOContext **io);
