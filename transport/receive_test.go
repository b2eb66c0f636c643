package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"picam/mjpeg"
	"picam/mjpeg/mjpegtest"
)

// TestServeStreams sends each hostile stream through a socket.
func TestServeStreams(t *testing.T) {
	refused := map[string]string{ // by what is refused before the first frame
		"empty":                       "nothing from",
		"text before the first frame": "HTTP request from",
	}
	for _, stream := range mjpegtest.Streams() {
		t.Run(stream.Name, func(t *testing.T) {
			t.Parallel()
			l := listen(t)
			var g gathered
			var log journal
			stop := start(t, func(ctx context.Context) error { return Serve(ctx, l, Limits{}, log.log(), g.handle) })
			conn := dial(t, l)
			_, err := io.Copy(conn, stream.Reader())
			conn.CloseWrite()
			if warning, ok := refused[stream.Name]; ok {
				eventually(t, "it is refused", func() bool { return len(log.with(warning)) == 1 })
				stop()
				if g.frames() != 0 {
					t.Errorf("%d frames", g.frames())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, "the stream ends", func() bool {
				return len(stream.Want) == 0 && len(log.with("")) > 0 || len(g.all()) == 1 && g.all()[0].ended
			})
			if len(stream.Want) == 0 {
				return
			}
			got := g.all()[0]
			checkFrames(t, got.frames, stream.Want)
			want := "EOF"
			if got.s.ScanStats().Damaged[mjpeg.Cut] > 0 {
				want = "the connection ended in the middle of a frame"
			}
			if got.err.Error() != want {
				t.Errorf("ended by %q, want %q", got.err, want)
			}
		})
	}
}

// TestReasons checks what Next says when there are no more frames.
func TestReasons(t *testing.T) {
	whole := jpegOf(5e3)
	for _, c := range []struct {
		name string
		end  func(conn *net.TCPConn, s *Stream)
		want string
	}{
		{"end in good order", func(conn *net.TCPConn, _ *Stream) { conn.CloseWrite() }, "EOF"},
		{"closed", func(conn *net.TCPConn, _ *Stream) { conn.Close() }, "EOF"},
		{"half a frame", func(conn *net.TCPConn, _ *Stream) { conn.Write(whole[:2000]); conn.Close() },
			"the connection ended in the middle of a frame"},
		{"killed", func(conn *net.TCPConn, _ *Stream) { conn.SetLinger(0); conn.Close() },
			"connection reset by the camera"},
		{"silent", func(*net.TCPConn, *Stream) {}, "no data for 300ms"},
		{"silent in the middle", func(conn *net.TCPConn, _ *Stream) { conn.Write(whole[:2000]) }, "no data for 300ms"},
		{"closed here", func(_ *net.TCPConn, s *Stream) { s.Close(); s.Close() },
			"the connection was closed at this end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := listen(t)
			streams, result := make(chan *Stream), make(chan error)
			start(t, func(ctx context.Context) error {
				return Serve(ctx, l, Limits{Idle: 300 * time.Millisecond}, nil,
					func(_ context.Context, s *Stream) error {
						streams <- s
						_, err := s.Next()
						if err != nil {
							return err
						}
						_, err = s.Next()
						result <- err
						return nil
					})
			})
			conn := dial(t, l)
			before := time.Now()
			conn.Write(whole)
			s := <-streams
			if s.Camera() != "127.0.0.1" || s.Sender() != "" || s.RemoteAddr().String() != conn.LocalAddr().String() {
				t.Errorf("camera %q, sender %q, address %v", s.Camera(), s.Sender(), s.RemoteAddr())
			}
			if last := s.LastReceived(); last.Before(before.Add(-time.Millisecond)) ||
				time.Since(last) > 5*time.Second {
				t.Errorf("last received at %v", last)
			}
			c.end(conn, s)
			if err := wait(t, "Next", result); err.Error() != c.want {
				t.Errorf("Next: %q, want %q", err, c.want)
			}
		})
	}
}

// TestSlowCamera sends a frame in pieces, each within the idle time, and then one more.
func TestSlowCamera(t *testing.T) {
	t.Parallel()
	l := listen(t)
	var g gathered
	start(t, func(ctx context.Context) error {
		return Serve(ctx, l, Limits{Idle: 2 * time.Second}, nil, g.handle)
	})
	conn := dial(t, l)
	p := jpegOf(1500)
	for i := range 2 {
		for part := range slices.Chunk(p, len(p)/12+1) {
			conn.Write(part)
			time.Sleep(200 * time.Millisecond) // sleep: 2.4 s in all, longer than the idle time
		}
		eventually(t, "the frame", func() bool { return g.frames() == i+1 })
	}
}

// TestSlowTalker sends junk byte by byte, each within the idle time: three idle times are enough for the first frame.
func TestSlowTalker(t *testing.T) {
	t.Parallel()
	l := listen(t)
	var g gathered
	var log journal
	start(t, func(ctx context.Context) error {
		return Serve(ctx, l, Limits{Idle: time.Second}, log.log(), g.handle)
	})
	conn := dial(t, l)
	conn.Write([]byte("what is no frame")) // at once, lest it count as silent on a machine that has no time for it
	go func() {
		for {
			if _, err := conn.Write([]byte("x")); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond) // sleep: the pace of a slow talker
		}
	}()
	eventually(t, "the slow talker is refused", func() bool { return len(log.with("no frame from")) == 1 })
}

// TestStrangers has everyone call who has no business here, while a camera sends. The camera does not notice.
func TestStrangers(t *testing.T) {
	l := listen(t)
	var g gathered
	var log journal
	start(t, func(ctx context.Context) error {
		return Serve(ctx, l, Limits{Idle: 300 * time.Millisecond}, log.log(), g.handle)
	})
	s := &Sender{Addr: l.Addr().String(), Camera: "door"}
	stop := start(t, func(ctx context.Context) error {
		return s.Run(ctx, &camera{ctx: ctx, frame: jpegOf(20e3), interval: 10 * time.Millisecond})
	})
	eventually(t, "frames", func() bool { return g.frames() > 3 })
	before := g.frames()

	random := make([]byte, 3000)
	for i := range random {
		random[i] = byte(i * i * 7)
	}
	foreign := map[string]string{ // what is sent, by what is said of it
		"an HTTP request":      "GET / HTTP/1.1\r\nHost: pi\r\n\r\n",
		"a TLS handshake":      "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03" + string(random[:500]),
		"SSH":                  "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
		"RTSP":                 "OPTIONS rtsp://pi/stream RTSP/1.0\r\nCSeq: 1\r\n\r\n",
		"H.264 or H.265 video": "\x00\x00\x00\x01\x67\x42\xC0\x1E" + string(random),
		"video in a container": "\x1A\x45\xDF\xA3\x01\x00\x00\x00" + string(random),
		"no frame":             string(random),
	}
	for range 20 {
		for _, text := range foreign {
			conn := dial(t, l)
			io.WriteString(conn, text)
			conn.CloseWrite()
			_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
			if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%q is not stalled up on: %v", text[:8], err)
			}
			conn.Close()
		}
	}
	for range 300 { // a port scan
		conn := dial(t, l)
		conn.SetLinger(0)
		conn.Close()
	}
	silent := dial(t, l)
	eventually(t, "the silent one is stalled up on",
		func() bool { _, err := silent.Read(make([]byte, 1)); return err == io.EOF })

	for what := range foreign {
		if lines := log.with(what + " from 127.0.0.1: "); len(lines) != 1 {
			t.Errorf("%s: %d lines: %q", what, len(lines), lines)
		}
	}
	if lines := log.with("nothing from 127.0.0.1"); len(lines) != 1 {
		t.Errorf("the port scan: %d lines: %q", len(lines), lines)
	}
	if lines := log.with(""); len(lines) != len(foreign)+1 {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
	if st := s.Stats(); st.Connects != 1 || len(g.all()) != 1 || g.frames() < before+10 {
		t.Errorf("the camera was disturbed: %d frames, %+v", g.frames(), st)
	}
	stop()
}

// TestManySilent holds more connections open than may wait: a camera gets through nevertheless.
func TestManySilent(t *testing.T) {
	l := listen(t)
	var g gathered
	var log journal
	start(t, func(ctx context.Context) error { return Serve(ctx, l, Limits{}, log.log(), g.handle) })
	files := openFiles()
	for range 3 * maxUndecided {
		io.WriteString(dial(t, l), "--boundary")
	}
	conn := dial(t, l)
	conn.Write(jpegOf(5e3))
	eventually(t, "the frame", func() bool { return g.frames() == 1 })
	eventually(t, "few files are open", func() bool { // the ends here, and those that wait
		return openFiles()-files <= 4*maxUndecided+2
	})
	if lines := log.with(""); len(lines) != 1 {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
}

func TestCameraLimit(t *testing.T) {
	l := listen(t)
	var g gathered
	var log journal
	start(t, func(ctx context.Context) error { return Serve(ctx, l, Limits{Cameras: 2}, log.log(), g.handle) })
	p := jpegOf(5e3)
	var conns []*net.TCPConn
	for range 2 {
		conn := dial(t, l)
		conn.Write(p)
		conns = append(conns, conn)
	}
	eventually(t, "two cameras", func() bool { return len(g.all()) == 2 })
	for range 3 {
		third := dial(t, l)
		third.Write(p)
		if _, err := third.Read(make([]byte, 1)); err == nil {
			t.Error("the third is not stalled up on")
		}
	}
	if lines := log.with("is refused: 2 are connected"); len(lines) != 1 {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
	conns[0].Close()
	eventually(t, "one has gone", func() bool { return g.all()[0].ended || g.all()[1].ended })
	eventually(t, "another one gets in", func() bool {
		dial(t, l).Write(p)
		return len(g.all()) > 2
	})
}

// TestCameraKilled kills a camera a hundred times: nothing is left of it.
func TestCameraKilled(t *testing.T) {
	l := listen(t)
	var g gathered
	var log journal
	start(t, func(ctx context.Context) error { return Serve(ctx, l, Limits{}, log.log(), g.handle) })
	p := jpegOf(50e3)
	once := func(n int) {
		conn := dial(t, l)
		conn.Write(p)
		eventually(t, "the frame", func() bool { return g.frames() == n })
		conn.Write(p[:20e3])
		conn.SetLinger(0)
		conn.Close()
	}
	once(1)
	files, routines := openFiles(), runtime.NumGoroutine()
	for i := range 100 {
		once(i + 2)
	}
	eventually(t, "as many files and goroutines as before", func() bool {
		return openFiles() <= files+2 && runtime.NumGoroutine() <= routines+2
	})
	eventually(t, "all end", func() bool { a := g.all(); return a[len(a)-1].ended })
	for _, s := range g.all() {
		if s.err.Error() != "connection reset by the camera" {
			t.Errorf("a stream ended by %v", s.err)
		}
	}
	if lines := log.with(""); len(lines) != 1 {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
}

// TestAcks checks the acks that a stamped stream is answered by.
func TestAcks(t *testing.T) {
	l := listen(t)
	var g gathered
	serve(t, l, &g)
	conn := dial(t, l)
	for i := range 10 {
		begun := time.Now()
		stamp := mjpeg.Stamp{Camera: "pi\x1b[31m\nred", Sender: "s", Seq: uint64(i + 1)}
		conn.Write(append(stamp.AppendTo(nil), jpegOf(5e3)[2:]...))
		var line []byte
		for !bytes.HasSuffix(line, []byte("\n")) {
			b := make([]byte, 1)
			if _, err := conn.Read(b); err != nil {
				t.Fatal(err)
			}
			line = append(line, b...)
		}
		seq, received, sent, ok := parseAck(line)
		if !ok || seq != uint64(i+1) || received.Before(begun.Add(-time.Millisecond)) || sent.Before(received) ||
			sent.After(time.Now().Add(time.Millisecond)) {
			t.Errorf("%q", line)
		}
	}
	if camera := g.all()[0].s.Camera(); camera != "pi?[31m?red" {
		t.Errorf("camera %q", camera)
	}
	conn.Write(jpegOf(5e3)) // without a stamp: no ack
	conn.CloseWrite()
	if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}

// TestAcksUnread has senders that do not read their acks, and one that says it does: their frames are not held up.
func TestAcksUnread(t *testing.T) {
	for _, synced := range []bool{false, true} {
		t.Run(fmt.Sprintf("synced %v", synced), func(t *testing.T) {
			l := listen(t)
			const frames = 20e3
			result := make(chan error, 1)
			start(t, func(ctx context.Context) error {
				return Serve(ctx, l, Limits{}, nil, func(_ context.Context, s *Stream) error {
					_ = s.in.conn.(*net.TCPConn).SetWriteBuffer(16 << 10)
					for n := 0; ; n++ {
						if _, err := s.Next(); err != nil {
							if n != frames {
								err = fmt.Errorf("%d frames, then %w", n, err)
							}
							result <- err
							return nil
						}
					}
				})
			})
			conn := dial(t, l)
			stamp := mjpeg.Stamp{Camera: "cam", Seq: 1, Synced: synced}
			p := slices.Concat(stamp.AppendTo(nil), mjpegtest.Fixture("gray")[2:])
			begun := time.Now()
			many := bytes.Repeat(p, 1000)
			for range int(frames / 1000) {
				conn.Write(many)
			}
			conn.CloseWrite()
			if err := wait(t, "the stream", result); err != io.EOF {
				t.Error(err)
			}
			if d := time.Since(begun); d > 10*time.Second {
				t.Errorf("took %v", d)
			}
			answers, _ := io.ReadAll(conn)
			acks := bytes.Count(answers, []byte("\n"))
			if !synced && acks != maxUnread+1 || acks > frames/2 { // the last frame is acked in any case
				t.Errorf("%d acks", acks)
			}
		})
	}
}

// TestServeStops ends ctx while a camera sends, one is refused, and several say nothing. start checks how long it
// takes.
func TestServeStops(t *testing.T) {
	l := listen(t)
	started := make(chan bool)
	stop := start(t, func(ctx context.Context) error {
		return Serve(ctx, l, Limits{}, nil, func(ctx context.Context, s *Stream) error {
			started <- true
			for {
				if _, err := s.Next(); err != nil {
					if ctx.Err() == nil {
						t.Errorf("Next: %v, before the end", err)
					}
					return err
				}
			}
		})
	})
	for range 3 {
		dial(t, l)
		dial(t, l).Write(jpegOf(5e3))
		<-started
	}
	if err := stop(); err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestServeListenerClosed(t *testing.T) {
	l := listen(t)
	handled := make(chan error, 1)
	result := make(chan error, 1)
	go func() {
		result <- Serve(context.Background(), l, Limits{}, nil, func(ctx context.Context, s *Stream) error {
			l.Close()
			<-ctx.Done() // else Serve would wait for this one
			handled <- nil
			return nil
		})
	}()
	dial(t, l).Write(jpegOf(5e3))
	if err := wait(t, "Serve", result); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve: %v", err)
	}
	wait(t, "handle", handled)
}

// TestPull pulls from a server that comes and goes.
func TestPull(t *testing.T) {
	t.Parallel()
	l := listen(t)
	var g gathered
	var log journal
	stop := start(t, func(ctx context.Context) error {
		return Pull(ctx, l.Addr().String(), false, Limits{Idle: 300 * time.Millisecond}, log.log(), g.handle)
	})
	p := jpegOf(5e3)
	for i := range 5 {
		conn := acceptOne(t, l)
		conn.Write(p)
		conn.Close()
		eventually(t, "the frame", func() bool { return g.frames() == i+1 })
	}
	ssh := acceptOne(t, l)
	io.WriteString(ssh, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
	eventually(t, "SSH is recognized", func() bool { return len(log.with("SSH has port 22")) == 1 })
	acceptOne(t, l) // and says nothing
	eventually(t, "silence is noticed", func() bool { return len(log.with("not a byte within 300ms")) == 1 })
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Pull: %v", err)
	}

	result := make(chan error, 1)
	go func() {
		result <- Pull(context.Background(), l.Addr().String(), true, Limits{}, nil, g.handle)
	}()
	acceptOne(t, l).Close() // no stream
	conn := acceptOne(t, l)
	conn.Write(p)
	conn.CloseWrite()
	if err := wait(t, "Pull", result); err != io.EOF {
		t.Errorf("Pull once: %v, want handle's error", err)
	}
	if err := Pull(context.Background(), "http://pi", true, Limits{}, nil, g.handle); err == nil {
		t.Error("pulls from a wrong address")
	}
}

// TestTools lets other programs be at the other end.
func TestTools(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, line string) *exec.Cmd {
		t.Helper()
		name, _, _ := strings.Cut(line, " ")
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(err)
		}
		cmd := exec.Command("sh", "-c", "exec "+line)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			cmd.Process.Kill()
			cmd.Wait()
			if t.Failed() {
				t.Logf("%s: %s", line, out.String())
			}
		})
		return cmd
	}
	for _, line := range []string{
		"ffmpeg -v error -f lavfi -i testsrc=s=160x120:r=25 -frames:v 20 -f mjpeg tcp://%s",
		"ffmpeg -v error -f lavfi -i testsrc=s=160x120:r=25 -frames:v 20 -f mpjpeg tcp://%s",
		"gst-launch-1.0 -q videotestsrc num-buffers=20 ! video/x-raw,width=160,height=120 ! jpegenc ! tcpclientsink " +
			"host=127.0.0.1 port=%[2]s",
	} {
		name, _, _ := strings.Cut(line, " ")
		t.Run("from "+name, func(t *testing.T) {
			l := listen(t)
			var g gathered
			serve(t, l, &g)
			addr := l.Addr().String()
			_, port, _ := net.SplitHostPort(addr)
			run(t, strings.NewReplacer("%s", addr, "%[2]s", port).Replace(line))
			eventually(t, "20 frames, and the end", func() bool {
				a := g.all()
				return len(a) == 1 && a[0].ended &&
					len(a[0].frames) == 20
			})
		})
	}
	t.Run("to nc", func(t *testing.T) {
		l := listen(t)
		l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		file := t.TempDir() + "/got.mjpeg"
		nc := run(t, fmt.Sprintf("nc -l 127.0.0.1 %s </dev/null >%s", port, file))
		frames := numbered(50)
		s := &Sender{Addr: l.Addr().String(), KeepAll: true, NoStamp: true}
		if err := s.Run(context.Background(), &clip{frames: frames}); err != nil {
			t.Fatal(err)
		}
		nc.Wait()
		out, err := exec.Command("cat", file).Output()
		if err != nil || !bytes.Equal(out, bytes.Join(frames, nil)) {
			t.Errorf("%d bytes, %v", len(out), err)
		}
	})
}

// FuzzServe gives a stream any bytes: there is an answer in time, and bytes that hold a frame at their beginning are a
// stream.
func FuzzServe(f *testing.F) {
	whole := mjpegtest.Frames(1, 16, 16, 50)[0]
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), false)
	f.Add([]byte("\x16\x03\x01\x02\x00\x01\x00"), false)
	f.Add([]byte("\x00\x00\x00\x01\x67"), true)
	f.Add([]byte("--frame\r\nContent-Type: image/jpeg\r\n\r\n"), true)
	f.Add(whole, true)
	f.Add(whole[100:], true)
	f.Fuzz(func(t *testing.T, data []byte, withFrame bool) {
		known := sniff(data[:min(len(data), 512)]) != nil
		if withFrame {
			data = append(bytes.Clone(whole), data...)
			known = false
		}
		near, far := net.Pipe()
		defer near.Close()
		go func() {
			far.Write(data)
			far.Close()
		}()
		s, err := newStream(near, Limits{Idle: 5 * time.Second}.withDefaults())
		var foreign *protocolError
		switch {
		case err != nil && (!errors.As(err, &foreign) || foreign.what == "" || foreign.do == ""):
			t.Fatalf("error %v", err)
		case withFrame && err != nil:
			t.Fatalf("a frame is not seen: %v", err)
		case known && err == nil:
			t.Fatal("another protocol is taken for a camera")
		case err != nil:
			return
		}
		for n := 0; ; n++ {
			f, err := s.Next()
			if err != nil {
				if n == 0 {
					t.Error("a stream without a frame")
				}
				break
			}
			if n == 0 && withFrame && !bytes.Equal(f.JPEG, whole) {
				t.Errorf("the first frame has %d bytes", len(f.JPEG))
			}
		}
	})
}
