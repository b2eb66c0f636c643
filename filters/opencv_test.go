package filters

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
	"testing"

	"gocv.io/x/gocv"

	"picam/filters/cv"
	"picam/internal/typeset"
)

// TestAgainstOpenCV holds that filters give, pixel by pixel, what the plain calls of OpenCV give that they stand for,
// each at its defaults and with other values.
func TestAgainstOpenCV(t *testing.T) {
	type values = map[string]any
	small := texture(t, 320, 240, gocv.MatTypeCV8UC3, 1)
	small = small.Region(image.Rect(13, 9, 33, 25))
	defer small.Close()
	file := saveFrame(t, small)
	tests := []struct {
		kind   Kind
		values values
		direct Filter
	}{
		{adaptiveThreshold, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.AdaptiveThreshold(src, dst, 255, gocv.AdaptiveThresholdMean, gocv.ThresholdBinary, 11, 2)
		}},
		{adaptiveThreshold, values{"method": "gaussian", "size": 31}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.AdaptiveThreshold(src, dst, 255, gocv.AdaptiveThresholdGaussian, gocv.ThresholdBinary, 31, 2)
		}},
		{adaptiveThreshold, values{"inverse": true, "c": -5.5}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.AdaptiveThreshold(src, dst, 255, gocv.AdaptiveThresholdMean, gocv.ThresholdBinaryInv, 11, -5.5)
		}},
		{adjust, nil, func(src gocv.Mat, dst *gocv.Mat) error { return src.CopyTo(dst) }},
		{adjust, values{"contrast": 1.5, "brightness": -10}, func(src gocv.Mat, dst *gocv.Mat) error {
			return src.ConvertToWithParams(dst, gocv.MatTypeCV8U, 1.5, 128-1.5*128-10)
		}},
		{adjust, values{"gamma": 2}, func(src gocv.Mat, dst *gocv.Mat) error {
			return with(func(f, _ *gocv.Mat) error {
				return errors.Join(src.ConvertToWithParams(f, gocv.MatTypeCV32F, 1.0/255, 0), gocv.Pow(*f, 0.5, f),
					f.ConvertToWithParams(dst, gocv.MatTypeCV8U, 255, 0))
			})
		}},
		{adjust, values{"saturation": 0}, func(src gocv.Mat, dst *gocv.Mat) error {
			if src.Channels() == 1 {
				return src.CopyTo(dst)
			}
			return with(func(gray, _ *gocv.Mat) error {
				return errors.Join(gocv.CvtColor(src, gray, gocv.ColorBGRToGray),
					gocv.CvtColor(*gray, dst, gocv.ColorGrayToBGR))
			})
		}},
		{bilateral, nil, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.BilateralFilter(src, dst, 9, 75, 75) }},
		{bilateral, values{"diameter": 4}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.BilateralFilter(src, dst, 4, 75, 75)
		}},
		{bilateral, values{"sigma_colour": 20, "sigma_space": 1}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.BilateralFilter(src, dst, 9, 20, 1)
		}},
		{blend, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return paint(src, dst, 0.7,
				gocv.NewScalar(0, 255, 0, 0))
		}},
		{blend, values{"alpha": 1, "colour": "#102030"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return paint(src, dst, 1, gocv.NewScalar(0x30, 0x20, 0x10, 0))
		}},
		{blend, values{"mode": "mix", "alpha": 0.25}, func(src gocv.Mat, dst *gocv.Mat) error {
			return with(func(m, _ *gocv.Mat) error {
				return errors.Join(bgr(src, m), gocv.AddWeighted(*m, 0.25, *m, 0.75, 0, dst))
			})
		}},
		{blend, values{"mode": "lighten"}, bgr},
		{blend, values{"mode": "cut"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return with(func(m, gray *gocv.Mat) error {
				return errors.Join(bgr(src, m), gocv.CvtColor(*m, gray, gocv.ColorBGRToGray), bgr(*gray, gray),
					gocv.MultiplyWithParams(*m, *gray, dst, 1./255, -1))
			})
		}},
		{blur, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.GaussianBlur(src, dst, image.Pt(5, 5), 0, 0, gocv.BorderReflect101)
		}},
		{blur, values{"size": 99}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.GaussianBlur(src, dst, image.Pt(99, 99), 0, 0, gocv.BorderReflect101)
		}},
		{blur, values{"size": 7, "sigma": 2.5}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.GaussianBlur(src, dst, image.Pt(7, 7), 2.5, 2.5, gocv.BorderReflect101)
		}},
		{canny, nil, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.Canny(src, dst, 50, 150) }},
		{canny, values{"low": 10, "high": 20}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Canny(src, dst, 10, 20)
		}},
		{canny, values{"low": 99.5, "high": 400}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Canny(src, dst, 99.5, 400)
		}},
		{canny, values{"aperture": 5, "l2": true, "low": 500, "high": 1000}, func(src gocv.Mat, dst *gocv.Mat) error {
			return cv.Canny(src, dst, 500, 1000, 5, true)
		}},
		{channel, nil, func(src gocv.Mat, dst *gocv.Mat) error { return hsvChannel(src, dst, 1) }},
		{channel, values{"channel": "value"},
			func(src gocv.Mat, dst *gocv.Mat) error { return hsvChannel(src, dst, 2) }},
		{channel, values{"channel": "red"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.ExtractChannel(src, dst, 2)
		}},
		{clahe, nil, onLuma(func(src gocv.Mat, dst *gocv.Mat) error { return plainCLAHE(src, dst, 2, 8) })},
		{clahe, values{"tiles": 3}, onLuma(func(src gocv.Mat, dst *gocv.Mat) error {
			return plainCLAHE(src,
				dst, 2, 3)
		})},
		{clahe, values{"clip_limit": 40, "tiles": 16}, onLuma(func(src gocv.Mat, dst *gocv.Mat) error {
			return plainCLAHE(src, dst, 40, 16)
		})},
		{colormap, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.ApplyColorMap(src, dst,
				gocv.ColormapTurbo)
		}},
		{colormap, values{"map": "jet"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.ApplyColorMap(src, dst, gocv.ColormapJet)
		}},
		{colormap, values{"map": "deepgreen"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.ApplyColorMap(src, dst, gocv.ColormapDeepGreen)
		}},
		{contours, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return drawContours(src, dst, gocv.RetrievalTree, lime, 1)
		}},
		{contours, values{"outer": true, "colour": "#010203", "thickness": 3}, func(src gocv.Mat, dst *gocv.Mat) error {
			return drawContours(src, dst, gocv.RetrievalExternal, color.RGBA{R: 1, G: 2, B: 3}, 3)
		}},
		{contours, values{"thickness": 0}, func(src gocv.Mat, dst *gocv.Mat) error {
			return drawContours(src, dst, gocv.RetrievalTree, lime, -1)
		}},
		{corners, nil, func(src gocv.Mat, dst *gocv.Mat) error { return drawCorners(src, dst, 256, 0.01, 10, 3) }},
		{corners, values{"max": 10, "radius": 5}, func(src gocv.Mat, dst *gocv.Mat) error {
			return drawCorners(src, dst, 10, 0.01, 10, 5)
		}},
		{corners, values{"quality": 0.2, "min_distance": 2}, func(src gocv.Mat, dst *gocv.Mat) error {
			return drawCorners(src, dst, 256, 0.2, 2, 3)
		}},
		{crop, nil, func(src gocv.Mat, dst *gocv.Mat) error { return src.CopyTo(dst) }},
		{crop, values{"x": 10, "y": 20}, func(src gocv.Mat, dst *gocv.Mat) error {
			part := src.Region(image.Rect(10, 20, src.Cols(), src.Rows()))
			defer part.Close()
			return part.CopyTo(dst)
		}},
		{crop, values{"x": 1, "y": 2, "width": 32, "height": 30}, func(src gocv.Mat, dst *gocv.Mat) error {
			part := src.Region(image.Rect(1, 2, 33, 32))
			defer part.Close()
			return part.CopyTo(dst)
		}},
		{denoise, nil, func(src gocv.Mat, dst *gocv.Mat) error { return cv.Denoise(src, dst, 3, 3, 5, 9) }},
		{denoise, values{"strength": 10, "patch": 3}, func(src gocv.Mat, dst *gocv.Mat) error {
			return cv.Denoise(src, dst, 10, 3, 3, 9)
		}},
		{denoise, values{"colour_strength": 20, "window": 7}, func(src gocv.Mat, dst *gocv.Mat) error {
			return cv.Denoise(src, dst, 3, 20, 5, 7)
		}},
		{equalize, nil, onLuma(gocv.EqualizeHist)},
		{flip, nil, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.Flip(src, dst, 1) }},
		{flip, values{"axis": "vertical"}, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.Flip(src, dst, 0) }},
		{flip, values{"axis": "both"}, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.Flip(src, dst, -1) }},
		{grid, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return drawGrid(src, dst, 3, 3, color.RGBA{255, 255, 255, 0}, 1)
		}},
		{grid, values{"columns": 1, "thickness": 4}, func(src gocv.Mat, dst *gocv.Mat) error {
			return drawGrid(src, dst, 1, 3, color.RGBA{255, 255, 255, 0}, 4)
		}},
		{grid, values{"rows": 10, "colour": "#102030"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return drawGrid(src, dst, 3, 10, color.RGBA{16, 32, 48, 0}, 1)
		}},
		{houghCircles, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return drawCircles(src, dst, 5, 50, 100, 60, 10, 100)
		}},
		{houghCircles, values{"votes": 12, "min_distance": 20}, func(src gocv.Mat, dst *gocv.Mat) error {
			return drawCircles(src, dst, 5, 20, 100, 12, 10, 100)
		}},
		{houghCircles, values{"votes": 10, "blur": 1, "high": 50, "min_radius": 3, "max_radius": 12},
			func(src gocv.Mat, dst *gocv.Mat) error { return drawCircles(src, dst, 1, 50, 50, 10, 3, 12) }},
		{houghLines, nil, func(src gocv.Mat, dst *gocv.Mat) error { return drawLines(src, dst, 100, 100, 10) }},
		{houghLines, values{"votes": 30, "min_length": 12}, func(src gocv.Mat, dst *gocv.Mat) error {
			return drawLines(src, dst, 30, 12, 10)
		}},
		{houghLines, values{"votes": 5, "min_length": 5, "max_gap": 0}, func(src gocv.Mat, dst *gocv.Mat) error {
			return drawLines(src, dst, 5, 5, 0)
		}},
		{inRange, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.InRangeWithScalar(src, gocv.NewScalar(0, 0, 0, 0), gocv.NewScalar(255, 255, 255, 0), dst)
		}},
		{inRange, values{"blue_from": 50, "green_to": 200, "red_from": 20, "red_to": 180},
			func(src gocv.Mat, dst *gocv.Mat) error {
				return gocv.InRangeWithScalar(src, gocv.NewScalar(50, 0, 20, 0), gocv.NewScalar(255, 200, 180, 0), dst)
			}},
		{inRange, values{"hue_from": 80, "hue_to": 130, "saturation_from": 10, "value_to": 200},
			func(src gocv.Mat, dst *gocv.Mat) error {
				return with(func(hsv, _ *gocv.Mat) error {
					return errors.Join(gocv.CvtColor(src, hsv, gocv.ColorBGRToHSV),
						gocv.InRangeWithScalar(*hsv, gocv.NewScalar(80, 10, 0, 0),
							gocv.NewScalar(130, 255, 200, 0), dst))
				})
			}},
		{inRange, values{"hue_from": 120, "hue_to": 20}, func(src gocv.Mat, dst *gocv.Mat) error { // all but 21 to 119
			return with(func(hsv, _ *gocv.Mat) error {
				return errors.Join(gocv.CvtColor(src, hsv, gocv.ColorBGRToHSV),
					gocv.InRangeWithScalar(*hsv, gocv.NewScalar(21, 0, 0, 0), gocv.NewScalar(119, 255, 255, 0), dst),
					gocv.BitwiseNot(*dst, dst))
			})
		}},
		{invert, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return src.ConvertToWithParams(dst, gocv.MatTypeCV8U, -1, 255)
		}},
		{laplacian, nil, func(src gocv.Mat, dst *gocv.Mat) error { return absLaplacian(src, dst, 1, 1) }},
		{laplacian, values{"scale": 2.5},
			func(src gocv.Mat, dst *gocv.Mat) error { return absLaplacian(src, dst, 1, 2.5) }},
		{laplacian, values{"size": 5, "scale": 0.1}, func(src gocv.Mat, dst *gocv.Mat) error {
			return absLaplacian(src, dst, 5, 0.1)
		}},
		{mask, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return blacken(src, dst, [][2]float64{{0, 0}, {1, 0}, {1, 0.2}, {0, 0.2}})
		}},
		{mask, values{"corners": "50,0 100,100 0,70"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return blacken(src, dst, [][2]float64{{0.5, 0}, {1, 1}, {0, 0.7}})
		}},
		{mask, values{"corners": "0,0 100,100 100,0 0,100"}, func(src gocv.Mat, dst *gocv.Mat) error { // crosses itself
			return blacken(src, dst, [][2]float64{{0, 0}, {1, 1}, {1, 0}, {0, 1}})
		}},
		{median, nil, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.MedianBlur(src, dst, 5) }},
		{median, values{"size": 3}, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.MedianBlur(src, dst, 3) }},
		{median, values{"size": 31}, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.MedianBlur(src, dst, 31) }},
		{morphology, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return morph(src, dst, gocv.MorphOpen, gocv.MorphRect, 3, 1)
		}},
		{morphology, values{"operation": "black_hat", "shape": "ellipse", "size": 7},
			func(src gocv.Mat, dst *gocv.Mat) error {
				return morph(src, dst, gocv.MorphBlackhat, gocv.MorphEllipse, 7, 1)
			}},
		{morphology, values{"operation": "erode", "shape": "cross", "iterations": 3},
			func(src gocv.Mat, dst *gocv.Mat) error {
				return morph(src, dst, gocv.MorphErode, gocv.MorphCross, 3, 3)
			}},
		{perspective, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return warp(src, dst, image.Pt(src.Cols(), src.Rows()), 0.2, 0.2, 0.8, 0.2, 1, 1, 0, 1)
		}},
		{perspective, values{"width": 100, "height": 50}, func(src gocv.Mat, dst *gocv.Mat) error {
			return warp(src, dst, image.Pt(100, 50), 0.2, 0.2, 0.8, 0.2, 1, 1, 0, 1)
		}},
		{perspective, values{"corners": "0,25 50,0 100,50 50,100"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return warp(src, dst, image.Pt(src.Cols(), src.Rows()), 0, 0.25, 0.5, 0, 1, 0.5, 0.5, 1)
		}},
		{resize, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			size := image.Pt((src.Cols()+1)/2, (src.Rows()+1)/2)
			return gocv.Resize(src, dst, size, 0, 0, gocv.InterpolationArea)
		}},
		{resize, values{"scale": 1.5}, func(src gocv.Mat, dst *gocv.Mat) error {
			size := image.Pt((src.Cols()*3+1)/2, (src.Rows()*3+1)/2)
			return gocv.Resize(src, dst, size, 0, 0, gocv.InterpolationLinear)
		}},
		{resize, values{"width": 320, "interpolation": "lanczos"}, func(src gocv.Mat, dst *gocv.Mat) error {
			size := image.Pt(320, int(math.Round(float64(src.Rows())*320/float64(src.Cols()))))
			return gocv.Resize(src, dst, size, 0, 0, gocv.InterpolationLanczos4)
		}},
		{resize, values{"width": 700, "height": 100, "interpolation": "cubic"},
			func(src gocv.Mat, dst *gocv.Mat) error {
				return gocv.Resize(src, dst, image.Pt(700, 100), 0, 0, gocv.InterpolationCubic)
			}},
		{rotate, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Rotate(src, dst,
				gocv.Rotate180Clockwise)
		}},
		{rotate, values{"degrees": 90}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Rotate(src, dst, gocv.Rotate90Clockwise)
		}},
		{rotate, values{"degrees": 270}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Rotate(src, dst, gocv.Rotate90CounterClockwise)
		}},
		{scharr, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return absGradient(src, dst, filterScharr,
				1, 0.5, 0.5)
		}},
		{scharr, values{"scale": 0.125}, func(src gocv.Mat, dst *gocv.Mat) error {
			return absGradient(src, dst, filterScharr, 0.125, 0.5, 0.5)
		}},
		{scharr, values{"direction": "y"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return absGradient(src, dst, filterScharr, 1, 0, 1)
		}},
		{sharpen, nil, func(src gocv.Mat, dst *gocv.Mat) error { return unsharp(src, dst, 7, 1, 2, -1) }},
		{sharpen, values{"amount": 2.5}, func(src gocv.Mat, dst *gocv.Mat) error {
			return unsharp(src, dst, 7, 1, 3.5, -2.5)
		}},
		{sharpen, values{"radius": 3}, func(src gocv.Mat, dst *gocv.Mat) error {
			return unsharp(src, dst,
				19, 3, 2, -1)
		}},
		{sideBySide, nil, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.Hconcat(src, src, dst) }},
		{sideBySide, values{"original": "left"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Hconcat(src, src, dst)
		}},
		{sideBySide, values{"original": "above"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Vconcat(src, src, dst)
		}},
		{sobel, nil, func(src gocv.Mat, dst *gocv.Mat) error { return absGradient(src, dst, 3, 1, 0.5, 0.5) }},
		{sobel, values{"size": 1, "direction": "x"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return absGradient(src, dst, 1, 1, 1, 0)
		}},
		{sobel, values{"size": 7, "scale": 0.01}, func(src gocv.Mat, dst *gocv.Mat) error {
			return absGradient(src, dst, 7, 0.01, 0.5, 0.5)
		}},
		{template, values{"image": file}, func(src gocv.Mat, dst *gocv.Mat) error {
			return drawMatches(src, dst, small, 0.8, 1, 2)
		}},
		{template, values{"image": file, "threshold": 0.3, "max": 7}, func(src gocv.Mat, dst *gocv.Mat) error {
			return drawMatches(src, dst, small, 0.3, 7, 2)
		}},
		{template, values{"image": file, "threshold": 0.1, "max": 100, "thickness": 1},
			func(src gocv.Mat, dst *gocv.Mat) error { return drawMatches(src, dst, small, 0.1, 100, 1) }},
		{text, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return errors.Join(src.CopyTo(dst), typed(dst, "picam", image.Pt(10, 32), white,
				typeset.Style{Height: 22, Thickness: 2, Outline: true}))
		}},
		{text, values{"text": "Größe 100 %", "corner": "bottom_right", "outline": false, "colour": "lime"},
			func(src gocv.Mat, dst *gocv.Mat) error {
				style := typeset.Style{Height: 22, Thickness: 2}
				w := typeset.NewWriter(style)
				at := image.Pt(src.Cols()-10-w.Width("Größe 100 %"), src.Rows()-10-w.Descent())
				return errors.Join(src.CopyTo(dst), typed(dst, "Größe 100 %", at, lime, style))
			}},
		{text, values{"size": 0.5, "thickness": 1, "outline": false, "corner": "middle"},
			func(src gocv.Mat, dst *gocv.Mat) error {
				style := typeset.Style{Height: 11, Thickness: 1}
				at := image.Pt((src.Cols()-typeset.NewWriter(style).Width("picam"))/2, (src.Rows()+11)/2)
				return errors.Join(src.CopyTo(dst), typed(dst, "picam", at, white, style))
			}},
		{threshold, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			gocv.Threshold(src, dst, 127, 255, gocv.ThresholdBinary)
			return nil
		}},
		{threshold, values{"threshold": 66, "type": "truncate"}, func(src gocv.Mat, dst *gocv.Mat) error {
			gocv.Threshold(src, dst, 66, 255, gocv.ThresholdTrunc)
			return nil
		}},
		{threshold, values{"method": "otsu", "type": "inverse"}, func(src gocv.Mat, dst *gocv.Mat) error {
			gocv.Threshold(src, dst, 0, 255, gocv.ThresholdBinaryInv|gocv.ThresholdOtsu)
			return nil
		}},
		{threshold, values{"method": "triangle"}, func(src gocv.Mat, dst *gocv.Mat) error {
			gocv.Threshold(src, dst, 0, 255, gocv.ThresholdBinary|gocv.ThresholdTriangle)
			return nil
		}},
		{timestamp, nil, func(src gocv.Mat, dst *gocv.Mat) error { return stamp(src, dst, "2026-11-25 09:05:07") }},
		{timestamp, values{"format": "{camera} {seq}, {fps} fps, %H:%M:%S.%L", "utc": true},
			func(src gocv.Mat, dst *gocv.Mat) error { return stamp(src, dst, "door 17, 25.0 fps, 09:05:07.030") }},
		{timestamp, values{"format": "%a %e %B %y %j %I %p 100%%"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return stamp(src, dst, "Wed 25 November 26 329 09 AM 100%")
		}},
		{undistort, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			w, h := float64(src.Cols()), float64(src.Rows())
			return remap(src, dst, cv.Camera{FX: w, FY: w, CX: (w - 1) / 2, CY: (h - 1) / 2, K1: -0.2})
		}},
		{undistort, values{"fx": 200, "fy": 190, "k1": 0.1, "k2": -0.05, "k3": 1},
			func(src gocv.Mat, dst *gocv.Mat) error {
				w, h := float64(src.Cols()), float64(src.Rows())
				return remap(src, dst, cv.Camera{FX: 200, FY: 190, CX: (w - 1) / 2, CY: (h - 1) / 2, K1: 0.1,
					K2: -0.05, K3: 1})
			}},
		{undistort, values{"fx": 100, "cx": 20, "cy": 30, "p1": 0.05, "p2": -0.02},
			func(src gocv.Mat, dst *gocv.Mat) error {
				return remap(src, dst, cv.Camera{FX: 100, FY: 100, CX: 20, CY: 30, K1: -0.2, P1: 0.05, P2: -0.02})
			}},
	}
	tested, changed := map[string]int{}, map[string]bool{}
	for _, tt := range tests {
		st := configure(t, tt.kind, tt.values)
		tested[tt.kind.Name]++
		for _, size := range againstSizes {
			for _, typ := range inputs(tt.kind) {
				t.Run(fmt.Sprintf("%s on %d×%d %s", st, size[0], size[1], typ), func(t *testing.T) {
					src, got, want := texture(t, size[0], size[1], typ, 1), empty(t), empty(t)
					if err := open(t, st).Apply(src, &got, metaOf(t, tt.kind, src)); err != nil {
						t.Fatal(err)
					}
					if err := tt.direct(src, &want); err != nil {
						t.Fatal(err)
					}
					changed[tt.kind.Name] = changed[tt.kind.Name] || !equal(src, want)
					if !equal(got, want) {
						t.Errorf("%d×%d pixels differ from OpenCV's own %d×%d",
							got.Cols(), got.Rows(), want.Cols(), want.Rows())
					}
				})
			}
		}
	}
	for _, k := range All() {
		if k.New == nil || k.Stateful || slices.Contains([]string{"exec", "faces", "grabcut", "qr", "wasm"}, k.Name) {
			continue // is only a format, or has a test of its own
		}
		want := 3 // the defaults and two other settings
		if len(Declared(k)) == 0 {
			want = 1
		}
		if tested[k.Name] < want {
			t.Errorf("%s is tested with %d settings, want %d", k.Name, tested[k.Name], want)
		}
		if !changed[k.Name] {
			t.Errorf("%s leaves all frames as they are", k.Name)
		}
	}
}

// againstSizes are frames in cols × rows.
var againstSizes = [][2]int{{320, 240}, {161, 119}, {33, 47}}

// with lends call two Mats.
func with(call func(a, b *gocv.Mat) error) error {
	a, b := gocv.NewMat(), gocv.NewMat()
	defer a.Close()
	defer b.Close()
	return call(&a, &b)
}

func hsvChannel(src gocv.Mat, dst *gocv.Mat, index int) error {
	return with(func(hsv, _ *gocv.Mat) error {
		return errors.Join(gocv.CvtColor(src, hsv, gocv.ColorBGRToHSV), gocv.ExtractChannel(*hsv, dst, index))
	})
}

func unsharp(src gocv.Mat, dst *gocv.Mat, size int, sigma, frame, smooth float64) error {
	return with(func(s, _ *gocv.Mat) error {
		return errors.Join(gocv.GaussianBlur(src, s, image.Pt(size, size), sigma, sigma, gocv.BorderReflect101),
			gocv.AddWeighted(src, frame, *s, smooth, 0, dst))
	})
}

func absLaplacian(src gocv.Mat, dst *gocv.Mat, size int, scale float64) error {
	return with(func(m, _ *gocv.Mat) error {
		return errors.Join(gocv.Laplacian(src, m, gocv.MatTypeCV64F, size, scale, 0, gocv.BorderReflect101),
			gocv.ConvertScaleAbs(*m, dst, 1, 0))
	})
}

// filterScharr is the size by which gocv.Sobel knows Scharr's kernels.
const filterScharr = -1

func absGradient(src gocv.Mat, dst *gocv.Mat, size int, scale, weightX, weightY float64) error {
	return with(func(x, y *gocv.Mat) error {
		return errors.Join(gocv.Sobel(src, x, gocv.MatTypeCV16S, 1, 0, size, scale, 0, gocv.BorderReflect101),
			gocv.Sobel(src, y, gocv.MatTypeCV16S, 0, 1, size, scale, 0, gocv.BorderReflect101),
			gocv.ConvertScaleAbs(*x, x, 1, 0), gocv.ConvertScaleAbs(*y, y, 1, 0),
			gocv.AddWeighted(*x, weightX, *y, weightY, 0, dst))
	})
}

var (
	lime  = color.RGBA{G: 255}
	white = color.RGBA{R: 255, G: 255, B: 255}
)

// edgesIn has the edges that filters look for at their defaults.
func edgesIn(src gocv.Mat, dst *gocv.Mat) error {
	return errors.Join(gocv.CvtColor(src, dst, gocv.ColorBGRToGray),
		gocv.GaussianBlur(*dst, dst, image.Pt(5, 5), 0, 0, gocv.BorderReflect101), gocv.Canny(*dst, dst, 50, 150))
}

func drawContours(src gocv.Mat, dst *gocv.Mat, mode gocv.RetrievalMode, colour color.RGBA, thickness int) error {
	return with(func(m, _ *gocv.Mat) error {
		if err := errors.Join(edgesIn(src, m), src.CopyTo(dst)); err != nil {
			return err
		}
		found := gocv.FindContours(*m, mode, gocv.ChainApproxSimple)
		defer found.Close()
		return gocv.DrawContours(dst, found, -1, colour, thickness)
	})
}

func drawCorners(src gocv.Mat, dst *gocv.Mat, most int, quality, distance float64, radius int) error {
	return with(func(m, found *gocv.Mat) error {
		if err := errors.Join(gocv.CvtColor(src, m, gocv.ColorBGRToGray), src.CopyTo(dst),
			gocv.GoodFeaturesToTrack(*m, found, most, quality, distance)); err != nil {
			return err
		}
		for i := range found.Rows() {
			p := found.GetVecfAt(i, 0)
			if err := gocv.Circle(dst, image.Pt(int(p[0]), int(p[1])), radius, lime, 1); err != nil {
				return err
			}
		}
		return nil
	})
}

func drawCircles(src gocv.Mat, dst *gocv.Mat, blur int, distance, high, votes float64, least, most int) error {
	return with(func(m, found *gocv.Mat) error {
		if err := errors.Join(gocv.CvtColor(src, m, gocv.ColorBGRToGray), src.CopyTo(dst),
			gocv.GaussianBlur(*m, m, image.Pt(blur, blur), 0, 0, gocv.BorderReflect101),
			gocv.HoughCirclesWithParams(*m, found, gocv.HoughGradient, 1, distance, high, votes, least,
				most)); err != nil {
			return err
		}
		for i := range found.Cols() {
			c := found.GetVecfAt(0, i)
			middle := image.Pt(int(math.Round(float64(c[0]))), int(math.Round(float64(c[1]))))
			if err := gocv.Circle(dst, middle, int(math.Round(float64(c[2]))), lime, 2); err != nil {
				return err
			}
		}
		return nil
	})
}

func drawLines(src gocv.Mat, dst *gocv.Mat, votes int, length, gap float32) error {
	return with(func(m, found *gocv.Mat) error {
		if err := errors.Join(edgesIn(src, m), src.CopyTo(dst),
			gocv.HoughLinesPWithParams(*m, found, 1, math.Pi/180, votes, length, gap)); err != nil {
			return err
		}
		for i := range found.Rows() {
			l := found.GetVeciAt(i, 0)
			if err := gocv.Line(dst, image.Pt(int(l[0]), int(l[1])), image.Pt(int(l[2]), int(l[3])), lime,
				1); err != nil {
				return err
			}
		}
		return nil
	})
}

// bgr makes a frame colour if it is not.
func bgr(src gocv.Mat, dst *gocv.Mat) error {
	if src.Channels() == 3 {
		return src.CopyTo(dst)
	}
	return gocv.CvtColor(src, dst, gocv.ColorGrayToBGR)
}

// paint lays paint over the frame where it is itself bright.
func paint(src gocv.Mat, dst *gocv.Mat, alpha float32, colour gocv.Scalar) error {
	solid := gocv.NewMatWithSizeFromScalar(colour, src.Rows(), src.Cols(), gocv.MatTypeCV8UC3)
	defer solid.Close()
	return with(func(m, weight *gocv.Mat) error {
		return errors.Join(bgr(src, m), gocv.CvtColor(*m, weight, gocv.ColorBGRToGray), bgr(*weight, weight),
			weight.ConvertToWithParams(weight, -1, alpha, 0),
			gocv.MultiplyWithParams(solid, *weight, &solid, 1./255, -1),
			gocv.BitwiseNot(*weight, weight), gocv.MultiplyWithParams(*m, *weight, m, 1./255, -1),
			gocv.Add(*m, solid, dst))
	})
}

func drawMatches(src gocv.Mat, dst *gocv.Mat, small gocv.Mat, least float32, most, thickness int) error {
	return with(func(likeness, none *gocv.Mat) error {
		err := errors.Join(src.CopyTo(dst), gocv.MatchTemplate(src, small, likeness, gocv.TmCcoeffNormed, *none))
		for range most {
			_, score, _, at := gocv.MinMaxLoc(*likeness)
			if score < least {
				break
			}
			w, h := small.Cols(), small.Rows()
			box := image.Rect(at.X, at.Y, at.X+w-1, at.Y+h-1)
			err = errors.Join(err, gocv.Rectangle(dst, box, lime, thickness))
			for y := max(at.Y-h/2, 0); y <= min(at.Y+h/2, likeness.Rows()-1); y++ {
				for x := max(at.X-w/2, 0); x <= min(at.X+w/2, likeness.Cols()-1); x++ {
					likeness.SetFloatAt(y, x, 0)
				}
			}
		}
		return err
	})
}

// stamp writes as timestamp does where it is told nothing else.
func stamp(src gocv.Mat, dst *gocv.Mat, line string) error {
	style := typeset.Style{Height: 17.6, Thickness: 2, Outline: true}
	at := image.Pt(10, src.Rows()-10-typeset.NewWriter(style).Descent())
	return errors.Join(src.CopyTo(dst), typed(dst, line, at, white, style))
}

func morph(src gocv.Mat, dst *gocv.Mat, op gocv.MorphType, shape gocv.MorphShape, size, times int) error {
	kernel := gocv.GetStructuringElement(shape, image.Pt(size, size))
	defer kernel.Close()
	return gocv.MorphologyExWithParams(src, dst, op, kernel, times, gocv.BorderConstant)
}

// warp makes a frame of that size of the part whose corners are given as x and y in fractions of src.
func warp(src gocv.Mat, dst *gocv.Mat, size image.Point, corners ...float32) error {
	var from []gocv.Point2f
	for i := 0; i < len(corners); i += 2 {
		from = append(from, gocv.NewPoint2f(corners[i]*float32(src.Cols()-1), corners[i+1]*float32(src.Rows()-1)))
	}
	right, bottom := float32(size.X-1), float32(size.Y-1)
	a := gocv.NewPoint2fVectorFromPoints(from)
	defer a.Close()
	b := gocv.NewPoint2fVectorFromPoints([]gocv.Point2f{{}, {X: right}, {X: right, Y: bottom}, {Y: bottom}})
	defer b.Close()
	m := gocv.GetPerspectiveTransform2f(a, b)
	defer m.Close()
	return gocv.WarpPerspective(src, dst, m, size)
}

func remap(src gocv.Mat, dst *gocv.Mat, c cv.Camera) error {
	return with(func(a, b *gocv.Mat) error {
		return errors.Join(cv.UndistortMaps(a, b, image.Pt(src.Cols(), src.Rows()), c),
			gocv.Remap(src, dst, a, b, gocv.InterpolationLinear, gocv.BorderConstant, color.RGBA{}))
	})
}

func drawGrid(src gocv.Mat, dst *gocv.Mat, columns, rows int, colour color.RGBA, thickness int) error {
	err := src.CopyTo(dst)
	for i := 1; i < columns; i++ {
		x := i * src.Cols() / columns
		err = errors.Join(err, gocv.Line(dst, image.Pt(x, 0), image.Pt(x, src.Rows()), colour, thickness))
	}
	for i := 1; i < rows; i++ {
		y := i * src.Rows() / rows
		err = errors.Join(err, gocv.Line(dst, image.Pt(0, y), image.Pt(src.Cols(), y), colour, thickness))
	}
	return err
}

func blacken(src gocv.Mat, dst *gocv.Mat, corners [][2]float64) error {
	var points []image.Point
	for _, c := range corners {
		points = append(points, image.Pt(int(math.RoundToEven(c[0]*float64(src.Cols()-1))),
			int(math.RoundToEven(c[1]*float64(src.Rows()-1)))))
	}
	polygon := gocv.NewPointsVectorFromPoints([][]image.Point{points})
	defer polygon.Close()
	return errors.Join(src.CopyTo(dst), gocv.FillPoly(dst, polygon, color.RGBA{}))
}

func typed(dst *gocv.Mat, line string, at image.Point, colour color.RGBA, style typeset.Style) error {
	bgr, err := dst.DataPtrUint8()
	if err != nil {
		return err
	}
	typeset.NewWriter(style).Write(bgr, dst.Cols(), line, at, colour)
	return nil
}

func plainCLAHE(src gocv.Mat, dst *gocv.Mat, limit float64, tiles int) error {
	c := gocv.NewCLAHEWithParams(limit, image.Pt(tiles, tiles))
	defer c.Close()
	return c.Apply(src, dst)
}

// onLuma is work on a gray frame, or on the brightness of a colour frame, taken apart and put together again.
func onLuma(work Filter) Filter {
	return func(src gocv.Mat, dst *gocv.Mat) error {
		if src.Channels() == 1 {
			return work(src, dst)
		}
		return with(func(ycc, y *gocv.Mat) error {
			if err := gocv.CvtColor(src, ycc, gocv.ColorBGRToYCrCb); err != nil {
				return err
			}
			planes := gocv.Split(*ycc)
			defer func() {
				for i := range planes {
					planes[i].Close()
				}
			}()
			return errors.Join(work(planes[0], y), gocv.Merge([]gocv.Mat{*y, planes[1], planes[2]}, ycc),
				gocv.CvtColor(*ycc, dst, gocv.ColorYCrCbToBGR))
		})
	}
}

func equal(a, b gocv.Mat) bool {
	return a.Rows() == b.Rows() && a.Cols() == b.Cols() && a.Type() == b.Type() && bytes.Equal(pixels(a), pixels(b))
}

// BenchmarkFilter is each filter at its defaults on a frame of 1280 × 720.
func BenchmarkFilter(b *testing.B) {
	gocv.SetNumThreads(1)
	for _, k := range All() {
		for _, typ := range inputs(k) {
			b.Run(k.Name+"/"+typ.String(), func(b *testing.B) {
				r := open(b, configure(b, k, needs(b, k)))
				src, dst := texture(b, 1280, 720, typ, 1), empty(b)
				meta := metaOf(b, k, src)
				if err := r.Apply(src, &dst, meta); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				b.SetBytes(int64(src.Total() * src.Channels()))
				for b.Loop() {
					meta.Found = meta.Found[:0]
					if err := r.Apply(src, &dst, meta); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
