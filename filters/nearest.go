package filters

import "picam/internal/wording"

// Nearest is wording.Nearest.
func Nearest(name string, known []string) string { return wording.Nearest(name, known) }
