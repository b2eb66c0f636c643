// Baseline JPEG pictures (ITU T.81, sequential DCT, Huffman codes, 8 bit) as most cameras send them, to gray or BGR, in
// half to two thirds of the time that libjpeg-turbo takes, for processors with AVX2.
//
// The pixels are those of libjpeg-turbo, bit for bit. Whatever is unusual or damaged is refused, so that libjpeg-turbo
// decodes and judges it: this file has no words for errors. FuzzDecode compares the two.
//
// What makes it fast: a table tells what the next 12 bits are, which is mostly two coefficients and not one; for gray
// chroma is stepped over; two blocks are transformed at once; and rows become BGR as soon as they are there.

#include "baseline.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "colour.h"
#include "dct.h"

enum {
	CODE_BITS = 9,   // that index table.codes
	PAIR_BITS = 12,  // that index table.pairs
	MAX_DC = 11,     // most bits of a difference of DC coefficients, T.81 table F.1
	MAX_AC = 10,     // most bits of an AC coefficient, table F.2
	MAX_BLOCK = 256, // more bytes than a block has: 16 bits of code and 11 or 10 of value, 64 times

	// Bytes before a marker that belong to no code, as many cameras leave them. turbo.go lets up to 32 pass where
	// libjpeg-turbo mentions them; it may count a zero after each FF, which is not counted here.
	MAX_PADDING = 16,

	// How far a code goes on in the zigzag order is 1 to 16 coefficients, or one of these.
	END = 128,   // no more coefficients in this block: farther than any others lead together
	WRONG = 64,  // no code: behind the end of the block, and short of END
	ESCAPE = 63, // not in table.pairs: behind the last coefficient from wherever it is in the block
};

// A code is what the next bits are: how many with those of the value (bits 0 to 7), how many without (8 to 15), 63 less
// the bits of the value (16 to 23), and how far it goes on (24 to 31). 0 is none.
typedef uint32_t code;

// A pair is what the next bits are if two codes with their values fit in PAIR_BITS, or one: how many (bits 0 to 5), how
// far the first goes on (6 to 11), how far both do (12 to 19), the second value (20 to 25) and the first (26 to 31).
typedef uint32_t pair;

typedef struct {
	pair pairs[1 << PAIR_BITS]; // AC only
	code codes[1 << CODE_BITS];
	uint32_t limit[17]; // by length: where the codes of more bits begin, as 16 bits
	int first[17];      // by length: what is added to a code for its place in symbols
	int dc;
	// What it was built from, T.81 B.2.4.2.
	int count;
	uint8_t counts[16], symbols[256];
} table;

typedef struct {
	int h, v; // blocks in an MCU
	int size; // samples that a block becomes, on each side: 8, 4, 2 or 1
	int quant;
	const table *dc, *ac;
	int16_t last; // DC coefficient

	unsigned char *plane; // where its samples go; NULL: they are stepped over
	size_t stride;
	int mask;          // of the number of a row for its place in the plane, which may hold the last ones only
	int width, height; // samples, those beyond are not drawn

	// Blocks that wait until there are two. A row of one, 8 coefficients, lies beside a row of the other. The last 16
	// take what is no coefficient.
	_Alignas(32) int16_t blocks[8 * 16 + 16];
	int x[2], y[2], waiting;
} component;

// Memory that grows as needed, and is kept for the next picture.
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
	table tables[2][4];          // DC, AC
	unsigned char standard[512]; // payload of a DHT segment
	size_t standard_size;
	scratch bits;   // of a scan up to a marker
	scratch planes; // rows of luma and chroma on their way to BGR
};

// A picture while it is decoded.
typedef struct {
	_Alignas(32) int16_t quant[4][8 * 16]; // each row twice, as in component.blocks
	unsigned defined[3];                   // DC, AC and quantization tables of this picture, a bit each
	int width, height;                     // of the result, once the header is read
	int interval, count;
	component components[3];
	range seen; // values halfway of the transform

	unsigned char *dst;
	size_t stride;
	int row;        // of BGR, the next one to make
	int wide, tall; // pixels that a sample of chroma is for
	// A row of chroma at full width, and sums of two rows before that, with one more at each end.
	unsigned char *full[2];
	int16_t *sums;
} picture;

// The places in component.blocks of the coefficients in zigzag order.
#define AT(i) ((i) / 8 * 16 + (i) % 8)
static const uint8_t places[END + 64] = {
	AT(0), AT(1), AT(8), AT(16), AT(9), AT(2), AT(3), AT(10), AT(17), AT(24), AT(32), AT(25), AT(18), AT(11), AT(4), AT(5),
	AT(12), AT(19), AT(26), AT(33), AT(40), AT(48), AT(41), AT(34), AT(27), AT(20), AT(13), AT(6), AT(7), AT(14), AT(21),
	AT(28), AT(35), AT(42), AT(49), AT(56), AT(57), AT(50), AT(43), AT(36), AT(29), AT(22), AT(15), AT(23), AT(30), AT(37),
	AT(44), AT(51), AT(58), AT(59), AT(52), AT(45), AT(38), AT(31), AT(39), AT(46), AT(53), AT(60), AT(61), AT(54), AT(47),
	AT(55), AT(62), AT(63), [64 ... END + 63] = AT(64),
};

// Huffman codes.

static code make_code(int dc, int length, int symbol) {
	int size = dc ? symbol : symbol & 15, step = dc ? 1 : (symbol >> 4) + 1;
	if (!dc && size == 0 && step != 16) step = END;
	return (length + size) | length << 8 | (63 - size) << 16 | (code)step << 24;
}

static __attribute__((noinline)) code find_long(const table *t, uint64_t bits) {
	uint32_t next = bits >> 48;
	for (int length = CODE_BITS + 1; length <= 16; length++)
		if (next < t->limit[length])
			return make_code(t->dc, length, t->symbols[(int)(next >> (16 - length)) + t->first[length]]);
	return 1 | 1 << 8 | 63 << 16 | (code)WRONG << 24;
}

// find finds the code that the bits begin with.
INLINE code find(const table *t, uint64_t bits) {
	code c = t->codes[bits >> (64 - CODE_BITS)];
	return __builtin_expect(c != 0, 1) ? c : find_long(t, bits);
}

// value is the value after a code, T.81 F.2.2.1: of those that begin with 0, the complement is less than 0.
INLINE int value(code c, uint64_t bits) {
	bits <<= c >> 8 & 63;
	uint64_t negative = ~(uint64_t)((int64_t)bits >> 63);
	return (int)(((bits ^ negative) >> 1 >> (c >> 16 & 63)) ^ negative) - (int)negative;
}

INLINE int fits(code c, int v, int room) { return (int)(c & 255) <= room && v >= -32 && v < 32; }

FAST static pair make_pair(const table *t, uint64_t bits) {
	code a = find(t, bits);
	int v = value(a, bits), total = a & 255, step = a >> 24;
	if (!fits(a, v, PAIR_BITS) || step == WRONG) return ESCAPE << 6 | ESCAPE << 12;
	if (step == END) return total | 1 << 6 | END << 12; // a coefficient of 0 before it does no harm
	bits <<= total;
	code b = find(t, bits);
	int w = value(b, bits), both = step;
	if (fits(b, w, PAIR_BITS - total) && b >> 24 != WRONG) {
		total += b & 255;
		both += b >> 24;
	} else {
		w = v; // in the same place
	}
	return total | step << 6 | both << 12 | (w & 63) << 20 | (pair)v << 26;
}

// build makes a table, unless it was made for the picture before.
FAST static int build(table *t, int dc, const uint8_t *counts, const uint8_t *symbols, int count) {
	if (count == 0) return 0;
	if (t->count == count && !memcmp(t->counts, counts, 16) && !memcmp(t->symbols, symbols, count)) return 1;
	memset(t, 0, sizeof *t);
	t->dc = dc;
	memcpy(t->counts, counts, 16);
	memcpy(t->symbols, symbols, count);
	uint32_t next = 0;
	for (int length = 1, i = 0; length <= 16; length++) {
		t->first[length] = i - (int)next;
		for (int n = counts[length - 1]; n > 0; n--, i++, next++) {
			if (dc ? symbols[i] > MAX_DC : (symbols[i] & 15) > MAX_AC) return 0;
			if (next >= (1u << length) - 1) return 0; // too many, or the one of only ones, which is none
			for (int j = 0; length <= CODE_BITS && j < 1 << (CODE_BITS - length); j++)
				t->codes[(next << (CODE_BITS - length)) + j] = make_code(dc, length, symbols[i]);
		}
		t->limit[length] = next << (16 - length);
		next <<= 1;
	}
	for (uint64_t i = 0; !dc && i < 1 << PAIR_BITS; i++) t->pairs[i] = make_pair(t, i << (64 - PAIR_BITS));
	t->count = count; // whole
	return 1;
}

// Bits. After a refill there are at least 56, as in variant 4 of Fabian Giesen's "Reading bits in far too many ways".
typedef struct {
	const uint8_t *next;
	uint64_t bits; // those to come, from the highest on
	int count;
} reader;

INLINE void refill(reader *r) {
	uint64_t more;
	memcpy(&more, r->next, 8);
	r->bits |= __builtin_bswap64(more) >> r->count;
	r->next += (63 - r->count) >> 3;
	r->count |= 56;
}

INLINE void consume(reader *r, uint32_t n) {
	r->bits <<= n & 63;
	r->count -= n & 63;
}

INLINE void put(int16_t *block, size_t first, size_t second, pair p) {
	if (!block) return;
	block[places[first]] = (int32_t)p >> 26;
	block[places[second]] = (int32_t)(p << 6) >> 26;
}

// read_block reads the coefficients of a block, all of which are 0, or steps over them if it is NULL. It returns 0 if
// the bits are not a block's.
INLINE int read_block(reader *r, component *c, int16_t *block) {
	refill(r);
	code dc = find(c->dc, r->bits);
	if (dc >> 24 == WRONG) return 0;
	c->last += value(dc, r->bits);
	consume(r, dc);
	if (block) block[0] = c->last;
	size_t k = 0; // of the last coefficient, in zigzag order
	while (k < 63) {
		pair p;
		size_t first, second;
		for (refill(r);; refill(r)) {
#define STEP \
	p = c->ac->pairs[r->bits >> (64 - PAIR_BITS)]; \
	first = k + (p >> 6 & 63); \
	second = k + (p >> 12 & 255); \
	if (second >= 63) break; \
	put(block, first, second, p); \
	consume(r, p); \
	k = second
			STEP;
			STEP;
			STEP;
			STEP;
#undef STEP
		}
		if (first < 63) { // both belong to this block
			put(block, first, second, p);
			consume(r, p);
			k = second;
			break;
		}
		refill(r);
		code ac = find(c->ac, r->bits);
		k += ac >> 24;
		if (block) block[places[k]] = value(ac, r->bits);
		consume(r, ac);
	}
	return k == 63 || k >= END;
}

// draw turns both blocks of a component into samples and leaves zeros.
INLINE void draw(picture *p, component *c, unsigned char *dst[2], size_t stride) {
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

INLINE unsigned char *place(const component *c, int x, int y) { return c->plane + (y & c->mask) * c->stride + x; }

// draw_at_edge draws blocks of which some samples are not the plane's.
static __attribute__((noinline)) FAST void draw_at_edge(picture *p, component *c) {
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
static FAST void draw_waiting(picture *p, component *c) {
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
FAST static void colour(picture *p, int until) {
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
static int prepare_colour(pic_baseline *b, picture *p, int columns, int rows) {
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

// copy_bits copies a scan's data up to the next marker, without the zeros that are stuffed after FF (T.81 B.1.1.5), and
// returns how many bytes these are; at is moved on to the marker. It returns -1 where there is no marker.
static ptrdiff_t copy_bits(unsigned char *dst, const unsigned char *src, size_t size, size_t *at) {
	size_t n = 0, i = *at;
	for (;;) {
		uint64_t eight, ff = 0; // ff: bit 7 of the first byte that is FF
		while (size - i >= 8) {
			memcpy(&eight, src + i, 8);
			memcpy(dst + n, &eight, 8);
			ff = eight & (~eight - 0x0101010101010101) & 0x8080808080808080;
			int bytes = ff ? __builtin_ctzll(ff) / 8 : 8;
			i += bytes, n += bytes;
			if (ff) break;
		}
		while (i < size && src[i] != 0xFF) dst[n++] = src[i++];
		if (size - i < 2) return -1;
		if (src[i + 1] != 0) break;
		dst[n++] = 0xFF;
		i += 2;
	}
	while (size - i >= 2 && src[i + 1] == 0xFF) i++; // fill
	if (size - i < 2 || src[i + 1] == 0) return -1;  // data after fill is none, though libjpeg-turbo makes something of it
	*at = i;
	return n;
}

// read_blocks reads the blocks of a component in the MCU of a column and a row.
INLINE int read_blocks(picture *p, reader *r, const uint8_t *end, component *c, int column, int row) {
	int left = column * c->h * c->size, top = row * c->v * c->size;
	for (int v = 0, y = top; v < c->v; v++, y += c->size)
		for (int h = 0, x = left; h < c->h; h++, x += c->size) {
			if (r->next > end) return 0;
			if (!c->plane || x >= c->width || y >= c->height) {
				if (!read_block(r, c, NULL)) return 0;
				continue;
			}
			if (!read_block(r, c, c->blocks + 8 * c->waiting)) return 0;
			c->x[c->waiting] = x, c->y[c->waiting] = y;
			if (++c->waiting == 2) draw_waiting(p, c);
		}
	return 1;
}

// end_row draws what is left of a row of MCUs, and makes those rows of BGR that depend on no row to come.
FAST static void end_row(picture *p, int row) {
	for (int i = 0; i < p->count; i++) draw_waiting(p, &p->components[i]);
	if (!p->components[1].plane) return;
	int until = (row + 1) * p->components[0].v * p->components[0].size;
	colour(p, until >= p->height ? p->height : until - (p->tall - 1)); // the last one of two is also made of the next
}

// read_scan reads a scan of so many columns and rows of MCUs that begins at jpeg[at], to the end of the picture.
FAST static int read_scan(pic_baseline *b, picture *p, int columns, int rows, const unsigned char *jpeg, size_t size,
	size_t at) {
	int column = 0, row = 0;
	for (size_t mcus = (size_t)columns * rows, restarts = 0; mcus > 0; restarts++) {
		ptrdiff_t bytes = copy_bits(b->bits.at, jpeg, size, &at);
		if (bytes < 0) return 0;
		memset(b->bits.at + bytes, 0, MAX_BLOCK + 16);
		size_t n = p->interval && mcus > (size_t)p->interval ? (size_t)p->interval : mcus;
		mcus -= n;
		if (jpeg[at + 1] != (mcus ? 0xD0 + restarts % 8 : 0xD9)) return 0;
		at += 2;
		for (int i = 0; i < p->count; i++) p->components[i].last = 0;
		reader r = {.next = b->bits.at};
		for (const uint8_t *end = b->bits.at + bytes + 8; n > 0; n--) {
			for (int i = 0; i < p->count; i++)
				if (!read_blocks(p, &r, end, &p->components[i], column, row)) return 0;
			if (++column == columns) {
				end_row(p, row);
				column = 0, row++;
			}
		}
		ptrdiff_t rest = (bytes - (r.next - b->bits.at)) * 8 + r.count; // bits, less than 8 of them to fill a byte
		if (rest < 0 || rest / 8 > MAX_PADDING) return 0;
	}
	return 1;
}

// Segments before the scan. Each returns 0 where it is not as libjpeg-turbo takes it without a word.

static int read_dht(pic_baseline *b, unsigned defined[2], const unsigned char *p, size_t n) {
	while (n >= 17) {
		int class = p[0] >> 4, id = p[0] & 15, count = 0;
		for (int i = 1; i <= 16; i++) count += p[i];
		if (class > 1 || id > 3 || count > 256 || n < 17 + (size_t)count) return 0;
		if (!build(&b->tables[class][id], class == 0, p + 1, p + 17, count)) return 0;
		defined[class] |= 1 << id;
		p += 17 + count, n -= 17 + count;
	}
	return n == 0;
}

static int read_dqt(picture *pic, const unsigned char *p, size_t n) {
	for (; n >= 65; p += 65, n -= 65) {
		if (p[0] > 3) return 0; // of 16 bits, or no number
		int16_t *quant = pic->quant[p[0]];
		for (int i = 0; i < 64; i++) quant[places[i]] = quant[places[i] + 8] = p[1 + i];
		pic->defined[2] |= 1 << p[0];
	}
	return n == 0;
}

static int read_sof(picture *pic, const unsigned char *p, size_t n, unsigned char ids[3]) {
	if (pic->count || n < 6 || p[0] != 8 || (p[5] != 1 && p[5] != 3) || n != 6 + 3 * (size_t)p[5]) return 0;
	pic->height = p[1] << 8 | p[2], pic->width = p[3] << 8 | p[4], pic->count = p[5];
	if (pic->height < 1 || pic->height > 65500 || pic->width < 1 || pic->width > 65500) return 0;
	for (int i = 0; i < pic->count; i++) {
		component *c = &pic->components[i];
		ids[i] = p[6 + 3 * i], c->h = p[7 + 3 * i] >> 4, c->v = p[7 + 3 * i] & 15, c->quant = p[8 + 3 * i];
		if (c->quant > 3 || c->h < 1 || c->h > 4 || c->v < 1 || c->v > 4) return 0;
	}
	component *c = pic->components;
	if (pic->count == 1) {
		c->h = c->v = 1; // whatever it says, T.81 A.2.2
		return 1;
	}
	return c[0].h != 3 && c[0].v < 3 && c[1].h == 1 && c[1].v == 1 && c[2].h == 1 && c[2].v == 1 && ids[0] != ids[1] &&
		ids[0] != ids[2] && ids[1] != ids[2] && memcmp(ids, "RGB", 3);
}

static int read_sos(pic_baseline *b, picture *pic, const unsigned char *p, size_t n, const unsigned char ids[3]) {
	if (!pic->count || n != 4 + 2 * (size_t)pic->count || p[0] != pic->count) return 0;
	for (int i = 0; i < pic->count; i++) {
		component *c = &pic->components[i];
		int dc = p[2 + 2 * i] >> 4, ac = p[2 + 2 * i] & 15;
		if (p[1 + 2 * i] != ids[i] || dc > 3 || ac > 3) return 0;
		if (!(pic->defined[0] >> dc & pic->defined[1] >> ac & pic->defined[2] >> c->quant & 1)) return 0;
		c->dc = &b->tables[0][dc], c->ac = &b->tables[1][ac];
	}
	return !memcmp(p + n - 3, "\0\77\0", 3); // all coefficients, at once
}

int pic_baseline_decode(pic_baseline *b, const unsigned char *jpeg, size_t size, unsigned char *dst, size_t dst_size,
	size_t stride, int channels, int scale) {
	picture p;
	memset(&p, 0, sizeof p);
	p.dst = dst, p.stride = stride;
	unsigned char ids[3];
	size_t at = 2;
	if (size < 2 || jpeg[0] != 0xFF || jpeg[1] != 0xD8) return 0;
	for (int marker = 0; marker != 0xDA;) {
		if (size - at < 4 || jpeg[at] != 0xFF) return 0;
		marker = jpeg[at + 1];
		size_t n = jpeg[at + 2] << 8 | jpeg[at + 3];
		const unsigned char *payload = jpeg + at + 4;
		if (n < 2 || size - at - 2 < n) return 0;
		at += 2 + n;
		n -= 2;
		switch (marker) {
		case 0xC0: // baseline
		case 0xC1: // extended sequential: the same with more tables
			if (!read_sof(&p, payload, n, ids)) return 0;
			break;
		case 0xC4:
			if (!read_dht(b, p.defined, payload, n)) return 0;
			break;
		case 0xDB:
			if (!read_dqt(&p, payload, n)) return 0;
			break;
		case 0xDD:
			if (n != 2) return 0;
			p.interval = payload[0] << 8 | payload[1];
			break;
		case 0xDA:
			if (!p.defined[0] && !p.defined[1] && !read_dht(b, p.defined, b->standard, b->standard_size)) return 0;
			if (!read_sos(b, &p, payload, n, ids)) return 0;
			break;
		default: // COM and APP0 to 15, but not Adobe's, after which colours may be others
			if (marker != 0xFE && (marker < 0xE0 || marker > 0xEF || marker == 0xEE)) return 0;
		}
	}
	component *luma = &p.components[0];
	int columns = (p.width + 8 * luma->h - 1) / (8 * luma->h), rows = (p.height + 8 * luma->v - 1) / (8 * luma->v);
	if (scale != 1 && p.width < 16) return 0; // for TurboJPEG, several scales make the same of it
	luma->size = 8 / scale;
	p.width = (p.width + scale - 1) / scale, p.height = (p.height + scale - 1) / scale;
	size_t row = (size_t)p.width * channels;
	if (stride < row || dst_size < row || (dst_size - row) / stride < (size_t)p.height - 1) return 0;
	if (channels == 1) {
		luma->plane = dst, luma->stride = stride, luma->mask = -1, luma->width = p.width, luma->height = p.height;
	} else if (!prepare_colour(b, &p, columns, rows)) {
		return 0;
	}
	if (!reserve(&b->bits, size + MAX_BLOCK + 16)) return 0;
	if (!read_scan(b, &p, columns, rows, jpeg, size, at)) return 0;
	// libjpeg-turbo's sums of two coefficients have 16 bits. In those that a picture can have, this is never so much.
	int16_t least[16], most[16];
	memcpy(least, &p.seen.least, 32), memcpy(most, &p.seen.most, 32);
	for (int i = 0; i < 16; i++)
		if (least[i] < -(1 << 14) || most[i] >= 1 << 14) return 0;
	return 1;
}

pic_baseline *pic_baseline_new(const unsigned char *dht, size_t dht_size) {
	pic_baseline *b;
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2") || dht_size > sizeof b->standard) return NULL;
	if (!(b = calloc(1, sizeof *b))) return NULL;
	memcpy(b->standard, dht, dht_size);
	b->standard_size = dht_size;
	return b;
}

void pic_baseline_free(pic_baseline *b) {
	if (b) free(b->bits.at), free(b->planes.at);
	free(b);
}

#else

pic_baseline *pic_baseline_new(const unsigned char *dht, size_t dht_size) { return NULL; }

void pic_baseline_free(pic_baseline *b) {}

int pic_baseline_decode(pic_baseline *b, const unsigned char *jpeg, size_t size, unsigned char *dst, size_t dst_size,
	size_t stride, int channels, int scale) {
	return 0;
}

#endif
