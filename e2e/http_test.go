//go:build cgo

package e2e

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"picam/capture/capturetest"
	"picam/mjpeg/mjpegtest"
)

// TestRecvHTTPCameras: one receiver shows cameras of all faults and ways to log in that capturetest knows, at once, and
// one of old TLS.
func TestRecvHTTPCameras(t *testing.T) {
	frames := mjpegtest.Frames(5, 96, 64, 80)
	answer := capturetest.Multipart("HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n", frames,
		"--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", "\r\n")
	stats := filepath.Join(t.TempDir(), "stats.json")
	args := []string{"recv", "--display", "none", "--max-cameras", "200", "--stats-file", stats}
	names := map[string]string{} // of the cases, by camera
	add := func(name, address string, behind string) {
		_, camera, _ := strings.Cut(address, "//")
		camera = camera[strings.Index(camera, "@")+1:]
		names[camera] = name
		args = append(args, "--from", address+behind)
	}
	for _, f := range capturetest.Faults(frames) {
		addr, _ := capturetest.Serve(t, f.Answer)
		add(f.Name, "http://"+addr+"/stream", "")
	}
	for _, l := range capturetest.Logins() {
		add(l.Name, "http://u:p@"+l.Serve(t, answer)+"/stream", "")
	}
	addr, certificate := capturetest.HandleTLS(t, &tls.Config{
		MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA},
	}, func(*http.Request) []byte { return answer })
	add("old TLS, pinned", "https://"+addr+"/stream", fmt.Sprintf("#tls=legacy,pin=sha256:%x", sha256.Sum256(certificate.Raw)))

	p := picam(t, args...)
	var missing map[string]string
	defer func() {
		if t.Failed() {
			t.Logf("without frames: %v", missing)
		}
	}()
	until(t, "all give frames", func() bool {
		var got struct{ Cameras []cameraStats }
		if text, err := os.ReadFile(stats); err != nil || json.Unmarshal(text, &got) != nil {
			return false
		}
		missing = map[string]string{}
		for camera, name := range names {
			missing[camera] = name
		}
		for _, c := range got.Cameras {
			if c.FramesIn >= int64(len(frames)) {
				delete(missing, c.Camera)
			}
		}
		return len(missing) == 0
	})
	p.interrupt()

	p = picam(t, "recv", "--display", "none", "--from", "https://"+addr+"/stream")
	p.ends(1)
	p.says("speaks only TLS 1.2 with TLS_RSA_WITH_AES_128_CBC_SHA, .*: #tls=legacy behind the address allows it for this camera")
}

// TestOtherVideoOverHTTP: H.264 in multipart is named at once, by recv and by probe, with the line that makes MJPEG of
// it.
func TestOtherVideoOverHTTP(t *testing.T) {
	addr, _ := capturetest.Serve(t, []byte("HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n"+
		"--b\r\nContent-Type: video/x-h264\r\n\r\n\x00\x00\x00\x01\x67\x42\x00\x1f\r\n--b\r\n"))
	recv := picam(t, "recv", "--display", "none", "--from", "http://"+addr+"/stream#insecure")
	recv.ends(1)
	recv.says(`is video of another kind \(H.264 video in multipart \(video/x-h264\)\); want MJPEG, or --source ` +
		`'ffmpeg:-f h264 -i http://` + addr + `/stream'`)
	probe := picam(t, "probe", "--time", "1s", "http://pi:geheim@"+addr+"/stream?a=b#insecure")
	probe.ends(1)
	probe.says(`H.264 video in multipart \(video/x-h264\)\n.*'ffmpeg:-f h264 -i http://USER:PASSWORD@` + addr + `/stream\?a=b'`)
}
