// libjpeg-turbo's own interface, and not TurboJPEG's: of that, one learns a frame's first warning only, behind which
// damage may hide, and it cannot be stopped.

#include "libjpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

#ifndef JCS_EXTENSIONS
#error "this is not libjpeg-turbo's jpeglib.h"
#endif

// The longest run of bytes before a marker that passes for padding. Cameras leave 1 to about 10; decoding that has lost
// its way leaves hundreds.
enum { MAX_PADDING = 32 };

typedef struct {
	struct jpeg_error_mgr manager;
	jmp_buf end; // where errors lead
	char message[JMSG_LENGTH_MAX];
} errors;

static void fail(j_common_ptr cinfo) {
	errors *e = (errors *)cinfo->err;
	e->manager.format_message(cinfo, e->message);
	longjmp(e->end, 1);
}

static void be_silent(j_common_ptr cinfo, int level) {}

static void prepare_errors(errors *e, void (*emit_message)(j_common_ptr, int)) {
	jpeg_std_error(&e->manager);
	e->manager.error_exit = fail;
	e->manager.emit_message = emit_message;
}

struct pic_decoder {
	// It serves one frame: it would keep tables for the next one, which may lack its own.
	struct jpeg_decompress_struct cinfo;
	errors errors;
	struct jpeg_progress_mgr progress;
	const int *interrupted;
	int in_header;
	pic_result result;
};

// judge tells harmless oddities, padding and damage apart in a warning.
static void judge(j_common_ptr common, int level) {
	pic_decoder *d = common->client_data;
	if (level >= 0) return; // a trace
	int status = PIC_DAMAGED;
	switch (d->errors.manager.msg_code) {
	case JWRN_JFIF_MAJOR:
	case JWRN_ADOBE_XFORM:
	case JWRN_NOT_SEQUENTIAL: // the parameters of a scan that always has all coefficients
		return;
	case JWRN_EXTRANEOUS_DATA:
		if (d->in_header || d->errors.manager.msg_parm.i[0] <= MAX_PADDING) return;
		if (d->cinfo.output_scanline == d->cinfo.output_height) status = PIC_SURPLUS;
	}
	if (d->result.status >= status) return;
	d->result.status = status;
	d->errors.manager.format_message(common, d->errors.message);
}

// go_on is called by libjpeg-turbo at least once for each row of MCUs of each scan.
static void go_on(j_common_ptr common) {
	pic_decoder *d = common->client_data;
	if (!__atomic_load_n(d->interrupted, __ATOMIC_RELAXED)) return;
	d->result.status = PIC_INTERRUPTED;
	longjmp(d->errors.end, 1);
}

pic_decoder *pic_new_decoder(void) { return calloc(1, sizeof(pic_decoder)); }

void pic_free_decoder(pic_decoder *d) { free(d); }

// begin reads the header. It may only be called where errors lead to finish.
static void begin(pic_decoder *d, const unsigned char *jpeg, size_t size) {
	struct jpeg_decompress_struct *cinfo = &d->cinfo;
	jpeg_create_decompress(cinfo);
	jpeg_mem_src(cinfo, jpeg, size);
	d->in_header = 1;
	jpeg_read_header(cinfo, TRUE);
	d->in_header = 0;
	d->result.width = cinfo->image_width, d->result.height = cinfo->image_height;
}

// finish frees what a frame took. failed says that an error led here.
static pic_result finish(pic_decoder *d, int failed) {
	jpeg_destroy_decompress(&d->cinfo);
	if (failed && d->result.status != PIC_INTERRUPTED) d->result.status = PIC_FAILED;
	return d->result;
}

static void prepare(pic_decoder *d) {
	prepare_errors(&d->errors, judge);
	d->result = (pic_result){.message = d->errors.message};
	d->cinfo = (struct jpeg_decompress_struct){.err = &d->errors.manager, .client_data = d};
}

pic_result pic_size(pic_decoder *d, const unsigned char *jpeg, size_t size) {
	prepare(d);
	if (setjmp(d->errors.end)) return finish(d, 1);
	begin(d, jpeg, size);
	return finish(d, 0);
}

// from_cmyk converts a row as OpenCV does: inks are stored inverted, as Adobe writes them and libjpeg-turbo hands them
// on, so that each is the light that it lets through.
static void from_cmyk(unsigned char *dst, const unsigned char *cmyk, int width, int channels) {
	for (int x = 0; x < width; x++, cmyk += 4, dst += channels) {
		int k = cmyk[3];
		int r = k - ((255 - cmyk[0]) * k >> 8);
		int g = k - ((255 - cmyk[1]) * k >> 8);
		int b = k - ((255 - cmyk[2]) * k >> 8);
		if (channels == 1) {
			dst[0] = (r * 4899 + g * 9617 + b * 1868 + (1 << 13)) >> 14; // 0.299, 0.587, 0.114
		} else {
			dst[0] = b, dst[1] = g, dst[2] = r;
		}
	}
}

// read_rows reads all rows.
static void read_rows(j_decompress_ptr cinfo, unsigned char *dst, size_t stride, int channels) {
	enum { ROWS = 16 }; // as many as an MCU has, mostly
	if (cinfo->out_color_space == JCS_CMYK) {
		JSAMPARRAY inks = cinfo->mem->alloc_sarray((j_common_ptr)cinfo, JPOOL_IMAGE, cinfo->output_width * 4, 1);
		for (unsigned y; (y = cinfo->output_scanline) < cinfo->output_height;) {
			jpeg_read_scanlines(cinfo, inks, 1);
			from_cmyk(dst + y * stride, inks[0], cinfo->output_width, channels);
		}
		return;
	}
	while (cinfo->output_scanline < cinfo->output_height) {
		JSAMPROW rows[ROWS];
		unsigned n = cinfo->output_height - cinfo->output_scanline;
		if (n > ROWS) n = ROWS;
		for (unsigned i = 0; i < n; i++) rows[i] = dst + (cinfo->output_scanline + i) * stride;
		jpeg_read_scanlines(cinfo, rows, n);
	}
}

pic_result pic_decode(pic_decoder *d, const unsigned char *jpeg, size_t size, unsigned char *dst, size_t dst_size,
	size_t stride, int channels, int scale, const int *interrupted) {
	struct jpeg_decompress_struct *cinfo = &d->cinfo;
	prepare(d);
	if (setjmp(d->errors.end)) return finish(d, 1);
	begin(d, jpeg, size);
	d->interrupted = interrupted;
	d->progress.progress_monitor = go_on;
	cinfo->progress = &d->progress;

	cinfo->scale_num = 1, cinfo->scale_denom = scale;
	cinfo->out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_EXT_BGR;
	if (cinfo->jpeg_color_space == JCS_CMYK || cinfo->jpeg_color_space == JCS_YCCK)
		cinfo->out_color_space = JCS_CMYK; // it is converted to nothing else
	jpeg_calc_output_dimensions(cinfo);
	size_t width = (d->result.width + scale - 1) / scale, height = (d->result.height + scale - 1) / scale;
	size_t row = width * channels;
	if (stride < row || dst_size < row || (dst_size - row) / stride < height - 1) {
		d->result.status = PIC_NO_ROOM;
		return finish(d, 0);
	}
	if (cinfo->output_width != width || cinfo->output_height != height) { // lossless
		d->result.status = PIC_NO_SCALE;
		return finish(d, 0);
	}
	jpeg_start_decompress(cinfo);
	read_rows(cinfo, dst, stride, channels);
	jpeg_finish_decompress(cinfo);
	return finish(d, 0);
}

struct pic_encoder {
	struct jpeg_compress_struct cinfo;
	errors errors;
	unsigned char *buf; // of malloc
	unsigned long room;
};

pic_encoder *pic_new_encoder(void) {
	pic_encoder *e = calloc(1, sizeof *e);
	if (!e) return NULL;
	prepare_errors(&e->errors, be_silent);
	e->cinfo.err = &e->errors.manager;
	if (setjmp(e->errors.end)) {
		free(e);
		return NULL;
	}
	jpeg_create_compress(&e->cinfo);
	return e;
}

void pic_free_encoder(pic_encoder *e) {
	jpeg_destroy_compress(&e->cinfo);
	free(e->buf);
	free(e);
}

const char *pic_encode(pic_encoder *e, const unsigned char *pixels, int width, int stride, int height, int channels,
	int quality, const unsigned char **jpeg, size_t *size) {
	struct jpeg_compress_struct *cinfo = &e->cinfo;
	if (setjmp(e->errors.end)) {
		jpeg_abort_compress(cinfo);
		return e->errors.message;
	}
	unsigned char *out = e->buf;
	unsigned long n = e->room;
	jpeg_mem_dest(cinfo, &out, &n);
	cinfo->image_width = width, cinfo->image_height = height;
	cinfo->input_components = channels, cinfo->in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_EXT_BGR;
	jpeg_set_defaults(cinfo);
	jpeg_set_quality(cinfo, quality, TRUE);
	jpeg_start_compress(cinfo, TRUE);
	while (cinfo->next_scanline < cinfo->image_height) {
		JSAMPROW row = (JSAMPROW)pixels + (size_t)cinfo->next_scanline * stride;
		jpeg_write_scanlines(cinfo, &row, 1);
	}
	jpeg_finish_compress(cinfo);
	if (out != e->buf) { // it was too small, and is the caller's to free
		free(e->buf);
		e->buf = out, e->room = n;
	}
	*jpeg = out, *size = n;
	return NULL;
}
