// Baseline JPEG frames (ITU T.81, sequential DCT, Huffman codes, 8 bit) as most cameras send them, to gray or BGR, in
// half to two thirds of the time that libjpeg-turbo takes, on processors with AVX2. And, on all, a closer look at
// frames that libjpeg-turbo has decoded: pic_baseline_check.
//
// The pixels are those of libjpeg-turbo, bit for bit. Anything unusual is rejected and goes to libjpeg-turbo, which has
// the words for what is wrong. FuzzDecode compares the two.
//
// What makes it fast: a table tells what the next 12 bits are, which is mostly two coefficients and not one; for gray
// chroma is stepped over; two blocks are transformed at once; and rows become BGR as soon as they are there.

#include "baseline.h"

#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

#include "draw.h"
#include "frame.h"

enum {
	MAX_BLOCK = 256, // more bytes than a block has: 16 bits of code and 11 or 10 of value, 64 times

	// Bytes before a marker that belong to no code, as many cameras leave them: as many as in libjpeg.c.
	MAX_PADDING = 32,
};

// The places in component.blocks of the coefficients in zigzag order.
#define AT(i) ((i) / 8 * 16 + (i) % 8)
static const uint8_t places[END + 64] = {
	AT(0), AT(1), AT(8), AT(16), AT(9), AT(2), AT(3), AT(10), AT(17), AT(24), AT(32), AT(25), AT(18), AT(11), AT(4), AT(5),
	AT(12), AT(19), AT(26), AT(33), AT(40), AT(48), AT(41), AT(34), AT(27), AT(20), AT(13), AT(6), AT(7), AT(14), AT(21),
	AT(28), AT(35), AT(42), AT(49), AT(56), AT(57), AT(50), AT(43), AT(36), AT(29), AT(22), AT(15), AT(23), AT(30), AT(37),
	AT(44), AT(51), AT(58), AT(59), AT(52), AT(45), AT(38), AT(31), AT(39), AT(46), AT(53), AT(60), AT(61), AT(54), AT(47),
	AT(55), AT(62), AT(63), [64 ... END + 63] = AT(64),
};

INLINE void put(int16_t *block, size_t first, size_t second, pair p) {
	if (!block) return;
	block[places[first]] = (int32_t)p >> 26;
	block[places[second]] = (int32_t)(p << 6) >> 26;
}

// beyond is less than 0 where v is farther from 0 than the limit.
INLINE int beyond(int v, int limit) { return (limit + v) | (limit - v); }

// read_block reads the coefficients of a block, all of which are 0, or steps over them if it is NULL. It returns 0 if
// the bits are not a code. Whether coefficients are beyond their limits is looked at where that costs little: not for
// small ones within a block.
INLINE int read_block(reader *r, component *c, int16_t *block) {
	refill(r);
	code dc = find(c->dc, r->bits);
	if (dc >> 24 == WRONG) return 0;
	c->last += value(dc, r->bits);
	r->wrong |= beyond(c->last, c->limits[0]);
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
			r->wrong |= beyond((int32_t)(p << 6) >> 26, c->limits[second]);
			consume(r, p);
			break;
		}
		refill(r);
		code ac = find(c->ac, r->bits);
		if (ac >> 24 == WRONG) return 0;
		k += ac >> 24;
		int v = value(ac, r->bits);
		r->wrong |= beyond(v, c->limits[k]);
		if (block) block[places[k]] = v;
		consume(r, ac);
	}
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
INLINE int read_blocks(frame *p, reader *r, component *c, int draw, int column, int row) {
	int left = column * c->h * c->size, top = row * c->v * c->size;
	for (int v = 0, y = top; v < c->v; v++, y += c->size)
		for (int h = 0, x = left; h < c->h; h++, x += c->size) {
			if (r->next > r->end) return 0;
			if (!draw || !c->plane || x >= c->width || y >= c->height) {
				if (!read_block(r, c, NULL)) return 0;
				continue;
			}
			if (!read_block(r, c, c->blocks + 8 * c->waiting)) return 0;
			c->x[c->waiting] = x, c->y[c->waiting] = y;
			if (++c->waiting == 2) draw_waiting(p, c);
		}
	return 1;
}

// skip_mcu steps over an MCU and returns how many bits are left then; less than 0: it is none.
static __attribute__((noinline)) ptrdiff_t skip_mcu(frame *p, reader *r) {
	for (int i = 0; i < p->count; i++)
		if (!read_blocks(p, r, &p->components[i], 0, 0, 0)) return -1;
	return bits_left(r);
}

// padding is how many bytes are left, as libjpeg-turbo counts them at most: with the zeros that were stuffed after FF.
// Less than 0: more was taken than there was.
static ptrdiff_t padding(const reader *r) {
	ptrdiff_t left = bits_left(r);
	if (left < 0) return -1;
	ptrdiff_t n = left / 8;
	const uint8_t *end = r->end - AFTER;
	for (const uint8_t *p = end - n; n <= MAX_PADDING && p < end; p++) n += *p == 0xFF;
	return n;
}

// lost_mcus counts the MCUs in what is left before a marker, if there is nothing else but the ones that fill a byte up
// (T.81 F.1.2.3). Zeros are padding, and so are other bytes that are all the same.
static int lost_mcus(frame *p, reader r) {
	ptrdiff_t left = bits_left(&r);
	const uint8_t *bytes = r.end - AFTER - left / 8;
	if ((left >= 16 || !*bytes) && !memcmp(bytes, bytes + 1, left / 8 - 1)) return 0;
	for (int n = 1;; n++) {
		left = skip_mcu(p, &r);
		if (left < 0) return 0;
		if (left >= 8) continue;
		refill(&r);
		return ~r.bits >> 1 >> (63 - left) ? 0 : n;
	}
}

// read_scan reads a scan of so many columns and rows of MCUs that begins at jpeg[at], to the end of the frame. There
// may be more rows than its height needs: some scanners and cameras count it wrong.
INLINE int read_scan(pic_baseline *b, frame *p, int draw, int columns, int rows, const unsigned char *jpeg,
	size_t size, size_t at, const int *interrupted) {
	int column = 0, row = 0, last = 0, leftovers = 0, lost = 0;
	size_t mcus = (size_t)columns * rows;
	for (unsigned restarts = 0; !last; restarts++) {
		ptrdiff_t bytes = copy_bits(b->bits.at, jpeg, size, &at);
		if (bytes < 0) return PIC_REJECTED;
		memset(b->bits.at + bytes, 0, MAX_BLOCK + 16);
		last = jpeg[at + 1] == 0xD9;
		if (!last && (!p->interval || jpeg[at + 1] != 0xD0 + restarts % 8)) return PIC_REJECTED;
		at += 2;
		for (int i = 0; i < p->count; i++) p->components[i].last = 0;
		reader r = {.next = b->bits.at, .end = b->bits.at + bytes + AFTER};
		size_t n = p->interval ? (size_t)p->interval : SIZE_MAX;
		size_t needed = n < mcus ? n : mcus;
		mcus -= needed, n -= needed;
		for (; needed > 0; needed--) {
			for (int i = 0; i < p->count; i++)
				if (!read_blocks(p, &r, &p->components[i], draw, column, row)) return PIC_REJECTED;
			if (++column == columns) {
				if (draw) end_row(p, row);
				column = 0, row++;
				if (__atomic_load_n(interrupted, __ATOMIC_RELAXED)) return PIC_REJECTED;
			}
		}
		p->wrong |= r.wrong;
		reader after = r; // a copy, so that r, whose address nobody learns, stays in registers
		ptrdiff_t left = padding(&after);
		if (left > 0 && left <= MAX_PADDING && (!n || last)) {
			leftovers++;
			int more = lost_mcus(p, after);
			lost |= more && !(last && more % columns == 0); // else they are rows beyond the height
		}
		while (!mcus && n > 0 && (!last || column || left > MAX_PADDING)) { // rows beyond the height
			if (skip_mcu(p, &after) < 0) return PIC_REJECTED;
			left = padding(&after);
			column = (column + 1) % columns, n--;
		}
		if (left < 0 || left > MAX_PADDING) return PIC_REJECTED;
	}
	if (mcus || column) return PIC_REJECTED;
	// Cameras that leave bytes before markers do so often; damage that loses MCUs does so once.
	return p->wrong < 0 || (lost && leftovers == 1) ? PIC_IMPOSSIBLE : PIC_WHOLE;
}

static int check_scan(pic_baseline *b, frame *p, int columns, int rows, const unsigned char *jpeg, size_t size,
	size_t at, const int *interrupted) {
	return read_scan(b, p, 0, columns, rows, jpeg, size, at, interrupted);
}

#ifdef DRAWS
FAST static int draw_scan(pic_baseline *b, frame *p, int columns, int rows, const unsigned char *jpeg, size_t size,
	size_t at, const int *interrupted) {
	int result = read_scan(b, p, 1, columns, rows, jpeg, size, at, interrupted);
	// libjpeg-turbo's sums of two coefficients have 16 bits. In those that a frame can have, this is never so much.
	int16_t least[16], most[16];
	memcpy(least, &p->seen.least, 32), memcpy(most, &p->seen.most, 32);
	for (int i = 0; i < 16; i++)
		if (least[i] < -(1 << 14) || most[i] >= 1 << 14) return PIC_REJECTED;
	return result;
}
#else
#define draw_scan check_scan
#endif

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

// limit_coefficients says what coefficients can be, where samples have 8 bits: of the transform's results none is
// farther from 0 than 1024. libjpeg-turbo's fast transform, which GStreamer encodes with, overflows at black and white
// patterns of the highest quality: AC coefficients come to 1956 then and DC ones to 1055. For rounding all have two
// more steps of the quantization.
static void limit_coefficients(int16_t limits[END + 64], const unsigned char *quant) {
	for (int i = 0; i < 64; i++) limits[i] = quant[i] ? (i ? 2048 : 1024 + 64) / quant[i] + 2 : INT16_MAX;
	for (int i = 64; i < END + 64; i++) limits[i] = 0; // behind the block, where libjpeg-turbo lets them pass
}

static int read_dqt(frame *pic, const unsigned char *p, size_t n) {
	for (; n >= 65; p += 65, n -= 65) {
		if (p[0] > 3) return 0; // of 16 bits, or no number
		int16_t *quant = pic->quant[p[0]];
		for (int i = 0; i < 64; i++) quant[places[i]] = quant[places[i] + 8] = p[1 + i];
		limit_coefficients(pic->limits[p[0]], p + 1);
		pic->defined[2] |= 1 << p[0];
	}
	return n == 0;
}

static int read_sof(frame *pic, const unsigned char *p, size_t n) {
	if (pic->count || n < 6 || p[0] != 8 || p[5] < 1 || p[5] > 4 || n != 6 + 3 * (size_t)p[5]) return 0;
	pic->height = p[1] << 8 | p[2], pic->width = p[3] << 8 | p[4], pic->count = p[5];
	if (pic->height < 1 || pic->height > 65500 || pic->width < 1 || pic->width > 65500) return 0;
	for (int i = 0; i < pic->count; i++) {
		component *c = &pic->components[i];
		c->id = p[6 + 3 * i], c->h = p[7 + 3 * i] >> 4, c->v = p[7 + 3 * i] & 15, c->quant = p[8 + 3 * i];
		if (c->quant > 3 || c->h < 1 || c->h > 4 || c->v < 1 || c->v > 4) return 0;
		for (int j = 0; j < i; j++)
			if (c->id == pic->components[j].id) return 0;
	}
	if (pic->count == 1) pic->components[0].h = pic->components[0].v = 1; // whatever it says, T.81 A.2.2
	return 1;
}

// read_sos reads a scan's header, without the parameters that say which coefficients it has (Ss, Se, Ah, Al): in a
// sequential frame it has all of them, and decoders pay no heed to cameras that write something else.
static int read_sos(pic_baseline *b, frame *pic, const unsigned char *p, size_t n) {
	if (!pic->count || n != 4 + 2 * (size_t)pic->count || p[0] != pic->count) return 0;
	for (int i = 0; i < pic->count; i++) {
		component *c = &pic->components[i];
		int dc = p[2 + 2 * i] >> 4, ac = p[2 + 2 * i] & 15;
		if (p[1 + 2 * i] != c->id || dc > 3 || ac > 3) return 0;
		if (!(pic->defined[0] >> dc & pic->defined[1] >> ac & pic->defined[2] >> c->quant & 1)) return 0;
		c->dc = &b->tables[0][dc], c->ac = &b->tables[1][ac], c->limits = pic->limits[c->quant];
	}
	return 1;
}

// read_header reads the segments up to the first scan and returns where its data begins; 0: not a header for this file.
static size_t read_header(pic_baseline *b, frame *p, const unsigned char *jpeg, size_t size) {
	size_t at = 2;
	if (size < 2 || jpeg[0] != 0xFF || jpeg[1] != 0xD8) return 0;
	for (int marker = 0; marker != 0xDA;) {
		// To the next marker: over fill, and over bytes that are none, as some cameras leave them between segments.
		while (size - at >= 2 && (jpeg[at] != 0xFF || jpeg[at + 1] == 0xFF || jpeg[at + 1] == 0)) at++;
		if (size - at < 4) return 0;
		marker = jpeg[at + 1];
		size_t n = jpeg[at + 2] << 8 | jpeg[at + 3];
		const unsigned char *payload = jpeg + at + 4;
		if (n < 2 || size - at - 2 < n) return 0;
		at += 2 + n;
		n -= 2;
		switch (marker) {
		case 0xC0: // baseline
		case 0xC1: // extended sequential: the same with more tables
			if (!read_sof(p, payload, n)) return 0;
			break;
		case 0xC4:
			if (!read_dht(b, p->defined, payload, n)) return 0;
			break;
		case 0xDB:
			if (!read_dqt(p, payload, n)) return 0;
			break;
		case 0xDD:
			if (n != 2) return 0;
			p->interval = payload[0] << 8 | payload[1];
			break;
		case 0xDA:
			if (!p->defined[0] && !p->defined[1] && !read_dht(b, p->defined, b->standard, b->standard_size)) return 0;
			if (!read_sos(b, p, payload, n)) return 0;
			break;
		case 0xEE: // Adobe's, after which colours may be others
			p->adobe = 1;
			break;
		default: // COM and APP0 to 15
			if (marker != 0xFE && (marker < 0xE0 || marker > 0xEF)) return 0;
		}
	}
	return at;
}

// drawable says whether draw.h knows the colours and the sampling.
static int drawable(const frame *p) {
	const component *c = p->components;
	if (p->adobe || (p->count != 1 && p->count != 3)) return 0;
	if (p->count == 1) return 1;
	return c[0].h != 3 && c[0].v < 3 && c[1].h == 1 && c[1].v == 1 && c[2].h == 1 && c[2].v == 1 &&
		!(c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B');
}

// count_mcus counts columns and rows of MCUs.
static void count_mcus(const frame *p, int *columns, int *rows) {
	int h = 1, v = 1;
	for (int i = 0; i < p->count; i++) {
		const component *c = &p->components[i];
		h = c->h > h ? c->h : h, v = c->v > v ? c->v : v;
	}
	*columns = (p->width + 8 * h - 1) / (8 * h), *rows = (p->height + 8 * v - 1) / (8 * v);
}

int pic_baseline_decode(pic_baseline *b, const unsigned char *jpeg, size_t size, unsigned char *dst, size_t dst_size,
	size_t stride, int channels, int scale, const int *interrupted) {
	frame p;
	if (!b->draws) return PIC_REJECTED;
	memset(&p, 0, sizeof p);
	p.dst = dst, p.stride = stride;
	size_t at = read_header(b, &p, jpeg, size);
	if (!at || !drawable(&p)) return PIC_REJECTED;
	component *luma = &p.components[0];
	int columns, rows;
	count_mcus(&p, &columns, &rows);
	luma->size = 8 / scale;
	p.width = (p.width + scale - 1) / scale, p.height = (p.height + scale - 1) / scale;
	size_t row = (size_t)p.width * channels;
	if (stride < row || dst_size < row || (dst_size - row) / stride < (size_t)p.height - 1) return PIC_REJECTED;
	if (channels == 1) {
		luma->plane = dst, luma->stride = stride, luma->mask = -1, luma->width = p.width, luma->height = p.height;
	} else if (!prepare_colour(b, &p, columns, rows)) {
		return PIC_REJECTED;
	}
	if (!reserve(&b->bits, size + MAX_BLOCK + 16)) return PIC_REJECTED;
	return draw_scan(b, &p, columns, rows, jpeg, size, at, interrupted);
}

int pic_baseline_check(pic_baseline *b, const unsigned char *jpeg, size_t size, const int *interrupted) {
	frame p;
	memset(&p, 0, sizeof p);
	size_t at = read_header(b, &p, jpeg, size);
	if (!at || !reserve(&b->bits, size + MAX_BLOCK + 16)) return PIC_REJECTED;
	int columns, rows;
	count_mcus(&p, &columns, &rows);
	return check_scan(b, &p, columns, rows, jpeg, size, at, interrupted);
}

pic_baseline *pic_baseline_new(const unsigned char *dht, size_t dht_size) {
	pic_baseline *b = calloc(1, sizeof *b);
	if (!b || dht_size > sizeof b->standard) {
		free(b);
		return NULL;
	}
#ifdef DRAWS
	b->draws = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
#endif
	memcpy(b->standard, dht, dht_size);
	b->standard_size = dht_size;
	return b;
}

int pic_baseline_draws(const pic_baseline *b) { return b->draws; }

void pic_baseline_free(pic_baseline *b) {
	if (b) free(b->bits.at), free(b->planes.at);
	free(b);
}

#else

pic_baseline *pic_baseline_new(const unsigned char *dht, size_t dht_size) { return calloc(1, 1); }

int pic_baseline_draws(const pic_baseline *b) { return 0; }

void pic_baseline_free(pic_baseline *b) { free(b); }

int pic_baseline_decode(pic_baseline *b, const unsigned char *jpeg, size_t size, unsigned char *dst, size_t dst_size,
	size_t stride, int channels, int scale, const int *interrupted) {
	return PIC_REJECTED;
}

int pic_baseline_check(pic_baseline *b, const unsigned char *jpeg, size_t size, const int *interrupted) {
	return PIC_REJECTED;
}

#endif
