// Huffman codes of baseline JPEG (ITU T.81, annex F), read with a table that tells what the next 12 bits are, which is
// mostly two coefficients and not one.

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum {
	CODE_BITS = 9,  // that index table.codes
	PAIR_BITS = 12, // that index table.pairs
	MAX_DC = 11,    // most bits of a difference of DC coefficients, T.81 table F.1
	MAX_AC = 10,    // most bits of an AC coefficient, table F.2

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

static pair make_pair(const table *t, uint64_t bits) {
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

// build makes a table, unless it was made for the frame before.
static int build(table *t, int dc, const uint8_t *counts, const uint8_t *symbols, int count) {
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
	const uint8_t *end; // AFTER bytes behind the data, which zeros follow
	uint64_t bits;      // those to come, from the highest on
	int count;
	int wrong; // less than 0: a coefficient was beyond its limit
} reader;

enum { AFTER = 8 }; // more than next may be ahead of the bits that were taken

// bits_left is how many bits the reader has not taken; less than 0: it has taken more than there were.
INLINE ptrdiff_t bits_left(const reader *r) { return (r->end - AFTER - r->next) * 8 + r->count; }

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
