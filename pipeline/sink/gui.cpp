#include <cstring>
#include <opencv2/highgui.hpp>
#include "gui.h"

char *picam_open_window(const char *name) {
    try {
        cv::namedWindow(name, cv::WINDOW_NORMAL | cv::WINDOW_KEEPRATIO | cv::WINDOW_GUI_NORMAL);
        return nullptr;
    } catch (const std::exception &e) {
        return strdup(e.what());
    }
}
