// Decodes pictures from standard input to all formats and sizes, into memory of just the size that they need, for a
// compiler's sanitizers: see TestBaselineSanitized. Before each are its length, width and height (32 bits, of this
// machine's order).

#include "../baseline.h"

#include <stdio.h>
#include <stdlib.h>

int main(void) {
	static unsigned char dht[1] = {0};
	const int interrupted = 0;
	pic_baseline *b = pic_baseline_new(dht, 0);
	unsigned size, width, height;
	long taken = 0;
	if (!b) return 1;
	while (fread(&size, sizeof size, 1, stdin) == 1 && fread(&width, sizeof width, 1, stdin) == 1 &&
		fread(&height, sizeof height, 1, stdin) == 1) {
		unsigned char *jpeg = malloc(size);
		if (fread(jpeg, 1, size, stdin) != size) return 1;
		for (int channels = 1; channels <= 3; channels += 2)
			for (int scale = 1; scale <= 8; scale *= 2) {
				size_t row = (size_t)(width + scale - 1) / scale * channels, rows = (height + scale - 1) / scale;
				unsigned char *pixels = malloc(row * rows);
				taken += pic_baseline_decode(b, jpeg, size, pixels, row * rows, row, channels, scale, &interrupted) != PIC_REJECTED;
				free(pixels);
			}
		taken += pic_baseline_check(b, jpeg, size, &interrupted) != PIC_REJECTED;
		free(jpeg);
	}
	pic_baseline_free(b);
	printf("%ld\n", taken);
	return 0;
}
