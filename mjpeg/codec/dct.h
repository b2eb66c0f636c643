// The inverse DCT of Loeffler, Ligtenberg and Moschytz ("Practical fast 1-D DCT algorithms with 11 multiplications",
// ICASSP 1989), with the precision and the rounding of libjpeg's accurate integer method.
//
// Two blocks are transformed at once: rows of 8 coefficients of the one and 8 of the other lie beside each other, in
// memory and in registers. What is beyond 16 bits wraps around or is clipped where it is in libjpeg-turbo.

#pragma once

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "huffman.h"

#define FAST __attribute__((target("avx2,bmi2")))
#define VECTOR INLINE FAST

typedef __m256i vec;

enum {
	BITS = 13, // after the binary point, of the constants below
	MORE = 2,  // of values between the passes
	SIZE = 3,  // by which the two passes multiply

	C0_298 = 2446, C0_390 = 3196, C0_541 = 4433, C0_765 = 6270, C0_899 = 7373, C1_175 = 9633, C1_501 = 12299,
	C1_847 = 15137, C1_961 = 16069, C2_053 = 16819, C2_562 = 20995, C3_072 = 25172,
};

// dot is a × m + b × n for neighbours a, b.
VECTOR vec dot(vec ab, int m, int n) {
	return _mm256_madd_epi16(ab, _mm256_set1_epi32((uint16_t)m | (uint32_t)n << 16));
}

VECTOR vec add(vec a, vec b) { return _mm256_add_epi32(a, b); }
VECTOR vec sub(vec a, vec b) { return _mm256_sub_epi32(a, b); }

// The sums and differences that half of the columns' values are made of.
typedef struct { vec even[4], odd[4]; } terms;

// Neighbours in the arguments are rows 0 and 4, 2 and 6, 7 and 1, 5 and 3, and 7 + 3 and 5 + 1.
VECTOR terms transform(vec x04, vec x26, vec x71, vec x53, vec z, vec round) {
	vec t0 = add(dot(x04, 1 << BITS, 1 << BITS), round), t1 = add(dot(x04, 1 << BITS, -(1 << BITS)), round);
	vec t2 = dot(x26, C0_541, C0_541 - C1_847), t3 = dot(x26, C0_541 + C0_765, C0_541);
	vec z3 = dot(z, C1_175 - C1_961, C1_175), z4 = dot(z, C1_175, C1_175 - C0_390);
	terms t;
	t.even[0] = add(t0, t3), t.even[1] = add(t1, t2), t.even[2] = sub(t1, t2), t.even[3] = sub(t0, t3);
	t.odd[0] = add(dot(x71, -C0_899, C1_501 - C0_899), z4), t.odd[1] = add(dot(x53, -C2_562, C3_072 - C2_562), z3);
	t.odd[2] = add(dot(x53, C2_053 - C2_562, -C2_562), z4), t.odd[3] = add(dot(x71, C0_298 - C0_899, -C0_899), z3);
	return t;
}

VECTOR vec narrow(vec low, vec high, int shift) {
	return _mm256_packs_epi32(_mm256_srai_epi32(low, shift), _mm256_srai_epi32(high, shift));
}

#define LOW(a, b) _mm256_unpacklo_epi16(a, b)
#define HIGH(a, b) _mm256_unpackhi_epi16(a, b)

// columns transforms columns of eight.
VECTOR void columns(vec x[8], int shift) {
	vec round = _mm256_set1_epi32(1 << (shift - 1));
	vec z3 = _mm256_add_epi16(x[7], x[3]), z4 = _mm256_add_epi16(x[5], x[1]);
	terms a = transform(LOW(x[0], x[4]), LOW(x[2], x[6]), LOW(x[7], x[1]), LOW(x[5], x[3]), LOW(z3, z4), round);
	terms b = transform(HIGH(x[0], x[4]), HIGH(x[2], x[6]), HIGH(x[7], x[1]), HIGH(x[5], x[3]), HIGH(z3, z4), round);
#define OUTPUT(i) \
	x[i] = narrow(add(a.even[i], a.odd[i]), add(b.even[i], b.odd[i]), shift); \
	x[7 - i] = narrow(sub(a.even[i], a.odd[i]), sub(b.even[i], b.odd[i]), shift)
	OUTPUT(0);
	OUTPUT(1);
	OUTPUT(2);
	OUTPUT(3);
#undef OUTPUT
}

VECTOR void transpose(vec x[8]) {
	vec a0 = LOW(x[0], x[1]), a1 = LOW(x[2], x[3]), a2 = LOW(x[4], x[5]), a3 = LOW(x[6], x[7]);
	vec b0 = HIGH(x[0], x[1]), b1 = HIGH(x[2], x[3]), b2 = HIGH(x[4], x[5]), b3 = HIGH(x[6], x[7]);
#define FOUR(i, a, b, c, d) { \
	vec p = _mm256_unpacklo_epi32(a, b), q = _mm256_unpacklo_epi32(c, d); \
	vec r = _mm256_unpackhi_epi32(a, b), s = _mm256_unpackhi_epi32(c, d); \
	x[i] = _mm256_unpacklo_epi64(p, q), x[i + 1] = _mm256_unpackhi_epi64(p, q); \
	x[i + 2] = _mm256_unpacklo_epi64(r, s), x[i + 3] = _mm256_unpackhi_epi64(r, s); }
	FOUR(0, a0, a1, a2, a3)
	FOUR(4, b0, b1, b2, b3)
#undef FOUR
}

// The same at half and a quarter of the size: the inverse DCT of 4 and 2 points from the coefficients of 8, as in
// libjpeg. Rows 0 to 3 or 0 and 1 of x are the result.

VECTOR void columns4(vec x[8], int shift) {
	vec round = _mm256_set1_epi32(1 << (shift - 1)), zero = _mm256_setzero_si256();
	vec even[2], twos[2], ones[2], odd[2];
#define HALF(i, MIX) { \
	vec x75 = MIX(x[7], x[5]), x31 = MIX(x[3], x[1]); \
	vec t0 = add(dot(MIX(x[0], zero), 2 << BITS, 0), round), t2 = dot(MIX(x[2], x[6]), C1_847, -C0_765); \
	even[i] = add(t0, t2), twos[i] = sub(t0, t2); \
	ones[i] = add(dot(x75, -1730, 11893), dot(x31, -17799, 8697)); /* −0.211, 1.452, −2.173, 1.062 */ \
	odd[i] = add(dot(x75, -4176, -4926), dot(x31, C0_899, C2_562)); } /* −0.510, −0.601 */
	HALF(0, LOW)
	HALF(1, HIGH)
#undef HALF
	x[0] = narrow(add(even[0], odd[0]), add(even[1], odd[1]), shift);
	x[1] = narrow(add(twos[0], ones[0]), add(twos[1], ones[1]), shift);
	x[2] = narrow(sub(twos[0], ones[0]), sub(twos[1], ones[1]), shift);
	x[3] = narrow(sub(even[0], odd[0]), sub(even[1], odd[1]), shift);
}

VECTOR void columns2(vec x[8], int shift) {
	vec round = _mm256_set1_epi32(1 << (shift - 1));
	vec even[2], odd[2];
#define HALF(i, MIX) \
	even[i] = add(dot(MIX(x[0], x[0]), 2 << BITS, 2 << BITS), round); \
	/* −0.721, 0.850, −1.273, 3.625 */ \
	odd[i] = add(dot(MIX(x[7], x[5]), -5906, 6967), dot(MIX(x[3], x[1]), -10426, 29692))
	HALF(0, LOW);
	HALF(1, HIGH);
#undef HALF
	x[0] = narrow(add(even[0], odd[0]), add(even[1], odd[1]), shift);
	x[1] = narrow(sub(even[0], odd[0]), sub(even[1], odd[1]), shift);
}

// store writes two rows of both blocks.
VECTOR void store(unsigned char *dst[2], size_t stride, int row, vec rows) {
	rows = _mm256_xor_si256(rows, _mm256_set1_epi8(-128)); // 128 brighter
	__m128i a = _mm256_castsi256_si128(rows), b = _mm256_extracti128_si256(rows, 1);
	_mm_storel_epi64((__m128i *)(dst[0] + row * stride), a);
	_mm_storel_epi64((__m128i *)(dst[0] + (row + 1) * stride), _mm_unpackhi_epi64(a, a));
	_mm_storel_epi64((__m128i *)(dst[1] + row * stride), b);
	_mm_storel_epi64((__m128i *)(dst[1] + (row + 1) * stride), _mm_unpackhi_epi64(b, b));
}

// store_small writes size × size samples, at most 16, of both blocks.
VECTOR void store_small(unsigned char *dst[2], size_t stride, int size, vec blocks) {
	unsigned char samples[2][16];
	_mm256_storeu_si256((vec *)samples, _mm256_xor_si256(blocks, _mm256_set1_epi8(-128))); // 128 brighter
	for (int i = 0; i < 2; i++)
		for (int row = 0; row < size; row++) memcpy(dst[i] + row * stride, samples[i] + size * row, size);
}

// The least and the greatest values between the passes.
typedef struct { vec least, most; } range;

VECTOR void watch(range *r, vec x) {
	r->least = _mm256_min_epi16(r->least, x), r->most = _mm256_max_epi16(r->most, x);
}

// load multiplies coefficients by quant and leaves zeros.
VECTOR void load(vec x[8], int16_t *blocks, const int16_t *quant) {
#define LOAD(i) \
	x[i] = _mm256_mullo_epi16(((vec *)blocks)[i], ((const vec *)quant)[i]); \
	((vec *)blocks)[i] = _mm256_setzero_si256()
	LOAD(0);
	LOAD(1);
	LOAD(2);
	LOAD(3);
	LOAD(4);
	LOAD(5);
	LOAD(6);
	LOAD(7);
#undef LOAD
}

// draw8, draw4, draw2 and draw1 turn two blocks into samples, 8 × 8 to 1 × 1 of each, and leave zeros.

VECTOR void draw8(int16_t *blocks, const int16_t *quant, range *seen, unsigned char *dst[2], size_t stride) {
	vec x[8];
	load(x, blocks, quant);
	columns(x, BITS - MORE);
	watch(seen, x[0]);
	watch(seen, x[1]);
	watch(seen, x[2]);
	watch(seen, x[3]);
	watch(seen, x[4]);
	watch(seen, x[5]);
	watch(seen, x[6]);
	watch(seen, x[7]);
	transpose(x);
	columns(x, BITS + MORE + SIZE);
	// x[i] is column i of the samples. In two steps they become rows of 2, then of 4, in the last one rows of 8.
	vec c04 = _mm256_packs_epi16(x[0], x[4]), c15 = _mm256_packs_epi16(x[1], x[5]);
	vec c26 = _mm256_packs_epi16(x[2], x[6]), c37 = _mm256_packs_epi16(x[3], x[7]);
	vec c01 = _mm256_unpacklo_epi8(c04, c15), c45 = _mm256_unpackhi_epi8(c04, c15);
	vec c23 = _mm256_unpacklo_epi8(c26, c37), c67 = _mm256_unpackhi_epi8(c26, c37);
	vec left = LOW(c01, c23), right = LOW(c45, c67);
	store(dst, stride, 0, _mm256_unpacklo_epi32(left, right));
	store(dst, stride, 2, _mm256_unpackhi_epi32(left, right));
	left = HIGH(c01, c23), right = HIGH(c45, c67);
	store(dst, stride, 4, _mm256_unpacklo_epi32(left, right));
	store(dst, stride, 6, _mm256_unpackhi_epi32(left, right));
}

VECTOR void draw4(int16_t *blocks, const int16_t *quant, range *seen, unsigned char *dst[2], size_t stride) {
	vec x[8];
	load(x, blocks, quant);
	columns4(x, BITS - MORE + 1);
	watch(seen, x[0]);
	watch(seen, x[1]);
	watch(seen, x[2]);
	watch(seen, x[3]);
	transpose(x); // of rows 4 to 7 nothing is used
	columns4(x, BITS + MORE + SIZE + 1);
	vec left = LOW(x[0], x[1]), right = LOW(x[2], x[3]);
	vec upper = _mm256_unpacklo_epi32(left, right), lower = _mm256_unpackhi_epi32(left, right);
	store_small(dst, stride, 4, _mm256_packs_epi16(upper, lower));
}

VECTOR void draw2(int16_t *blocks, const int16_t *quant, range *seen, unsigned char *dst[2], size_t stride) {
	vec x[8];
	load(x, blocks, quant);
	columns2(x, BITS - MORE + 2);
	watch(seen, x[0]);
	watch(seen, x[1]);
	transpose(x); // of rows 2 to 7 nothing is used
	columns2(x, BITS + MORE + SIZE + 2);
	vec rows = LOW(x[0], x[1]);
	store_small(dst, stride, 2, _mm256_packs_epi16(rows, rows));
}

VECTOR void draw1(int16_t *blocks, const int16_t *quant, range *seen, unsigned char *dst[2]) {
	for (int i = 0; i < 2; i++) {
		int v = blocks[8 * i] * quant[0];
		if (v < -(1 << 11) || v >= 1 << 12) watch(seen, _mm256_set1_epi16(INT16_MAX)); // libjpeg would not clip it
		v = (v + 4) >> 3;
		*dst[i] = v < -128 ? 0 : v > 127 ? 255 : v + 128;
	}
	memset(blocks, 0, 8 * 16 * sizeof *blocks);
}
