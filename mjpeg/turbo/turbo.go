// Package turbo turns JPEG into pixels and back with libjpeg-turbo's TurboJPEG interface, straight into and out of the
// caller's memory. What cameras send most, baseline pictures, it decodes by itself, to the same pixels: see baseline.c.
// The cgo and unsafe code of decoding stands in this file, and the C code that it calls beside it.
package turbo

/*
#cgo pkg-config: libturbojpeg
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include "baseline.h"

// The calls are those of TurboJPEG 2.1, which 3.x still has.

enum { PIC_OK, PIC_PADDED, PIC_DAMAGED, PIC_FAILED, PIC_NO_ROOM };

typedef struct {
	int status;
	int width, height;   // of the whole picture, in pixels
	int mcus;            // coded units of the whole picture; 0: not known
	int marker;          // with PIC_PADDED: the marker after the padding
	const char *message; // what went wrong, valid until the next call; not set with PIC_NO_ROOM
} pic_result;

typedef struct {
	// A handle serves one picture (a new one takes 0.2 µs): it would keep Huffman and quantization tables for the next
	// picture, which may lack its own, and 2.1 stays in the middle of a header that could not be read.
	tjhandle tj;
	unsigned char *cmyk; // scratch, grows as needed
	size_t cmyk_size;
} pic_decoder;

static void pic_free_decoder(pic_decoder *d) {
	if (d->tj) tjDestroy(d->tj);
	free(d->cmyk);
	free(d);
}

static pic_decoder *pic_new_decoder(void) { return calloc(1, sizeof(pic_decoder)); }

// The longest run of bytes before a marker that passes for padding. Cameras leave 1 to about 10; decoding that has lost
// its way leaves hundreds.
enum { pic_max_padding = 32 };

// pic_judge tells harmless oddities, padding, damage and failure apart in what TurboJPEG said last.
static void pic_judge(tjhandle tj, pic_result *r) {
	unsigned padding, marker;
	int warning = tjGetErrorCode(tj) == TJERR_WARNING;
	r->message = tjGetErrorStr2(tj); // a second call would give another text
	r->status = warning ? PIC_DAMAGED : PIC_FAILED;
	if (!warning) return;
	if (strstr(r->message, "unknown JFIF revision") || strstr(r->message, "Unknown Adobe color transform")) {
		r->status = PIC_OK;
	} else if (
		sscanf(r->message, "Corrupt JPEG data: %u extraneous bytes before marker 0x%x", &padding, &marker) == 2 &&
		padding <= pic_max_padding && ((marker >= 0xd0 && marker <= 0xd7) || marker == 0xd9)) {
		r->status = PIC_PADDED;
		r->marker = marker;
	}
}

// pic_header begins a picture: it reads size and colour space (-1: not known). A header with bytes between its segments
// counts as damaged: decoding would not tell of them again (TurboJPEG 3) or of nothing else (2.1).
static int pic_header(pic_decoder *d, const unsigned char *jpeg, size_t size, pic_result *r) {
	int samp = -1, space = -1;
	if (d->tj) tjDestroy(d->tj);
	if (!(d->tj = tjInitDecompress())) {
		r->status = PIC_FAILED;
		r->message = "no memory for a decompressor";
		return -1;
	}
	if (tjDecompressHeader3(d->tj, jpeg, size, &r->width, &r->height, &samp, &space) != 0) {
		pic_judge(d->tj, r);
		if (r->status == PIC_PADDED) r->status = PIC_DAMAGED;
		if (r->status == PIC_FAILED && strstr(r->message, "Could not determine subsampling")) {
			if (r->width > 0) r->status = PIC_OK;     // a subsampling without a name, which tjDecompress2 does not mind
			else r->message = "unreadable header"; // what TurboJPEG 3 has to say of these, too
		}
		if (r->status != PIC_OK) return -1;
	}
	if (r->width < 1 || r->height < 1) {
		r->status = PIC_FAILED;
		r->message = "no picture";
		return -1;
	}
	if (samp >= 0 && samp < TJ_NUMSAMP) {
		int w = tjMCUWidth[samp], h = tjMCUHeight[samp];
		r->mcus = ((r->width + w - 1) / w) * ((r->height + h - 1) / h);
	}
	return space;
}

static pic_result pic_size(pic_decoder *d, const unsigned char *jpeg, size_t size) {
	pic_result r = {0};
	pic_header(d, jpeg, size, &r);
	return r;
}

// pic_from_cmyk converts a row as OpenCV does: inks are stored inverted, as Adobe writes them and TurboJPEG hands them
// on, so that each is the light that it lets through.
static void pic_from_cmyk(unsigned char *dst, const unsigned char *cmyk, int width, int channels) {
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

static pic_result pic_decode(pic_decoder *d, const unsigned char *jpeg, size_t size, unsigned char *dst,
	size_t dst_size, size_t stride, int channels, int scale) {
	pic_result r = {0};
	int space = pic_header(d, jpeg, size, &r);
	if (r.status != PIC_OK) return r;

	tjscalingfactor factor = {1, scale};
	int width = TJSCALED(r.width, factor), height = TJSCALED(r.height, factor);
	size_t row = (size_t)width * channels;
	if (stride < row || dst_size < row || (dst_size - row) / stride < (size_t)height - 1) {
		r.status = PIC_NO_ROOM;
		return r;
	}
	int format = channels == 1 ? TJPF_GRAY : TJPF_BGR;
	unsigned char *out = dst;
	size_t pitch = stride;
	int cmyk = space == TJCS_CMYK || space == TJCS_YCCK;
	if (cmyk) { // TurboJPEG converts it to nothing else
		format = TJPF_CMYK;
		pitch = (size_t)width * 4;
		if (d->cmyk_size < pitch * height) {
			free(d->cmyk);
			d->cmyk_size = pitch * height;
			if (!(d->cmyk = malloc(d->cmyk_size))) d->cmyk_size = 0;
		}
		out = d->cmyk;
	}
	// A progressive picture of thousands of scans would keep the processor busy for minutes: LIMITSCANS ends at 500.
	if (tjDecompress2(d->tj, jpeg, size, out, width, (int)pitch, height, format,
		TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS) != 0)
		pic_judge(d->tj, &r);
	if (cmyk && out && r.status != PIC_FAILED) {
		for (int y = 0; y < height; y++)
			pic_from_cmyk(dst + y * stride, out + y * pitch, width, channels);
	}
	return r;
}

typedef struct {
	tjhandle tj;
	unsigned char *buf; // of tjAlloc, grown by TurboJPEG
	unsigned long len;
} pic_encoder;

static pic_encoder *pic_new_encoder(void) {
	pic_encoder *e = calloc(1, sizeof *e);
	if (e && !(e->tj = tjInitCompress())) {
		free(e);
		return NULL;
	}
	return e;
}

static void pic_free_encoder(pic_encoder *e) {
	tjDestroy(e->tj);
	tjFree(e->buf);
	free(e);
}

// pic_encode leaves the picture in e->buf, e->len bytes, and returns a message or NULL.
static const char *pic_encode(pic_encoder *e, const unsigned char *pixels, int width, int stride, int height,
	int channels, int quality) {
	if (tjCompress2(e->tj, pixels, width, stride, height, channels == 1 ? TJPF_GRAY : TJPF_BGR, &e->buf, &e->len,
		channels == 1 ? TJSAMP_GRAY : TJSAMP_420, quality, TJFLAG_ACCURATEDCT) != 0)
		return tjGetErrorStr2(e->tj);
	return NULL;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	"picam/mjpeg"
)

// Format is the layout of pixels in memory.
type Format int

// The formats.
const (
	Gray Format = iota // rows × cols × 1, 8 bit
	BGR                // rows × cols × 3, 8 bit, OpenCV's order
)

// channels is the number of bytes of a pixel; 0 for a Format that there is not.
func (f Format) channels() int {
	switch f {
	case Gray:
		return 1
	case BGR:
		return 3
	}
	return 0
}

// ErrDamaged is wrapped by the error of Decode where the entropy-coded data is broken or cut short: dst then holds
// what could be decoded, which must not pass for a whole picture. Damage that leaves as many codes as there were, about
// one case in six of random bytes in the middle, goes unseen.
var ErrDamaged = errors.New("damaged picture")

var (
	errClosed = errors.New("turbo: used after Close")
	// TurboJPEG takes tables without a picture for a success, in 3.x with the size of the picture before.
	errNoScan = errors.New("turbo: not a JPEG picture: no header in good order with a scan after it")
)

// Decoder decodes one picture at a time; each goroutine needs its own.
//
// It decodes what libjpeg-turbo does: baseline and progressive, Huffman (without tables: the standard ones) and
// arithmetic coding, gray, colour and CMYK, at full accuracy, so that pixels equal those of djpeg and OpenCV. A picture
// does not depend on those decoded before it.
type Decoder struct {
	c        *C.pic_decoder
	baseline *C.pic_baseline // nil: this processor is not one of baseline.c's
	cleaner  cleaner
}

// NewDecoder returns a Decoder that must be closed, since its memory is not Go's.
func NewDecoder() (*Decoder, error) {
	c := C.pic_new_decoder()
	if c == nil {
		return nil, errors.New("turbo: no memory for a decompressor")
	}
	const markerAndLength = 4
	tables := []byte(mjpeg.StandardDHT[markerAndLength:])
	return &Decoder{c: c, baseline: C.pic_baseline_new(pointer(tables), C.size_t(len(tables)))}, nil
}

// Size reads width and height (pixels) from the picture's header.
func (d *Decoder) Size(jpeg []byte) (width, height int, err error) {
	if d.c == nil {
		return 0, 0, errClosed
	}
	jpeg = d.cleaner.clean(jpeg)
	if _, _, scan := walk(jpeg); scan == len(jpeg) {
		return 0, 0, errNoScan
	}
	r := C.pic_size(d.c, pointer(jpeg), C.size_t(len(jpeg)))
	if r.status != C.PIC_OK {
		return 0, 0, failure("header", r)
	}
	return int(r.width), int(r.height), nil
}

// Decode decodes jpeg into dst, whose rows are stride bytes apart, at width × height pixels as Size returned them.
func (d *Decoder) Decode(dst []byte, stride int, jpeg []byte, f Format) error {
	return d.DecodeScaled(dst, stride, jpeg, f, 1)
}

// ScaledSize is the size in pixels of what DecodeScaled makes of a picture of width × height pixels.
func ScaledSize(width, height, scale int) (int, int) {
	return (width + scale - 1) / scale, (height + scale - 1) / scale
}

// DecodeScaled is Decode at 1/scale of width and height, where scale is 1, 2, 4 or 8 and ScaledSize gives the size. It
// is faster the smaller the result, since only the low frequencies are worked out.
//
// Junk between segments is no damage. Padding before a restart marker or the end of the picture, which many USB cameras leave (libjpeg-turbo#157), is no
// damage. TurboJPEG keeps only the first warning of a picture, so where that is about padding before a restart marker,
// damage after it may have gone unmentioned: the picture then counts as whole only if all of its restart markers are
// there, in order. Broken data between two of them may pass. So may, before TurboJPEG 3, damage to a picture with an
// unknown JFIF revision.
func (d *Decoder) DecodeScaled(dst []byte, stride int, jpeg []byte, f Format, scale int) error {
	jpeg = d.cleaner.clean(jpeg)
	frame, _, scan := walk(jpeg)
	switch {
	case d.c == nil:
		return errClosed
	case scan == len(jpeg):
		return errNoScan
	case f.channels() == 0:
		return fmt.Errorf("turbo: decode: unknown format %d", f)
	case scale != 1 && scale != 2 && scale != 4 && scale != 8:
		return fmt.Errorf("turbo: decode: scale %d is not 1, 2, 4 or 8", scale)
	case stride < 0 || stride > math.MaxInt32:
		return fmt.Errorf("turbo: decode: stride %d is not 0 to %d", stride, math.MaxInt32)
	case scale != 1 && frame == lossless: // TurboJPEG 3 would decode it at full size, over the end of dst
		return fmt.Errorf("turbo: decode: a lossless picture has no scale %d", scale)
	}
	if d.decodeBaseline(dst, stride, jpeg, f, scale) {
		return nil
	}
	r := C.pic_decode(d.c, pointer(jpeg), C.size_t(len(jpeg)), pointer(dst), C.size_t(len(dst)),
		C.size_t(stride), C.int(f.channels()), C.int(scale))
	switch r.status {
	case C.PIC_OK:
		return nil
	case C.PIC_PADDED:
		if r.marker == 0xD9 || restartsComplete(jpeg, int(r.mcus)) {
			return nil
		}
	case C.PIC_NO_ROOM:
		w, h := ScaledSize(int(r.width), int(r.height), scale)
		return fmt.Errorf("turbo: decode: %d×%d pixels of %d bytes do not fit in %d bytes with a stride of %d",
			w, h, f.channels(), len(dst), stride)
	}
	return failure("decode", r)
}

// decodeBaseline decodes a picture if it is one of baseline.c's, whole, and fits. Otherwise dst may hold some of it.
func (d *Decoder) decodeBaseline(dst []byte, stride int, jpeg []byte, f Format, scale int) bool {
	return d.baseline != nil && C.pic_baseline_decode(d.baseline, pointer(jpeg), C.size_t(len(jpeg)), pointer(dst),
		C.size_t(len(dst)), C.size_t(stride), C.int(f.channels()), C.int(scale)) != 0
}

// Close frees the Decoder's memory. Further calls of Close do nothing.
func (d *Decoder) Close() {
	if d.c != nil {
		C.pic_free_decoder(d.c)
		C.pic_baseline_free(d.baseline)
		d.c, d.baseline = nil, nil
	}
}

// failure makes an error of what TurboJPEG said.
func failure(what string, r C.pic_result) error {
	if r.status == C.PIC_FAILED {
		return fmt.Errorf("turbo: %s: %s", what, C.GoString(r.message))
	}
	return fmt.Errorf("turbo: %s: %w: %s", what, ErrDamaged, C.GoString(r.message))
}

// pointer is nil for an empty slice.
func pointer(b []byte) *C.uchar {
	if len(b) == 0 {
		return nil
	}
	return (*C.uchar)(unsafe.SliceData(b))
}

// Encoder encodes one picture at a time; each goroutine needs its own.
type Encoder struct {
	c *C.pic_encoder
}

// NewEncoder returns an Encoder that must be closed, since its memory is not Go's.
func NewEncoder() (*Encoder, error) {
	c := C.pic_new_encoder()
	if c == nil {
		return nil, errors.New("turbo: no memory for a compressor")
	}
	return &Encoder{c}, nil
}

// maxSide is the longest side that libjpeg-turbo encodes, in pixels.
const maxSide = 65500

// Encode appends the picture as baseline JPEG (4:2:0 for colour) to dst. quality is 1 to 100.
func (e *Encoder) Encode(dst []byte, pixels []byte, stride, width, height int, f Format, quality int) ([]byte, error) {
	row := width * f.channels()
	switch {
	case e.c == nil:
		return dst, errClosed
	case f.channels() == 0:
		return dst, fmt.Errorf("turbo: encode: unknown format %d", f)
	case width < 1 || height < 1 || width > maxSide || height > maxSide:
		return dst, fmt.Errorf("turbo: encode: %d×%d pixels: a side must be 1 to %d", width, height, maxSide)
	case quality < 1 || quality > 100:
		return dst, fmt.Errorf("turbo: encode: quality %d is not 1 to 100", quality)
	case stride < row || stride > math.MaxInt32 || len(pixels) < row || (len(pixels)-row)/stride < height-1:
		return dst, fmt.Errorf("turbo: encode: %d×%d pixels of %d bytes are more than %d bytes with a stride of %d hold",
			width, height, f.channels(), len(pixels), stride)
	}
	message := C.pic_encode(e.c, pointer(pixels), C.int(width), C.int(stride), C.int(height), C.int(f.channels()),
		C.int(quality))
	if message != nil {
		return dst, fmt.Errorf("turbo: encode: %s", C.GoString(message))
	}
	return append(dst, unsafe.Slice((*byte)(e.c.buf), e.c.len)...), nil
}

// Close frees the Encoder's memory. Further calls of Close do nothing.
func (e *Encoder) Close() {
	if e.c != nil {
		C.pic_free_encoder(e.c)
		e.c = nil
	}
}
