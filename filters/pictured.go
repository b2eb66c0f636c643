package filters

// Pictured reports whether docs/filters has a picture that shows what k does: all but those that need somebody's
// program.
func (k Kind) Pictured() bool { return k.Name != "exec" && k.Name != "wasm" }

// Example is a chain that shows what k does, in YAML, one stage each, k the last. The documentation shows it, and its
// picture is made by it. Where the defaults show it, they are the example.
func (k Kind) Example() []string {
	examples := map[string][]string{
		"adaptive_threshold": {"adaptive_threshold: {size: 31, c: 5}"},
		"adjust":             {"adjust: {brightness: -60, contrast: 2.4, saturation: 1.6}"},
		"blend":              {"canny", "blend: {mode: colour, colour: yellow, alpha: 1}"},
		"blur":               {"blur: {size: 15}"},
		"clahe":              {"clahe: {clip_limit: 8, tiles: 4}"},
		"crop":               {"crop: {x: 30, y: 130, width: 140, height: 180}"},
		"denoise":            {"denoise: {strength: 15, colour_strength: 15}"},
		"grabcut":            {"crop: {y: 110, width: 190}", "grabcut: {margin: 15}"},
		"hough_circles":      {"hough_circles: {votes: 32, max_radius: 40, thickness: 3}"},
		"hough_lines":        {"hough_lines: {votes: 70, min_length: 60, thickness: 2}"},
		"in_range":           {"in_range: {red_from: 150, blue_to: 130}"},
		"laplacian":          {"laplacian: {scale: 3}"},
		"mask":               {"mask: {corners: '68,35 96,35 96,75 68,75'}"},
		"median":             {"median: {size: 5}"},
		"morphology":         {"in_range: {red_from: 150, blue_to: 130}", "morphology: {operation: close, size: 15}"},
		"optical_flow":       {"optical_flow: {step: 10, length: 2, thickness: 2, colour: red}"},
		"perspective":        {"perspective: {corners: '33,15 68,15 85,75 15,75'}"},
		"sharpen":            {"sharpen: {amount: 3, radius: 2}"},
		"side_by_side":       {"canny", "side_by_side"},
		"template":           {"template: {image: window.png, threshold: 0.7, max: 2, thickness: 3}"},
		"text":               {"text: {text: front door, size: 1.5, thickness: 3}"},
		"timestamp":          {"timestamp: {format: '{camera} %H:%M:%S', size: 1.5, thickness: 3}"},
		"undistort":          {"undistort: {k1: -0.4}"},
	}
	if stages := examples[k.Name]; stages != nil {
		return stages
	}
	return []string{yamlLine(k)}
}
