//go:build !matprofile

package filters

// withoutLeaks is code: what is left open is only known with the tag matprofile.
func withoutLeaks(code int) int { return code }
