// Package wording words what picam says to its users.
package wording

import "fmt"

// Plural is "1 frame", "2 frames"; word is the singular of one that takes an s.
func Plural[N int | int64](n N, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
