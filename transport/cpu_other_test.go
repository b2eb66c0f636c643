//go:build !unix

package transport

import "time"

// cpuTime is not known here.
func cpuTime() time.Duration { return 0 }
