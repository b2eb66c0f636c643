// A decoder of baseline JPEG pictures, see baseline.c.

#include <stddef.h>

typedef struct pic_baseline pic_baseline;

// pic_baseline_new returns NULL where the processor lacks AVX2 or memory is short. dht is the payload of a DHT segment
// with the tables that pictures without their own mean; it is copied.
pic_baseline *pic_baseline_new(const unsigned char *dht, size_t dht_size);

void pic_baseline_free(pic_baseline *b);

// pic_baseline_decode writes rows of 8 bit gray (1 channel) or BGR (3), stride bytes apart, at 1/scale of width and
// height (1, 2, 4 or 8), and returns 1 if the picture is one of those it is made for, without any flaw, and fits in
// dst_size bytes. Otherwise it returns 0, and dst may hold some of it.
int pic_baseline_decode(pic_baseline *b, const unsigned char *jpeg, size_t size, unsigned char *dst, size_t dst_size,
	size_t stride, int channels, int scale);
