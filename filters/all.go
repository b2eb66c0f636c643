package filters

// All lists every filter by name. A new one is a line here.
func All() []Kind {
	return []Kind{
		adjust,
		blur,
		canny,
		channel,
		clahe,
		colormap,
		equalize,
		flip,
		grayscale,
		inRange,
		invert,
		resize,
		rotate,
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
