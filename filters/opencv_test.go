package filters

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"math"
	"testing"

	"gocv.io/x/gocv"

	"picam/filters/cv"
)

// TestAgainstOpenCV holds that filters give, pixel by pixel, what the plain calls of OpenCV give that they stand for,
// each at its defaults and with other values.
func TestAgainstOpenCV(t *testing.T) {
	type values = map[string]any
	tests := []struct {
		kind   Kind
		values values
		direct Filter
	}{
		{adjust, nil, func(src gocv.Mat, dst *gocv.Mat) error { return src.CopyTo(dst) }},
		{adjust, values{"contrast": 1.5, "brightness": -10}, func(src gocv.Mat, dst *gocv.Mat) error {
			return src.ConvertToWithParams(dst, gocv.MatTypeCV8U, 1.5, 128-1.5*128-10)
		}},
		{adjust, values{"gamma": 2}, func(src gocv.Mat, dst *gocv.Mat) error {
			return with(func(f *gocv.Mat) error {
				return errors.Join(src.ConvertToWithParams(f, gocv.MatTypeCV32F, 1.0/255, 0), gocv.Pow(*f, 0.5, f),
					f.ConvertToWithParams(dst, gocv.MatTypeCV8U, 255, 0))
			})
		}},
		{adjust, values{"saturation": 0}, func(src gocv.Mat, dst *gocv.Mat) error {
			if src.Channels() == 1 {
				return src.CopyTo(dst)
			}
			return with(func(gray *gocv.Mat) error {
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
		{channel, values{"channel": "value"}, func(src gocv.Mat, dst *gocv.Mat) error { return hsvChannel(src, dst, 2) }},
		{channel, values{"channel": "red"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.ExtractChannel(src, dst, 2)
		}},
		{clahe, nil, onLuma(func(src gocv.Mat, dst *gocv.Mat) error { return plainCLAHE(src, dst, 2, 8) })},
		{clahe, values{"tiles": 3}, onLuma(func(src gocv.Mat, dst *gocv.Mat) error { return plainCLAHE(src, dst, 2, 3) })},
		{clahe, values{"clip_limit": 40, "tiles": 16}, onLuma(func(src gocv.Mat, dst *gocv.Mat) error {
			return plainCLAHE(src, dst, 40, 16)
		})},
		{colormap, nil, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.ApplyColorMap(src, dst, gocv.ColormapTurbo) }},
		{colormap, values{"map": "jet"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.ApplyColorMap(src, dst, gocv.ColormapJet)
		}},
		{colormap, values{"map": "deepgreen"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.ApplyColorMap(src, dst, gocv.ColormapDeepGreen)
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
		{inRange, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.InRangeWithScalar(src, gocv.NewScalar(0, 0, 0, 0), gocv.NewScalar(255, 255, 255, 0), dst)
		}},
		{inRange, values{"blue_from": 50, "green_to": 200, "red_from": 20, "red_to": 180},
			func(src gocv.Mat, dst *gocv.Mat) error {
				return gocv.InRangeWithScalar(src, gocv.NewScalar(50, 0, 20, 0), gocv.NewScalar(255, 200, 180, 0), dst)
			}},
		{inRange, values{"hue_from": 80, "hue_to": 130, "saturation_from": 10, "value_to": 200},
			func(src gocv.Mat, dst *gocv.Mat) error {
				return with(func(hsv *gocv.Mat) error {
					return errors.Join(gocv.CvtColor(src, hsv, gocv.ColorBGRToHSV),
						gocv.InRangeWithScalar(*hsv, gocv.NewScalar(80, 10, 0, 0), gocv.NewScalar(130, 255, 200, 0), dst))
				})
			}},
		{inRange, values{"hue_from": 120, "hue_to": 20}, func(src gocv.Mat, dst *gocv.Mat) error { // all but 21 to 119
			return with(func(hsv *gocv.Mat) error {
				return errors.Join(gocv.CvtColor(src, hsv, gocv.ColorBGRToHSV),
					gocv.InRangeWithScalar(*hsv, gocv.NewScalar(21, 0, 0, 0), gocv.NewScalar(119, 255, 255, 0), dst),
					gocv.BitwiseNot(*dst, dst))
			})
		}},
		{invert, nil, func(src gocv.Mat, dst *gocv.Mat) error {
			return src.ConvertToWithParams(dst, gocv.MatTypeCV8U, -1, 255)
		}},
		{laplacian, nil, func(src gocv.Mat, dst *gocv.Mat) error { return absLaplacian(src, dst, 1, 1) }},
		{laplacian, values{"scale": 2.5}, func(src gocv.Mat, dst *gocv.Mat) error { return absLaplacian(src, dst, 1, 2.5) }},
		{laplacian, values{"size": 5, "scale": 0.1}, func(src gocv.Mat, dst *gocv.Mat) error {
			return absLaplacian(src, dst, 5, 0.1)
		}},
		{median, nil, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.MedianBlur(src, dst, 5) }},
		{median, values{"size": 3}, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.MedianBlur(src, dst, 3) }},
		{median, values{"size": 31}, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.MedianBlur(src, dst, 31) }},
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
		{resize, values{"width": 700, "height": 100, "interpolation": "cubic"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Resize(src, dst, image.Pt(700, 100), 0, 0, gocv.InterpolationCubic)
		}},
		{rotate, nil, func(src gocv.Mat, dst *gocv.Mat) error { return gocv.Rotate(src, dst, gocv.Rotate180Clockwise) }},
		{rotate, values{"degrees": 90}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Rotate(src, dst, gocv.Rotate90Clockwise)
		}},
		{rotate, values{"degrees": 270}, func(src gocv.Mat, dst *gocv.Mat) error {
			return gocv.Rotate(src, dst, gocv.Rotate90CounterClockwise)
		}},
		{scharr, nil, func(src gocv.Mat, dst *gocv.Mat) error { return absGradient(src, dst, filterScharr, 1, 0.5, 0.5) }},
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
		{sharpen, values{"radius": 3}, func(src gocv.Mat, dst *gocv.Mat) error { return unsharp(src, dst, 19, 3, 2, -1) }},
		{sobel, nil, func(src gocv.Mat, dst *gocv.Mat) error { return absGradient(src, dst, 3, 1, 0.5, 0.5) }},
		{sobel, values{"size": 1, "direction": "x"}, func(src gocv.Mat, dst *gocv.Mat) error {
			return absGradient(src, dst, 1, 1, 1, 0)
		}},
		{sobel, values{"size": 7, "scale": 0.01}, func(src gocv.Mat, dst *gocv.Mat) error {
			return absGradient(src, dst, 7, 0.01, 0.5, 0.5)
		}},
	}
	tested := map[string]int{}
	for _, tt := range tests {
		st := configure(t, tt.kind, tt.values)
		tested[tt.kind.Name]++
		for _, size := range [][2]int{{320, 240}, {161, 119}, {33, 47}} {
			for _, typ := range inputs(tt.kind) {
				t.Run(fmt.Sprintf("%s on %d×%d %s", st, size[0], size[1], typ), func(t *testing.T) {
					src, got, want := texture(t, size[0], size[1], typ, 1), empty(t), empty(t)
					if err := open(t, st).Apply(src, &got); err != nil {
						t.Fatal(err)
					}
					if err := tt.direct(src, &want); err != nil {
						t.Fatal(err)
					}
					if !equal(got, want) {
						t.Errorf("%d×%d pixels differ from OpenCV's own %d×%d",
							got.Cols(), got.Rows(), want.Cols(), want.Rows())
					}
				})
			}
		}
	}
	for _, k := range All() {
		want := 3 // the defaults and two other settings
		if len(configure(t, k, nil).Params()) == 0 {
			want = 1
		}
		if tested[k.Name] < want && k.New != nil {
			t.Errorf("%s is tested with %d settings, want %d", k.Name, tested[k.Name], want)
		}
	}
}

// with lends call a Mat.
func with(call func(scratch *gocv.Mat) error) error {
	m := gocv.NewMat()
	defer m.Close()
	return call(&m)
}

func hsvChannel(src gocv.Mat, dst *gocv.Mat, index int) error {
	return with(func(hsv *gocv.Mat) error {
		return errors.Join(gocv.CvtColor(src, hsv, gocv.ColorBGRToHSV), gocv.ExtractChannel(*hsv, dst, index))
	})
}

func unsharp(src gocv.Mat, dst *gocv.Mat, size int, sigma, picture, smooth float64) error {
	return with(func(s *gocv.Mat) error {
		return errors.Join(gocv.GaussianBlur(src, s, image.Pt(size, size), sigma, sigma, gocv.BorderReflect101),
			gocv.AddWeighted(src, picture, *s, smooth, 0, dst))
	})
}

func absLaplacian(src gocv.Mat, dst *gocv.Mat, size int, scale float64) error {
	return with(func(m *gocv.Mat) error {
		return errors.Join(gocv.Laplacian(src, m, gocv.MatTypeCV64F, size, scale, 0, gocv.BorderReflect101),
			gocv.ConvertScaleAbs(*m, dst, 1, 0))
	})
}

// filterScharr is the size by which gocv.Sobel knows Scharr's kernels.
const filterScharr = -1

func absGradient(src gocv.Mat, dst *gocv.Mat, size int, scale, weightX, weightY float64) error {
	return with(func(x *gocv.Mat) error {
		return with(func(y *gocv.Mat) error {
			return errors.Join(gocv.Sobel(src, x, gocv.MatTypeCV16S, 1, 0, size, scale, 0, gocv.BorderReflect101),
				gocv.Sobel(src, y, gocv.MatTypeCV16S, 0, 1, size, scale, 0, gocv.BorderReflect101),
				gocv.ConvertScaleAbs(*x, x, 1, 0), gocv.ConvertScaleAbs(*y, y, 1, 0),
				gocv.AddWeighted(*x, weightX, *y, weightY, 0, dst))
		})
	})
}

func plainCLAHE(src gocv.Mat, dst *gocv.Mat, limit float64, tiles int) error {
	c := gocv.NewCLAHEWithParams(limit, image.Pt(tiles, tiles))
	defer c.Close()
	return c.Apply(src, dst)
}

// onLuma is work on a gray picture, or on the brightness of a colour picture, taken apart and put together again.
func onLuma(work Filter) Filter {
	return func(src gocv.Mat, dst *gocv.Mat) error {
		if src.Channels() == 1 {
			return work(src, dst)
		}
		return with(func(ycc *gocv.Mat) error {
			if err := gocv.CvtColor(src, ycc, gocv.ColorBGRToYCrCb); err != nil {
				return err
			}
			planes := gocv.Split(*ycc)
			defer func() {
				for i := range planes {
					planes[i].Close()
				}
			}()
			return with(func(y *gocv.Mat) error {
				return errors.Join(work(planes[0], y), gocv.Merge([]gocv.Mat{*y, planes[1], planes[2]}, ycc),
					gocv.CvtColor(*ycc, dst, gocv.ColorYCrCbToBGR))
			})
		})
	}
}

func equal(a, b gocv.Mat) bool {
	return a.Rows() == b.Rows() && a.Cols() == b.Cols() && a.Type() == b.Type() && bytes.Equal(pixels(a), pixels(b))
}

// BenchmarkFilter is each filter at its defaults on a picture of 1280 × 720.
func BenchmarkFilter(b *testing.B) {
	gocv.SetNumThreads(1)
	for _, k := range All() {
		for _, typ := range inputs(k) {
			b.Run(k.Name+"/"+typ.String(), func(b *testing.B) {
				r := open(b, configure(b, k, nil))
				src, dst := texture(b, 1280, 720, typ, 1), empty(b)
				if err := r.Apply(src, &dst); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				b.SetBytes(int64(src.Total() * src.Channels()))
				for b.Loop() {
					if err := r.Apply(src, &dst); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
