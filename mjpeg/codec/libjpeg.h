// JPEG to pixels and back by libjpeg-turbo, see libjpeg.c.

#pragma once

#include <stddef.h>

enum { PIC_OK, PIC_SURPLUS, PIC_DAMAGED, PIC_FAILED, PIC_NO_ROOM, PIC_NO_SCALE, PIC_INTERRUPTED };

typedef struct {
	int status;
	int width, height;   // of the whole frame, in pixels
	const char *message; // of PIC_SURPLUS, PIC_DAMAGED and PIC_FAILED, valid until the decoder's next call
} pic_result;

typedef struct pic_decoder pic_decoder;
typedef struct pic_encoder pic_encoder;

// pic_new_decoder returns NULL where memory is short.
pic_decoder *pic_new_decoder(void);
void pic_free_decoder(pic_decoder *d);

// pic_size reads the header.
pic_result pic_size(pic_decoder *d, const unsigned char *jpeg, size_t size);

// pic_decode writes rows of 8 bit gray (1 channel) or BGR (3), stride bytes apart, at 1/scale of width and height (1,
// 2, 4 or 8), into dst_size bytes. With PIC_DAMAGED these are what there is. With PIC_SURPLUS they are whole, and the
// scan's data goes on after them. It ends with PIC_INTERRUPTED where *interrupted, which another thread may set, is not
// 0.
pic_result pic_decode(pic_decoder *d, const unsigned char *jpeg, size_t size, unsigned char *dst, size_t dst_size,
	size_t stride, int channels, int scale, const int *interrupted);

// pic_new_encoder returns NULL where memory is short.
pic_encoder *pic_new_encoder(void);
void pic_free_encoder(pic_encoder *e);

// pic_encode makes baseline JPEG, 4:2:0 for BGR, and returns a message or NULL. The bytes are the encoder's.
const char *pic_encode(pic_encoder *e, const unsigned char *pixels, int width, int stride, int height, int channels,
	int quality, const unsigned char **jpeg, size_t *size);
