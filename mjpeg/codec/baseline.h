// A decoder of baseline JPEG frames, see baseline.c.

#pragma once

#include <stddef.h>

typedef struct pic_baseline pic_baseline;

// pic_baseline_new returns NULL where memory is short. dht is the payload of a DHT segment with the tables that
// frames without their own mean; it is copied.
pic_baseline *pic_baseline_new(const unsigned char *dht, size_t dht_size);

// pic_baseline_draws says whether pic_baseline_decode has code for this processor.
int pic_baseline_draws(const pic_baseline *b);

void pic_baseline_free(pic_baseline *b);

enum {
	PIC_REJECTED,   // not one that it is made for, or with a flaw, or interrupted: libjpeg-turbo shall tell
	PIC_WHOLE,      // libjpeg-turbo has nothing to say about it either
	PIC_IMPOSSIBLE, // neither has it here, but no encoder makes this: it is damaged
};

// pic_baseline_decode writes rows of 8 bit gray (1 channel) or BGR (3), stride bytes apart, at 1/scale of width and
// height (1, 2, 4 or 8), into dst_size bytes. If it rejects a frame, also for want of room, dst may hold some of it.
// It ends early where *interrupted, which another thread may set, is not 0.
int pic_baseline_decode(pic_baseline *b, const unsigned char *jpeg, size_t size, unsigned char *dst, size_t dst_size,
	size_t stride, int channels, int scale, const int *interrupted);

// pic_baseline_check reads a frame of any sampling and up to four components without drawing it. It is for those that
// libjpeg-turbo has decoded, and finds nothing wrong with the rows of MCUs that follow those of the height.
int pic_baseline_check(pic_baseline *b, const unsigned char *jpeg, size_t size, const int *interrupted);
