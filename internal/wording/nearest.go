package wording

import "strings"

// Nearest returns the one of known that a user who typed name most likely meant: the same but for case, a few typing
// errors away, or what name is the beginning of. It returns "" if none is near.
func Nearest(name string, known []string) string {
	name = strings.ToLower(name)
	best, bestDistance := "", (len(name)+1)/3+1
	for _, k := range known {
		d := distance(name, strings.ToLower(k))
		if len(name) >= 3 && strings.HasPrefix(k, name) {
			d = 1
		}
		if d < bestDistance && d < len(k) {
			best, bestDistance = k, d
		}
	}
	return best
}

// DidYouMean is what to put behind a name that is not one of known: " (did you mean blur?)", or "" if none is near.
func DidYouMean(name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return " (did you mean " + near + "?)"
	}
	return ""
}

// distance counts the bytes to insert, delete, replace or swap with their neighbour to get from a to b (optimal string
// alignment, that is Levenshtein's distance with swaps).
func distance(a, b string) int {
	var before []int // the row before the last one
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			replaced := last[j]
			if a[i] != b[j] {
				replaced++
			}
			row[j+1] = min(replaced, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
