// Rows of samples become rows of BGR. Up to MARGIN bytes behind a row are read and written, but not behind one of BGR.

#pragma once

#include "dct.h"

enum { MARGIN = 32 };

// words reads 16 samples.
VECTOR vec words(const unsigned char *samples) {
	return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)samples));
}

// bytes makes samples of 16 values, 0 of what is less and 255 of what is more.
VECTOR __m128i bytes(vec x) {
	return _mm_packus_epi16(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
}

// widen_row makes a row of n chroma samples twice as wide, libjpeg's "fancy" way: each new one is 3/4 of the nearer and
// 1/4 of the farther one. Where far is not NULL the same is done with it, the farther row, first.
FAST static void widen_row(int16_t *sums, const unsigned char *near, const unsigned char *far, int n,
	unsigned char *dst) {
	vec three = _mm256_set1_epi16(3);
	for (int i = 0; i < n; i += 16) {
		vec s = words(near + i);
		if (far) s = _mm256_add_epi16(_mm256_mullo_epi16(s, three), words(far + i));
		_mm256_storeu_si256((vec *)(sums + i), s);
	}
	sums[-1] = sums[0], sums[n] = sums[n - 1];
	vec even = _mm256_set1_epi16(far ? 8 : 1), odd = _mm256_set1_epi16(far ? 7 : 2);
	__m128i shift = _mm_cvtsi32_si128(far ? 4 : 2);
	for (int i = 0; i < n; i += 16) {
		vec s = _mm256_mullo_epi16(_mm256_loadu_si256((vec *)(sums + i)), three);
		vec a = _mm256_add_epi16(_mm256_add_epi16(s, _mm256_loadu_si256((vec *)(sums + i - 1))), even);
		vec b = _mm256_add_epi16(_mm256_add_epi16(s, _mm256_loadu_si256((vec *)(sums + i + 1))), odd);
		a = _mm256_srl_epi16(a, shift), b = _mm256_srl_epi16(b, shift);
		_mm256_storeu_si256((vec *)(dst + 2 * i), _mm256_or_si256(a, _mm256_slli_epi16(b, 8)));
	}
}

// interleave writes 16 pixels.
VECTOR void interleave(unsigned char *dst, __m128i b, __m128i g, __m128i r) {
#define TAKE(x, ...) _mm_shuffle_epi8(x, _mm_setr_epi8(__VA_ARGS__))
#define ANY3(x, y, z) _mm_or_si128(_mm_or_si128(x, y), z)
	__m128i *out = (__m128i *)dst;
	_mm_storeu_si128(out, ANY3(TAKE(b, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1, 5),
		TAKE(g, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1),
		TAKE(r, -1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1)));
	_mm_storeu_si128(out + 1, ANY3(TAKE(b, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10, -1),
		TAKE(g, 5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10),
		TAKE(r, -1, 5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1)));
	_mm_storeu_si128(out + 2, ANY3(TAKE(b, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1, -1),
		TAKE(g, -1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1),
		TAKE(r, 10, -1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15)));
#undef TAKE
#undef ANY3
}

// colour_row makes BGR of n samples, JFIF's way with factors of 16 bits:
//   R = Y + 1.402 Cr, G = Y − 0.34414 Cb − 0.71414 Cr, B = Y + 1.772 Cb.
FAST static void colour_row(const unsigned char *ys, const unsigned char *cbs, const unsigned char *crs, int n,
	unsigned char *dst) {
	vec middle = _mm256_set1_epi16(128);
	for (int i = 0; i < n; i += 16) {
		vec y = words(ys + i), cb = _mm256_sub_epi16(words(cbs + i), middle), cr = _mm256_sub_epi16(words(crs + i), middle);
		// 91881 = 65536 + 26345, 116130 = 131072 − 14942 and −46802 = −65536 + 18734; the rest is rounded.
		vec red = _mm256_mulhi_epi16(_mm256_add_epi16(cr, cr), _mm256_set1_epi16(26345));
		red = _mm256_add_epi16(cr, _mm256_srai_epi16(_mm256_add_epi16(red, _mm256_set1_epi16(1)), 1));
		vec blue = _mm256_add_epi16(_mm256_add_epi16(cb, cb), _mm256_mulhrs_epi16(cb, _mm256_set1_epi16(-14942 / 2)));
		vec half = _mm256_set1_epi32(1 << 15);
		vec green = _mm256_sub_epi16(narrow(add(dot(LOW(cb, cr), -22554, 18734), half),
			add(dot(HIGH(cb, cr), -22554, 18734), half), 16), cr);
		__m128i b = bytes(_mm256_add_epi16(y, blue)), g = bytes(_mm256_add_epi16(y, green));
		__m128i r = bytes(_mm256_add_epi16(y, red));
		if (n - i >= 16) {
			interleave(dst + 3 * i, b, g, r);
		} else {
			unsigned char last[48];
			interleave(last, b, g, r);
			memcpy(dst + 3 * i, last, 3 * (n - i));
		}
	}
}
