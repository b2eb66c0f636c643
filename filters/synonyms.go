package filters

import (
	"picam/internal/wording"
	"strings"
)

// synonyms are other words for filters: those of other spellings, of OpenCV and of other programs.
func synonyms() map[string]string {
	return map[string]string{
		"gray": "grayscale", "grey": "grayscale", "greyscale": "grayscale", "monochrome": "grayscale", "bw": "grayscale",
		"black_and_white": "grayscale", "desaturate": "grayscale", "cvtcolor": "grayscale",
		"gaussian": "blur", "gaussian_blur": "blur", "gaussianblur": "blur", "smooth": "blur", "soften": "blur",
		"median_blur": "median", "medianblur": "median", "bilateral_filter": "bilateral",
		"edge": "canny", "edges": "canny", "edge_detection": "canny", "outline": "contours", "outlines": "contours",
		"color": "adjust", "colour": "adjust", "brightness": "adjust", "contrast": "adjust", "gamma": "adjust", "saturation": "adjust",
		"levels": "adjust", "colourmap": "colormap", "heatmap": "colormap", "thermal": "colormap", "false_color": "colormap",
		"false_colour": "colormap", "negative": "invert", "inverse": "invert", "not": "invert",
		"mirror": "flip", "hflip": "flip", "vflip": "flip", "turn": "rotate", "rotation": "rotate", "transpose": "rotate",
		"scale": "resize", "size": "resize", "shrink": "resize", "roi": "crop", "cut": "crop", "trim": "crop",
		"face": "faces", "face_detection": "faces", "haar": "faces", "qrcode": "qr", "qr_code": "qr", "barcode": "qr",
		"binary": "threshold", "binarize": "threshold", "otsu": "threshold", "adaptive": "adaptive_threshold",
		"erode": "morphology", "dilate": "morphology", "open": "morphology", "close": "morphology",
		"histogram": "equalize", "equalise": "equalize", "histeq": "equalize",
		"movement": "motion", "motion_detection": "motion_boxes", "diff": "difference", "absdiff": "difference",
		"background": "motion", "bgsub": "motion", "mog2": "motion", "flow": "optical_flow", "farneback": "optical_flow",
		"hough": "hough_lines", "lines": "hough_lines", "circles": "hough_circles", "derivative": "sobel", "gradient": "sobel",
		"label": "text", "title": "text", "caption": "text", "puttext": "text", "clock": "timestamp", "time": "timestamp", "date": "timestamp",
		"compare": "side_by_side", "split": "side_by_side", "hsv": "in_range", "inrange": "in_range", "chroma_key": "in_range",
		"unsharp": "sharpen", "noise_reduction": "denoise", "nlmeans": "denoise", "warp": "perspective", "keystone": "perspective",
		"lens": "undistort", "distortion": "undistort", "match": "template", "template_matching": "template", "features": "corners",
		"python": "exec", "script": "exec", "program": "exec", "custom": "exec", "webassembly": "wasm", "overlay": "blend",
		"privacy": "mask", "hide": "mask", "blackout": "mask", "segment": "grabcut", "foreground": "grabcut",
	}
}

// NearestName returns the filter that a user who typed name most likely meant: by a synonym, else as wording.Nearest; "" if
// none is.
func NearestName(name string) string {
	if filter := synonyms()[strings.ReplaceAll(strings.ToLower(name), "-", "_")]; filter != "" {
		return filter
	}
	var known []string
	for _, k := range All() {
		known = append(known, k.Name)
	}
	return wording.Nearest(name, known)
}
