#ifdef __cplusplus
extern "C" {
#endif

// picam_open_window makes a window, or does nothing if there is one of that name. It returns NULL, or what went wrong,
// which belongs to the caller (free).
char *picam_open_window(const char *name);

#ifdef __cplusplus
}
#endif
