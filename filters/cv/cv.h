#ifndef PICAM_CV_H
#define PICAM_CV_H

#ifdef __cplusplus
extern "C" {
#endif

// A void * is a cv::Mat *, or what a function ending in _new made. Each function returns NULL, or what went wrong,
// which belongs to the caller (free).

typedef struct {
    float x, y;
} picam_point;

typedef struct {
    double fx, fy, cx, cy;
    double k1, k2, p1, p2, k3;
} picam_camera;

void picam_keep_memory(void);

char *picam_canny(void *src, void *dst, double low, double high, int aperture, int l2);
char *picam_crop(void *src, void *dst, int x, int y, int cols, int rows);
char *picam_copy_pixels(void *dst, const unsigned char *pixels, int rows, int cols, int channels, size_t stride);
char *picam_denoise(void *src, void *dst, float strength, float colour_strength, int patch, int window);
char *picam_farneback(void *before, void *now, void *flow, int levels, int window, int iterations);
char *picam_fill_polygon(void *dst, const picam_point *points, int n);
char *picam_grabcut(void *src, void *mask, int x, int y, int cols, int rows, int iterations);
char *picam_perspective(void *src, void *dst, const picam_point *corners, int cols, int rows);
char *picam_threshold(void *src, void *dst, double threshold, double max, int type);
char *picam_undistort_maps(void *map1, void *map2, int cols, int rows, picam_camera camera);

char *picam_mog2_new(void **mog2, int history, double var_threshold, int shadows);
char *picam_mog2_apply(void *mog2, void *src, void *dst);
void picam_mog2_free(void *mog2);

char *picam_cascade_new(void **cascade, const char *path);
char *picam_cascade_detect(void *cascade, void *src, void *found, double scale, int neighbours, int cols, int rows);
void picam_cascade_free(void *cascade);

char *picam_window_load(void);
char *picam_window_open(const char *name, const char *title, int cols, int rows, int id);
char *picam_window_resize(const char *name, int cols, int rows);
char *picam_window_full_screen(const char *name, int full);
char *picam_window_size(const char *name, int *cols, int *rows); // of what it shows
char *picam_window_show(const char *name, void *frame);
int picam_window_gone(const char *name);
int picam_window_pointed(void); // the id of the window that the pointer was last over; 0: none
void picam_window_close(const char *name);
int picam_poll_key(void);
int picam_screen_lost(void); // whether the window system has gone, and with it the thread that worked with it

#ifdef __cplusplus
}
#endif

#endif
