#include "opencv.h"

#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>

void sl_quiet(void) { cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT); }

void *sl_open(const char *uri, int device, int api, int open_ms, int read_ms) {
    cv::VideoCapture *vc = nullptr;
    try {
        std::vector<int> params;
        if (open_ms > 0) {
            params.push_back(cv::CAP_PROP_OPEN_TIMEOUT_MSEC);
            params.push_back(open_ms);
        }
        if (read_ms > 0) {
            params.push_back(cv::CAP_PROP_READ_TIMEOUT_MSEC);
            params.push_back(read_ms);
        }
        vc = new cv::VideoCapture();
        if (uri ? vc->open(uri, api, params) : vc->open(device, api, params)) return vc;
    } catch (...) {
    }
    delete vc;
    return nullptr;
}

int sl_grab(void *vc) {
    try {
        return static_cast<cv::VideoCapture *>(vc)->grab();
    } catch (...) {
        return 0;
    }
}

int sl_retrieve(void *vc, void *mat) {
    try {
        cv::Mat &m = *static_cast<cv::Mat *>(mat);
        if (!static_cast<cv::VideoCapture *>(vc)->retrieve(m) || m.empty()) return 0;
        if (m.depth() != CV_8U) m.convertTo(m, CV_8U, m.depth() == CV_16U ? 1.0 / 257 : 1.0);
        if (m.channels() == 1) cv::cvtColor(m, m, cv::COLOR_GRAY2BGR);
        if (m.channels() == 4) cv::cvtColor(m, m, cv::COLOR_BGRA2BGR);
        return m.type() == CV_8UC3;
    } catch (...) {
        return 0;
    }
}

double sl_get(void *vc, int prop) {
    try {
        return static_cast<cv::VideoCapture *>(vc)->get(prop);
    } catch (...) {
        return 0;
    }
}

void sl_close(void *vc) {
    try {
        delete static_cast<cv::VideoCapture *>(vc);
    } catch (...) {
    }
}
