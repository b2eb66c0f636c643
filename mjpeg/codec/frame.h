// What baseline.c and draw.h share: a frame while it is decoded.

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "baseline.h"
#include "huffman.h"

#if defined(__x86_64__)
#define DRAWS // what draw.h needs a compiler for

#include "dct.h"
#endif

typedef struct {
	int id;
	int h, v; // blocks in an MCU
	int size; // samples that a block becomes, on each side: 8, 4, 2 or 1
	int quant;
	const table *dc, *ac;
	int16_t last; // DC coefficient
	// By the place in the zigzag order, how far a coefficient may be from 0: see limit_coefficients.
	const int16_t *limits;

	unsigned char *plane; // where its samples go; NULL: they are stepped over
	size_t stride;
	int mask;          // of the number of a row for its place in the plane, which may hold the last ones only
	int width, height; // samples, those beyond are not drawn

	// Blocks that wait until there are two. A row of one, 8 coefficients, lies beside a row of the other. The last 16
	// take what is no coefficient.
	_Alignas(32) int16_t blocks[8 * 16 + 16];
	int x[2], y[2], waiting;
} component;

// Memory that grows as needed, and is kept for the next frame.
typedef struct { unsigned char *at; size_t size; } scratch;

// reserve makes room for size bytes, what was there before is lost. It returns 0 where there is no memory.
static int reserve(scratch *s, size_t size) {
	if (s->size >= size) return 1;
	free(s->at);
	s->size = size + size / 4;
	if (!(s->at = malloc(s->size))) s->size = 0;
	return s->at != NULL;
}

struct pic_baseline {
	int draws;                   // this processor is one that draw.h is written for
	table tables[2][4];          // DC, AC
	unsigned char standard[512]; // payload of a DHT segment
	size_t standard_size;
	scratch bits;   // of a scan up to a marker
	scratch planes; // rows of luma and chroma on their way to BGR
};

// A frame while it is decoded.
typedef struct {
	_Alignas(32) int16_t quant[4][8 * 16]; // each row twice, as in component.blocks
	int16_t limits[4][END + 64];           // by quantization table, see component.limits
	unsigned defined[3];                   // DC, AC and quantization tables of this frame, a bit each
	int width, height;                     // of the result, once the header is read
	int interval, count;
	component components[4];
	int adobe;  // it has a segment of Adobe's
	int wrong;  // less than 0: a coefficient was beyond its limit

#ifdef DRAWS
	range seen; // values halfway of the transform
#endif
	unsigned char *dst;
	size_t stride;
	int row;        // of BGR, the next one to make
	int wide, tall; // pixels that a sample of chroma is for
	// A row of chroma at full width, and sums of two rows before that, with one more at each end.
	unsigned char *full[2];
	int16_t *sums;
} frame;
