package filters

import (
	"fmt"
	"image"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/common"
	multi "github.com/makiuchi-d/gozxing/multi/qrcode/detector"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/detector"
)

// code is a QR code in a frame. From its own top left the corners go on clockwise.
type code struct {
	text    string
	corners []image.Point
}

// readCodes finds the codes that can be read in a gray frame.
func readCodes(gray []byte, cols, rows int) (codes []code, err error) {
	defer func() {
		if r := recover(); r != nil { // a frame may be anything, and the reader is not ours
			err = fmt.Errorf("the reader of QR codes failed: %v", r)
		}
	}()
	source, err := gozxing.NewPlanarYUVLuminanceSource(gray, cols, rows, 0, 0, cols, rows, false)
	if err != nil {
		return nil, err
	}
	bits, err := gozxing.NewHybridBinarizer(source).GetBlackMatrix()
	if err != nil {
		return nil, nil // it is all of one brightness
	}
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
	found, err := multi.NewMultiDetector(bits).DetectMulti(hints)
	if err != nil {
		return nil, nil // there are none
	}
	for _, f := range found {
		if read, err := decoder.NewDecoder().Decode(f.GetBits(), hints); err == nil {
			codes = append(codes, code{read.GetText(), cornersOf(f)})
		}
	}
	return codes, nil
}

// cornersOf carries the corners of the code as it is printed into the frame.
func cornersOf(found *common.DetectorResult) []image.Point {
	points := found.GetPoints() // bottom left, top left, top right, and, if it was found, near the bottom right
	var near *detector.AlignmentPattern
	if len(points) > 3 {
		near, _ = points[3].(*detector.AlignmentPattern)
	}
	modules := found.GetBits().GetWidth()
	side := float64(modules)
	xy := []float64{0, 0, side, 0, side, side, 0, side}
	detector.Detector_createTransform(points[1], points[2], points[0], near, modules).TransformPoints(xy)
	corners := make([]image.Point, 4)
	for i := range corners {
		corners[i] = image.Pt(nearest(xy[2*i]), nearest(xy[2*i+1]))
	}
	return corners
}
