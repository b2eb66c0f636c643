package filters

// Pictured reports whether docs/filters has a picture that shows what k does: all but those that need somebody's program.
func (k Kind) Pictured() bool { return k.Name != "exec" && k.Name != "wasm" }
