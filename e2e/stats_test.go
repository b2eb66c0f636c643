//go:build cgo

package e2e

import (
	"encoding/json"
	"testing"
)

// cameraStats is what recv --stats-file tells of a camera, of which the tests read these.
type cameraStats struct {
	Camera      string           `json:"camera"`
	Connected   bool             `json:"connected"`
	State       string           `json:"state"`
	Reason      string           `json:"reason"`
	Seconds     float64          `json:"seconds"`
	Width       int              `json:"width"`
	Height      int              `json:"height"`
	FramesIn    int64            `json:"frames_in"`
	BytesIn     int64            `json:"bytes_in"`
	FramesOut   int64            `json:"frames_out"`
	Lost        int64            `json:"lost"`
	Junk        int64            `json:"junk_frames"`
	NotRecorded map[string]int64 `json:"not_recorded"`
	Dropped     map[string]int64 `json:"dropped"`
	Bypassed    map[string]int64 `json:"bypassed"`
	Decode      latency          `json:"decode_ms"`
	Inside      latency          `json:"inside_ms"`
	Total       latency          `json:"total_ms"`
}

// latency is in milliseconds.
type latency struct {
	Count         int64
	P50, P99, Max float64
}

// drops is how many frames were received and not shown.
func (s cameraStats) drops() (n int64) {
	for _, one := range s.Dropped {
		n += one
	}
	return n
}

// readCameraStats reads what recv --stats-file has left: one camera at least.
func readCameraStats(t testing.TB, path string) []cameraStats {
	t.Helper()
	var s struct {
		Cameras []cameraStats `json:"cameras"`
	}
	if err := json.Unmarshal(readFile(t, path), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Cameras) == 0 {
		t.Fatal("the stats know no camera")
	}
	return s.Cameras
}

// senderStats is what send --stats-file tells.
type senderStats struct {
	Captured int `json:"frames_in"`
	Sent     int `json:"frames_out"`
	Dropped  int `json:"frames_dropped"`
}

func readSenderStats(t testing.TB, path string) (s senderStats) {
	t.Helper()
	if err := json.Unmarshal(readFile(t, path), &s); err != nil {
		t.Fatal(err)
	}
	return s
}
