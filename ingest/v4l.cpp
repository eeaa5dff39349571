#include "av.h"

#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>

void *sl_v4l_open(int device, int read_ms) {
    cv::VideoCapture *v = nullptr;
    try {
        v = new cv::VideoCapture(device, cv::CAP_V4L2);
        if (v->isOpened()) {
            v->set(cv::CAP_PROP_BUFFERSIZE, 2); // old pictures help nobody
            v->set(cv::CAP_PROP_READ_TIMEOUT_MSEC, read_ms);
            return v;
        }
    } catch (...) {
    }
    delete v;
    return nullptr;
}

int sl_v4l_grab(void *v) {
    try {
        return static_cast<cv::VideoCapture *>(v)->grab();
    } catch (...) {
        return 0;
    }
}

int sl_v4l_retrieve(void *v, void *mat) {
    try {
        cv::Mat &m = *static_cast<cv::Mat *>(mat);
        if (!static_cast<cv::VideoCapture *>(v)->retrieve(m) || m.empty()) return 0;
        if (m.depth() == CV_16U) m.convertTo(m, CV_8U, 1.0 / 257);
        if (m.channels() == 1) cv::cvtColor(m, m, cv::COLOR_GRAY2BGR);
        return m.type() == CV_8UC3;
    } catch (...) {
        return 0;
    }
}

double sl_v4l_get(void *v, int prop) {
    try {
        return static_cast<cv::VideoCapture *>(v)->get(prop);
    } catch (...) {
        return 0;
    }
}

void sl_v4l_free(void *v) {
    try {
        delete static_cast<cv::VideoCapture *>(v);
    } catch (...) {
    }
}
