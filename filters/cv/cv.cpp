#include <atomic>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <memory>
#include <opencv2/calib3d.hpp>
#include <opencv2/highgui.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>
#include <opencv2/photo.hpp>
#include <opencv2/video/background_segm.hpp>
#include <opencv2/video/tracking.hpp>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

#include "cv.h"

// guarded makes a message of an exception, which must not get into Go.
template <class Call> static char *guarded(Call call) {
    try {
        call();
        return nullptr;
    } catch (const std::exception &e) { // cv::Exception is one
        return strdup(e.what());
    } catch (...) {
        return strdup("an exception of no known kind");
    }
}

// late is a function of one of OpenCV's larger libraries, by its symbol (nm -D shows them). They are loaded when they are
// first needed: video brings dnn and protobuf with it, highgui Qt and OpenGL, and all of them make each start twice as
// long.
template <class Function> static Function *late(const char *library, const char *symbol) {
    Dl_info core{};
    void *any = dlsym(RTLD_DEFAULT, "_ZN2cv12getTickCountEv");
    std::string path = any && dladdr(any, &core) ? core.dli_fname : "";
    const auto at = path.rfind("opencv_core");
    void *handle = RTLD_DEFAULT; // a library that holds all of OpenCV
    if (at != std::string::npos) {
        path.replace(at, strlen("opencv_core"), std::string("opencv_") + library);
        handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL); // never closed: it is needed again
    }
    void *function = handle || at == std::string::npos ? dlsym(handle, symbol) : nullptr;
    if (!function)
        throw std::runtime_error(std::string("the part ") + library + " of OpenCV is not installed (on Debian: " +
                                 "the package libopencv-" + library + "...): " + dlerror());
    return reinterpret_cast<Function *>(function);
}

// How a const std::string & as a function's first parameter stands in its symbol.
#define PICAM_STRING "RKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"

static cv::Mat &mat(void *m) { return *static_cast<cv::Mat *>(m); }

void picam_keep_memory(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 32 << 20); // the most it takes
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

char *picam_canny(void *src, void *dst, double low, double high, int aperture, int l2) {
    return guarded([&] { cv::Canny(mat(src), mat(dst), low, high, aperture, l2 != 0); });
}

char *picam_crop(void *src, void *dst, int x, int y, int cols, int rows) {
    return guarded([&] { mat(src)(cv::Rect(x, y, cols, rows)).copyTo(mat(dst)); });
}

char *picam_copy_pixels(void *dst, const unsigned char *pixels, int rows, int cols, int channels, size_t stride) {
    return guarded([&] {
        auto *data = const_cast<unsigned char *>(pixels); // only read: there is no cv::Mat of const memory
        cv::Mat(rows, cols, CV_8UC(channels), data, stride).copyTo(mat(dst));
    });
}

char *picam_denoise(void *src, void *dst, float strength, float colour_strength, int patch, int window) {
    using Gray = void(cv::InputArray, cv::OutputArray, float, int, int);
    using Colour = decltype(cv::fastNlMeansDenoisingColored);
    return guarded([&] {
        static const auto gray =
            late<Gray>("photo", "_ZN2cv20fastNlMeansDenoisingERKNS_11_InputArrayERKNS_12_OutputArrayEfii");
        static const auto colour =
            late<Colour>("photo", "_ZN2cv27fastNlMeansDenoisingColoredERKNS_11_InputArrayERKNS_12_OutputArrayEffii");
        if (mat(src).channels() == 1)
            gray(mat(src), mat(dst), strength, patch, window);
        else
            colour(mat(src), mat(dst), strength, colour_strength, patch, window);
    });
}

char *picam_farneback(void *before, void *now, void *flow, int levels, int window, int iterations) {
    const double half = 0.5; // each level of the pyramid is half of the one before
    const int neighbourhood = 5;
    const double sigma = 1.1; // what OpenCV's documentation has with a neighbourhood of 5
    return guarded([&] {
        static const auto farneback = late<decltype(cv::calcOpticalFlowFarneback)>(
            "video", "_ZN2cv24calcOpticalFlowFarnebackERKNS_11_InputArrayES2_RKNS_17_InputOutputArrayEdiiiidi");
        farneback(mat(before), mat(now), mat(flow), half, levels, window, iterations, neighbourhood, sigma, 0);
    });
}

char *picam_fill_polygon(void *dst, const picam_point *points, int n) {
    return guarded([&] {
        std::vector<cv::Point> polygon;
        for (int i = 0; i < n; i++)
            polygon.emplace_back(cvRound(points[i].x), cvRound(points[i].y));
        cv::fillPoly(mat(dst), polygon, cv::Scalar());
    });
}

char *picam_grabcut(void *src, void *mask, int x, int y, int cols, int rows, int iterations) {
    return guarded([&] {
        cv::setRNGSeed(0); // its clusters begin at random; a frame always gives the same result so
        cv::Mat background, foreground, &labels = mat(mask);
        cv::grabCut(mat(src), labels, cv::Rect(x, y, cols, rows), background, foreground, iterations,
                    cv::GC_INIT_WITH_RECT);
        cv::bitwise_and(labels, cv::Scalar(1), labels); // GC_FGD is 1, GC_PR_FGD 3
        labels *= 255;
    });
}

char *picam_perspective(void *src, void *dst, const picam_point *corners, int cols, int rows) {
    return guarded([&] {
        cv::Point2f from[4];
        for (int i = 0; i < 4; i++)
            from[i] = cv::Point2f(corners[i].x, corners[i].y);
        const float right = cols - 1, bottom = rows - 1;
        const cv::Point2f to[4] = {{0, 0}, {right, 0}, {right, bottom}, {0, bottom}};
        cv::warpPerspective(mat(src), mat(dst), cv::getPerspectiveTransform(from, to), cv::Size(cols, rows));
    });
}

char *picam_threshold(void *src, void *dst, double threshold, double max, int type) {
    return guarded([&] { cv::threshold(mat(src), mat(dst), threshold, max, type); });
}

char *picam_undistort_maps(void *map1, void *map2, int cols, int rows, picam_camera c) {
    return guarded([&] {
        static const auto maps = late<decltype(cv::initUndistortRectifyMap)>(
            "calib3d", "_ZN2cv23initUndistortRectifyMapERKNS_11_InputArrayES2_S2_S2_NS_5Size_IiEEiRKNS_12_OutputArrayES7_");
        const cv::Matx33d camera(c.fx, 0, c.cx, 0, c.fy, c.cy, 0, 0, 1);
        const cv::Matx<double, 1, 5> distortion(c.k1, c.k2, c.p1, c.p2, c.k3);
        maps(camera, distortion, cv::noArray(), camera, cv::Size(cols, rows), CV_16SC2, mat(map1), mat(map2));
    });
}

using MOG2 = cv::Ptr<cv::BackgroundSubtractorMOG2>;

char *picam_mog2_new(void **mog2, int history, double var_threshold, int shadows) {
    return guarded([&] {
        static const auto make = late<decltype(cv::createBackgroundSubtractorMOG2)>(
            "video", "_ZN2cv30createBackgroundSubtractorMOG2Eidb");
        *mog2 = new MOG2(make(history, var_threshold, shadows != 0));
    });
}

char *picam_mog2_apply(void *mog2, void *src, void *dst) {
    return guarded([&] { (*static_cast<MOG2 *>(mog2))->apply(mat(src), mat(dst)); });
}

void picam_mog2_free(void *mog2) { delete static_cast<MOG2 *>(mog2); }

// A CascadeClassifier is nothing but a pointer to what it does, so that memory for it, and its end, need no symbols.
using Cascade = std::shared_ptr<void>;
static_assert(sizeof(cv::CascadeClassifier) == sizeof(Cascade), "a cascade is more than a pointer");

char *picam_cascade_new(void **cascade, const char *path) {
    using Load = bool(void *, const std::string &);
    return guarded([&] {
        static const auto construct = late<void(void *)>("objdetect", "_ZN2cv17CascadeClassifierC1Ev");
        static const auto load = late<Load>("objdetect", "_ZN2cv17CascadeClassifier4loadE" PICAM_STRING);
        std::unique_ptr<Cascade> made(new Cascade);
        construct(made.get());
        if (!load(made.get(), path))
            throw std::runtime_error("it is no cascade");
        *cascade = made.release();
    });
}

char *picam_cascade_detect(void *cascade, void *src, void *found, double scale, int neighbours, int cols, int rows) {
    using Detect = void(void *, cv::InputArray, std::vector<cv::Rect> &, std::vector<int> &, double, int, int, cv::Size,
                        cv::Size);
    return guarded([&] {
        static const auto detect = late<Detect>(
            "objdetect", "_ZN2cv17CascadeClassifier16detectMultiScaleERKNS_11_InputArrayERSt6vectorINS_5Rect_IiEESaIS6_"
                         "EERS4_IiSaIiEEdiiNS_5Size_IiEESE_");
        std::vector<cv::Rect> boxes;
        std::vector<int> counts;
        detect(cascade, mat(src), boxes, counts, scale, neighbours, 0, cv::Size(cols, rows), cv::Size());
        cv::Mat &m = mat(found);
        m.create(int(boxes.size()), 5, CV_32S);
        for (int i = 0; i < m.rows; i++) {
            const cv::Rect &r = boxes[i];
            const int row[] = {r.x, r.y, r.width, r.height, counts.at(i)};
            memcpy(m.ptr(i), row, sizeof row);
        }
    });
}

void picam_cascade_free(void *cascade) { delete static_cast<Cascade *>(cascade); }

template <class Function> static Function *highgui(const char *symbol) { return late<Function>("highgui", symbol); }

// Qt ends the process when the X server goes away. What does not need a screen is to go on: a thread that is on the way
// to exit from within a window's function stays there for ever.
static thread_local bool within_window;
static std::atomic<bool> screen_lost;

static void keep_process(void) {
    if (!within_window)
        return;
    screen_lost = true;
    for (;;)
        pause();
}

int picam_screen_lost(void) { return screen_lost; }

template <class Call> static char *in_windows(Call call) {
    within_window = true;
    char *message = guarded(call);
    within_window = false;
    return message;
}

char *picam_window_load(void) {
    return in_windows([] { highgui<decltype(cv::pollKey)>("_ZN2cv7pollKeyEv"); });
}

static int pointed;

static void resize_window(const char *name, int cols, int rows) {
    static const auto resize = highgui<void(const std::string &, int, int)>("_ZN2cv12resizeWindowE" PICAM_STRING "ii");
    resize(name, cols, rows);
}

char *picam_window_open(const char *name, const char *title, int cols, int rows, int id) {
    return in_windows([&] {
        static const auto open = highgui<decltype(cv::namedWindow)>("_ZN2cv11namedWindowE" PICAM_STRING "i");
        static const auto entitle = highgui<decltype(cv::setWindowTitle)>("_ZN2cv14setWindowTitleE" PICAM_STRING "S7_");
        static const auto on_mouse =
            highgui<decltype(cv::setMouseCallback)>("_ZN2cv16setMouseCallbackE" PICAM_STRING "PFviiiiPvES8_");
        open(name, cv::WINDOW_NORMAL | cv::WINDOW_FREERATIO | cv::WINDOW_GUI_NORMAL);
        entitle(name, title);
        resize_window(name, cols, rows);
        const auto note = [](int, int, int, int, void *id) { pointed = int(reinterpret_cast<intptr_t>(id)); };
        on_mouse(name, note, reinterpret_cast<void *>(intptr_t(id)));
        static const bool kept = std::atexit(keep_process) == 0; // now, so that it comes before all that Qt does then
        (void)kept;
    });
}

char *picam_window_resize(const char *name, int cols, int rows) {
    return in_windows([&] { resize_window(name, cols, rows); });
}

char *picam_window_full_screen(const char *name, int full) {
    return in_windows([&] {
        static const auto property =
            highgui<decltype(cv::setWindowProperty)>("_ZN2cv17setWindowPropertyE" PICAM_STRING "id");
        property(name, cv::WND_PROP_FULLSCREEN, full ? cv::WINDOW_FULLSCREEN : cv::WINDOW_NORMAL);
    });
}

char *picam_window_size(const char *name, int *cols, int *rows) {
    return in_windows([&] {
        static const auto place =
            highgui<decltype(cv::getWindowImageRect)>("_ZN2cv18getWindowImageRectE" PICAM_STRING);
        const cv::Rect r = place(name);
        *cols = r.width;
        *rows = r.height;
    });
}

char *picam_window_show(const char *name, void *frame) {
    return in_windows([&] {
        static const auto show =
            highgui<void(const std::string &, cv::InputArray)>("_ZN2cv6imshowE" PICAM_STRING "RKNS_11_InputArrayE");
        show(name, mat(frame));
    });
}

// Qt knows whether a window is visible. GTK does not (OpenCV then says -1, or NaN), but has no flags of a window that is
// gone.
int picam_window_gone(const char *name) {
    bool gone = false;
    free(in_windows([&] {
        static const auto property =
            highgui<decltype(cv::getWindowProperty)>("_ZN2cv17getWindowPropertyE" PICAM_STRING "i");
        const double visible = property(name, cv::WND_PROP_VISIBLE);
        gone = visible == 0 || (visible < 0 && property(name, cv::WND_PROP_AUTOSIZE) < 0);
    }));
    return gone;
}

int picam_window_pointed(void) { return pointed; }

void picam_window_close(const char *name) {
    free(in_windows([&] { // an exception: there is no such window any more
        static const auto close = highgui<decltype(cv::destroyWindow)>("_ZN2cv13destroyWindowE" PICAM_STRING);
        close(name);
    }));
}

int picam_poll_key(void) {
    int key = -1;
    free(in_windows([&] {
        static const auto poll = highgui<decltype(cv::pollKey)>("_ZN2cv7pollKeyEv");
        key = poll();
    }));
    return key;
}
