#include "io.h"

#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace {

constexpr int buffer_size = 32 << 10;

struct source {
    virtual int read(uint8_t *buf, int size) = 0;
    virtual ~source() = default;
};

struct pipe_source : source {
    int fd;
    AVIOInterruptCB interrupt;

    int read(uint8_t *buf, int size) override {
        for (;;) {
            if (interrupt.callback(interrupt.opaque)) return AVERROR_EXIT;
            pollfd p = {fd, POLLIN, 0};
            int ready = poll(&p, 1, 50); // ms between looks at interrupt
            if (ready < 0 && errno != EINTR) return AVERROR(errno);
            if (ready <= 0) continue; // nobody has written, or opened it for writing
            ssize_t n = ::read(fd, buf, size);
            if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
            if (n < 0) return AVERROR(errno);
            return n > 0 ? (int)n : AVERROR_EOF;
        }
    }
};

struct multipart_source : source {
    AVIOContext *from;
    bool begun = false;

    int read(uint8_t *buf, int size) override {
        if (!begun && size > 8) return begin(buf);
        int n = avio_read_partial(from, buf, size);
        return n != 0 ? n : AVERROR_EOF;
    }

    // begin skips empty lines and writes what comes first: a boundary of the
    // camera's, or else one before the headers of its first picture.
    int begin(uint8_t *buf) {
        begun = true;
        int c, n = 0;
        do c = avio_r8(from);
        while (c == '\r' || c == '\n');
        if (avio_feof(from)) return from->error < 0 ? from->error : AVERROR_EOF;
        if (c != '-')
            for (const char *boundary = "--\r\n"; *boundary;) buf[n++] = *boundary++;
        buf[n++] = c;
        return n;
    }
};

int read_source(void *opaque, uint8_t *buf, int size) { return static_cast<source *>(opaque)->read(buf, size); }

AVIOContext *context_of(source *s) {
    uint8_t *buffer = static_cast<uint8_t *>(av_malloc(buffer_size));
    AVIOContext *io = buffer ? avio_alloc_context(buffer, buffer_size, 0, s, read_source, nullptr, nullptr) : nullptr;
    if (io) return io;
    av_free(buffer);
    delete s;
    return nullptr;
}

} // namespace

AVIOContext *sl_fd_io(int fd, const AVIOInterruptCB *interrupt) {
    pipe_source *s = new pipe_source();
    s->fd = fd;
    s->interrupt = *interrupt;
    return context_of(s);
}

AVIOContext *sl_multipart_io(AVIOContext *from) {
    multipart_source *s = new multipart_source();
    s->from = from;
    return context_of(s);
}

void sl_io_free(AVIOContext **io) {
    if (!*io) return;
    delete static_cast<source *>((*io)->opaque);
    av_freep(&(*io)->buffer);
    avio_context_free(io);
}
