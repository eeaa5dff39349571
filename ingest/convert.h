// Conversion of decoded frames into pictures of 8 bits a channel, BGR.
#pragma once

extern "C" {
#include <libavutil/frame.h>
#include <libswscale/swscale.h>
}
#include <opencv2/core.hpp>

// sl_converter converts frames of any size and pixel format.
//
// libswscale writes in blocks of up to 16 pixels: where the rows of its
// destination have no room for a whole last block, it writes past them or
// leaves the last columns out, by the width. So it writes into a picture of
// FFmpeg's own allocation, whose rows are padded, and the columns that exist
// are copied from there.
class sl_converter {
  public:
    sl_converter() = default;
    sl_converter(const sl_converter &) = delete;
    sl_converter &operator=(const sl_converter &) = delete;
    ~sl_converter();

    // takes reports whether f can be converted, as far as its size and format
    // tell.
    static bool takes(const AVFrame *f);

    // convert returns f as BGR. The picture belongs to the converter and is
    // valid until the next call; it is empty if f cannot be converted.
    cv::Mat convert(const AVFrame *f);

  private:
    bool prepare(const AVFrame *f);

    SwsContext *scaler = nullptr;
    AVFrame *padded = nullptr;
};
