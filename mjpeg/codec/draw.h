// Coefficients become samples, and rows of samples become rows of BGR, as soon as they are there. For processors with
// AVX2.

#pragma once

#include "frame.h"

#ifdef DRAWS

#include "colour.h"

// draw turns both blocks of a component into samples and leaves zeros.
VECTOR void draw(frame *p, component *c, unsigned char *dst[2], size_t stride) {
	const int16_t *quant = p->quant[c->quant];
	switch (c->size) {
	case 8:
		draw8(c->blocks, quant, &p->seen, dst, stride);
		break;
	case 4:
		draw4(c->blocks, quant, &p->seen, dst, stride);
		break;
	case 2:
		draw2(c->blocks, quant, &p->seen, dst, stride);
		break;
	default:
		draw1(c->blocks, quant, &p->seen, dst);
	}
}

VECTOR unsigned char *place(const component *c, int x, int y) { return c->plane + (y & c->mask) * c->stride + x; }

// draw_at_edge draws blocks of which some samples are not the plane's.
static __attribute__((noinline)) FAST void draw_at_edge(frame *p, component *c) {
	unsigned char samples[2][64];
	draw(p, c, (unsigned char *[]){samples[0], samples[1]}, 8);
	for (int i = 0; i < c->waiting; i++) {
		int columns = c->width - c->x[i] < c->size ? c->width - c->x[i] : c->size;
		int rows = c->height - c->y[i] < c->size ? c->height - c->y[i] : c->size;
		for (int row = 0; row < rows; row++)
			memcpy(place(c, c->x[i], c->y[i] + row), samples[i] + 8 * row, columns);
	}
}

// draw_waiting draws the blocks that wait.
static FAST void draw_waiting(frame *p, component *c) {
	if (!c->waiting) return;
	int inside = c->waiting == 2;
	unsigned char *dst[2];
	for (int i = 0; i < 2; i++) {
		inside &= c->x[i] + c->size <= c->width && c->y[i] + c->size <= c->height;
		dst[i] = place(c, c->x[i], c->y[i]);
	}
	if (inside) {
		draw(p, c, dst, c->stride);
	} else {
		draw_at_edge(p, c);
	}
	c->waiting = 0;
}

// colour makes rows of BGR up to until.
FAST static void colour(frame *p, int until) {
	const component *luma = &p->components[0];
	for (; p->row < until; p->row++) {
		const unsigned char *chroma[2];
		for (int i = 0; i < 2; i++) {
			const component *c = &p->components[1 + i];
			int near = p->row / p->tall, far = p->row % 2 ? near + 1 : near - 1, last = (p->height - 1) / p->tall;
			chroma[i] = place(c, 0, near);
			if (p->wide == 1) continue;
			far = far < 0 ? 0 : far > last ? last : far;
			widen_row(p->sums, chroma[i], p->tall == 1 ? NULL : place(c, 0, far), (p->width + 1) / 2, p->full[i]);
			chroma[i] = p->full[i];
		}
		colour_row(place(luma, 0, p->row), chroma[0], chroma[1], p->width, p->dst + p->row * p->stride);
	}
}

// prepare_colour gives the components planes. It returns 0 for chroma that libjpeg-turbo widens in other ways.
static int prepare_colour(pic_baseline *b, frame *p, int columns, int rows) {
	component *luma = &p->components[0];
	if (p->count != 3) return 0;
	// Chroma is transformed to more samples than luma where that makes it full size.
	int size = luma->size;
	while (size < 8 && size < luma->h * luma->size && size < luma->v * luma->size) size *= 2;
	p->wide = luma->h * luma->size / size, p->tall = luma->v * luma->size / size;
	if (p->wide > 2 || p->tall > p->wide || (p->wide == 2 && (p->width <= 4 || luma->size == 1))) return 0;

	size_t total = 0, offsets[6];
	for (int i = 0; i < 3; i++) {
		component *c = &p->components[i];
		if (i > 0) c->size = size;
		c->width = columns * c->h * c->size, c->height = rows * c->v * c->size, c->stride = c->width + MARGIN;
		int held = 2 * c->v * c->size; // rows: those of an MCU and, for what is made of two rows, of the one above it
		c->mask = held - 1;            // a power of two
		offsets[i] = total, total += c->stride * held;
	}
	for (int i = 3; i < 5; i++) offsets[i] = total, total += luma->width + 2 * MARGIN;
	offsets[5] = (total + 1) / 2 * 2, total = offsets[5] + (p->components[1].width + 2 * MARGIN) * sizeof *p->sums;
	if (!reserve(&b->planes, total)) return 0;
	for (int i = 0; i < 3; i++) p->components[i].plane = b->planes.at + offsets[i];
	for (int i = 0; i < 2; i++) p->full[i] = b->planes.at + offsets[3 + i];
	p->sums = (int16_t *)(b->planes.at + offsets[5]) + MARGIN;
	return 1;
}

// end_row draws what is left of a row of MCUs, and makes those rows of BGR that depend on no row to come.
FAST static void end_row(frame *p, int row) {
	for (int i = 0; i < p->count; i++) draw_waiting(p, &p->components[i]);
	if (!p->components[1].plane) return;
	int until = (row + 1) * p->components[0].v * p->components[0].size;
	colour(p, until >= p->height ? p->height : until - (p->tall - 1)); // the last one of two is also made of the next
}

#else

static int prepare_colour(pic_baseline *b, frame *p, int columns, int rows) { return 0; }
static void draw_waiting(frame *p, component *c) {}
static void end_row(frame *p, int row) {}

#endif
