package yuv

import (
	"fmt"
	"slices"
	"strings"
)

// Layout says how the samples of a frame lie in memory. A pixel's luma is 8 bits, and so are the two samples of chroma
// (Cb, Cr) that neighbours share. Rows come from the top, columns from the left.
type Layout struct {
	Format        string // one of [Formats]
	Width, Height int    // in pixels, 1 to [MaxSide]
	Stride        int    // bytes from a row of luma to the next, [MinStride] or more
	// FullRange: black is 0 and white is 255, as in JPEG; else they are 16 and 235 (ITU-R BT.601).
	FullRange bool
}

// MaxSide is the most rows or columns that a JPEG frame can have (ITU T.81, B.2.2).
const MaxSide = 1<<16 - 1

// maxLuma is the most bytes that rows of luma may have together: where int has 32 bits, twice as many still fit.
const maxLuma = 1 << 29

// Formats lists the formats that a Layout may have, by the names that V4L2 gives them (its FourCC), those first that
// are less to read. With stride bytes in a row of luma they are, without what fills the rows up:
//
//	YU12  rows × stride of Y, then rows/2 × stride/2 of Cb, then as much of Cr (4:2:0 in three planes; I420)
//	NV12  rows × stride of Y, then rows/2 × stride of Cb and Cr in turn (4:2:0 in two planes)
//	YUYV  rows × stride of Y, Cb, Y, Cr: two pixels in four bytes (4:2:2)
//	UYVY  rows × stride of Cb, Y, Cr, Y (4:2:2)
//	GREY  rows × stride of Y
//
// Halves are rounded up. See https://docs.kernel.org/userspace-api/media/v4l/pixfmt.html.
func Formats() []string { return []string{"YU12", "NV12", "YUYV", "UYVY", "GREY"} }

// MinStride returns the fewest bytes from one row of luma to the next that frames so wide can have.
func MinStride(format string, width int) int {
	switch format {
	case "YUYV", "UYVY":
		return (width + 1) / 2 * 4
	case "GREY":
		return width
	}
	return (width + 1) / 2 * 2
}

// Check returns what is wrong with l, or nil.
func (l Layout) Check() error {
	switch {
	case !slices.Contains(Formats(), l.Format):
		return fmt.Errorf("yuv: format %q: want one of %s", l.Format, strings.Join(Formats(), ", "))
	case l.Width < 1 || l.Height < 1 || l.Width > MaxSide || l.Height > MaxSide:
		return fmt.Errorf("yuv: a frame of %d×%d pixels: want 1×1 to %d×%[3]d", l.Width, l.Height, MaxSide)
	case int64(l.Stride)*int64(l.Height) > maxLuma:
		return fmt.Errorf("yuv: %d rows of %d bytes: want %d MB or less", l.Height, l.Stride, maxLuma>>20)
	case l.Stride < MinStride(l.Format, l.Width):
		return fmt.Errorf("yuv: %d bytes from row to row: %s frames %d pixels wide have %d or more",
			l.Stride, l.Format, l.Width, MinStride(l.Format, l.Width))
	}
	return nil
}

// Size is how many bytes a whole frame has.
func (l Layout) Size() int { return l.samples().size }

// samples says where the samples of a frame are. Chroma has one for two columns.
type samples struct {
	luma, cb, cr plane
	gray         bool // there is no chroma
	chromaRows   int  // chroma has a row for so many rows of luma
	size         int  // of a whole frame, in bytes
}

// plane says where the samples of a component are, in bytes.
type plane struct {
	offset int // of the first one
	row    int // from a row to the next
	step   int // from one to the next in a row
}

func (l Layout) samples() samples {
	stride := l.Stride
	luma, half := stride*l.Height, (l.Height+1)/2
	switch l.Format {
	case "YU12":
		chroma := stride / 2
		return samples{
			luma: plane{0, stride, 1}, cb: plane{luma, chroma, 1}, cr: plane{luma + chroma*half, chroma, 1},
			chromaRows: 2, size: luma + 2*chroma*half,
		}
	case "NV12":
		return samples{
			luma: plane{0, stride, 1}, cb: plane{luma, stride, 2}, cr: plane{luma + 1, stride, 2},
			chromaRows: 2, size: luma + stride*half,
		}
	case "YUYV":
		return samples{
			luma: plane{0, stride, 2}, cb: plane{1, stride, 4}, cr: plane{3, stride, 4}, chromaRows: 1, size: luma,
		}
	case "UYVY":
		return samples{
			luma: plane{1, stride, 2}, cb: plane{0, stride, 4}, cr: plane{2, stride, 4}, chromaRows: 1, size: luma,
		}
	}
	return samples{luma: plane{0, stride, 1}, gray: true, chromaRows: 1, size: luma} // GREY
}
