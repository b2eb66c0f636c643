// A decoder of the brightness of baseline JPEG pictures, see luma.c.

#include <stddef.h>

typedef struct pic_luma pic_luma;

// pic_luma_new returns NULL where the processor lacks AVX2 or memory is short. dht is the payload of a DHT segment with
// the tables that pictures without their own mean; it is copied.
pic_luma *pic_luma_new(const unsigned char *dht, size_t dht_size);

void pic_luma_free(pic_luma *l);

// pic_luma_decode writes rows of 8 bit gray, stride bytes apart, and returns 1 if the picture is one of those it is
// made for, without any flaw, and fits in dst_size bytes. Otherwise it returns 0, and dst may hold some of it.
int pic_luma_decode(pic_luma *l, const unsigned char *jpeg, size_t size, unsigned char *dst, size_t dst_size,
	size_t stride);
