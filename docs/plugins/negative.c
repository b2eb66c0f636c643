/* Makes a negative. A filter of your own for picam, in C: see docs/plugins.md.
 *
 *   cc -O2 -o negative negative.c
 *
 * The fields are read as they lie in memory, which fits the little-endian processors of PCs and Raspberry Pis. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct frame {
    char magic[4];
    uint16_t version, head;
    uint32_t width, height, channels, stride;
    uint64_t seq;
    int64_t captured;
    uint32_t camera, params, pixels, reserved;
};

struct answer {
    char magic[4];
    uint16_t version, head;
    uint32_t width, height, channels, stride, pixels, found;
    uint64_t seq;
};

int main(void) {
    struct frame in;
    unsigned char *rest = NULL;
    size_t room = 0;
    setvbuf(stdin, NULL, _IONBF, 0); /* large reads need no buffer between */
    setvbuf(stdout, NULL, _IONBF, 0);
    while (fread(&in, sizeof in, 1, stdin) == 1) {
        size_t skip = in.head - sizeof in + in.camera + in.params, size = skip + in.pixels;
        if (size > room && !(rest = realloc(rest, room = size)))
            return 1;
        if (fread(rest, 1, size, stdin) != size)
            return 1;
        unsigned char *pixels = rest + skip;
        for (size_t i = 0; i < in.pixels; i++)
            pixels[i] = 255 - pixels[i];
        struct answer out = {"PICM", 1, sizeof out, in.width, in.height, in.channels, in.stride, in.pixels, 0, in.seq};
        if (fwrite(&out, sizeof out, 1, stdout) != 1 || fwrite(pixels, 1, in.pixels, stdout) != in.pixels)
            return 1;
    }
    return 0;
}
