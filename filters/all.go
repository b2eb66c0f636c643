package filters

// All lists every filter by name. A new one is a line here.
func All() []Kind {
	return []Kind{
		adaptiveThreshold,
		adjust,
		bilateral,
		blend,
		blur,
		canny,
		channel,
		clahe,
		colormap,
		contours,
		corners,
		crop,
		denoise,
		difference,
		equalize,
		execFilter,
		faces,
		flip,
		grabcut,
		grayscale,
		grid,
		houghCircles,
		houghLines,
		inRange,
		invert,
		laplacian,
		mask,
		median,
		morphology,
		motion,
		motionBoxes,
		opticalFlow,
		perspective,
		qr,
		resize,
		rotate,
		scharr,
		sharpen,
		sideBySide,
		sobel,
		template,
		text,
		threshold,
		timestamp,
		undistort,
		wasm,
	}
}

// Find returns the filter of that name. Nearest helps where there is none.
func Find(name string) (Kind, bool) {
	for _, k := range All() {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}
