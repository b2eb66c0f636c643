package plugin

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"picam/filters/plugin/plugintest"
)

// program is one that does what mode says, with times that suit a test.
func program(mode string, args ...string) *Program {
	return &Program{Command: plugintest.Command(mode, args...), Params: "{}", Workers: 1,
		Timeout: 5 * time.Second, Start: 10 * time.Second}
}

// poolOf is closed at the test's end, and must then have ended all its processes in time.
func poolOf(t testing.TB, p *Program) *Pool {
	t.Helper()
	pool := p.Pool()
	t.Cleanup(func() {
		began := time.Now()
		pool.Close()
		if d := time.Since(began); d > time.Second {
			t.Errorf("closing took %v", d)
		}
	})
	return pool
}

func frame(width, height, channels int) *Frame {
	p := &Frame{Width: width, Height: height, Channels: channels, Stride: width * channels, Seq: 7,
		Captured: time.Unix(1, 5), Camera: "door"}
	p.Pixels = make([]byte, p.Stride*height)
	for i := range p.Pixels {
		p.Pixels[i] = byte(i * 7 / 3)
	}
	return p
}

// frames are some of all sizes.
func frames() []*Frame {
	return []*Frame{frame(1, 1, 1), frame(3, 5, 3), frame(641, 479, 1), frame(1280, 720, 3), frame(2, 2, 3)}
}

// apply returns a copy of the answer.
func apply(pool *Pool, p *Frame) (Answer, error) {
	var got Answer
	err := pool.Apply(p, func(a *Answer) error {
		got = *a
		got.Pixels, got.Detections = bytes.Clone(a.Pixels), append([]Detection(nil), a.Detections...)
		return nil
	})
	return got, err
}

func inverted(p *Frame) []byte {
	pixels := bytes.Clone(p.Pixels)
	for i := range pixels {
		pixels[i] ^= 255
	}
	return pixels
}

func TestProgramAnswers(t *testing.T) {
	for _, mode := range []string{"invert", "stream"} {
		t.Run(mode, func(t *testing.T) {
			pool := poolOf(t, program(mode))
			for _, p := range frames() {
				got, err := apply(pool, p)
				if err != nil {
					t.Fatal(err)
				}
				if got.Width != p.Width || got.Height != p.Height || got.Channels != p.Channels ||
					!bytes.Equal(got.Pixels, inverted(p)) {
					t.Errorf("%d×%d×%d became a wrong %d×%d×%d", p.Width, p.Height, p.Channels, got.Width,
						got.Height, got.Channels)
				}
			}
		})
	}
	t.Run("another size and format", func(t *testing.T) {
		got, err := apply(poolOf(t, program("half")), frame(10, 6, 3))
		if err != nil || got.Width != 5 || got.Height != 3 || got.Channels != 1 || got.Stride != 8 ||
			len(got.Pixels) != 24 {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("is told, and reports", func(t *testing.T) {
		p := program("echo")
		p.Params = `{"strength":3}`
		got, err := apply(poolOf(t, p), frame(6, 4, 3))
		if err != nil || len(got.Pixels) > 0 || len(got.Detections) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		want := Detection{Label: "door 7 1000000005 6x4x3/18", Box: image.Rect(1, 2, 4, 6),
			Points: []image.Point{{5, 6}, {7, 8}}, Score: 0.5, Value: p.Params}
		if fmt.Sprint(got.Detections[0]) != fmt.Sprint(want) {
			t.Errorf("%+v, want %+v", got.Detections[0], want)
		}
	})
	t.Run("keeps its state", func(t *testing.T) {
		pool := poolOf(t, program("count"))
		for n := byte(1); n < 5; n++ {
			if got, err := apply(pool, frame(1, 1, 1)); err != nil || got.Pixels[0] != n {
				t.Errorf("%v, %v, want %d", got.Pixels, err, n)
			}
		}
	})
}

// raw is the header of an answer to frame 7.
func raw(width, height, channels, stride, pixels, found uint32) string {
	b := []byte("PICM\x01\x00\x28\x00")
	for _, n := range []uint32{width, height, channels, stride, pixels, found} {
		b = append(b, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	}
	return string(append(b, 7, 0, 0, 0, 0, 0, 0, 0))
}

// TestHead: an answer's header that does not fit is told in words, before any memory is taken for what it promises.
func TestHead(t *testing.T) {
	for _, test := range []struct{ name, head, want string }{
		{"no answer", strings.Repeat("Hello ", 7),
			`begins with "Hello He" instead of "PICM": only answers may go to standard output`},
		{"a later version", "PICM\x02\x00\x28\x00" + strings.Repeat("\x00", 32),
			"version 2 and a header of 40 bytes, not version 1"},
		{"a longer header", "PICM\x01\x00\x38\x00" + strings.Repeat("\x00", 32),
			"header of 56 bytes, not version 1 and 40"},
		{"two channels", raw(4, 4, 2, 8, 32, 0), "2 channels, not of 1 (gray) or 3 (BGR)"},
		{"no width", raw(0, 4, 1, 8, 32, 0), "a frame of 0×4 pixels"},
		{"too wide", raw(70000, 1, 1, 70000, 70000, 0), "a frame of 70000×1 pixels"},
		{"too large", raw(65536, 65536, 3, 196608, 4294901760, 0),
			"a frame of 65536×65536 pixels; allowed are 1×1 to 64 million"},
		{"too short rows", raw(4, 4, 3, 4, 16, 0), "a stride of 4 bytes; a row of 4 pixels has 12"},
		{"long rows", raw(1, 65000, 1, 60000, 3900000000, 0), "3719 MB of pixels; at most 192"},
		{"other pixels", raw(4, 4, 3, 12, 47, 0), "47 bytes of pixels; 4 rows of 12 bytes are 48"},
		{"too many detections", raw(0, 0, 0, 0, 0, 4<<20), "4194304 bytes of detections; at most 1048576"},
		{"another frame", raw(4, 4, 1, 4, 16, 0)[:32] + strings.Repeat("\x01", 8),
			"it answers frame 72340172838076673, but was given frame 7"},
		{"unchanged", raw(0, 0, 0, 0, 0, 2), ""},
		{"changed", raw(4, 4, 3, 16, 64, 0), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseHead([]byte(test.head)[:answerHead], 7)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

// TestProgramFails: what a bad program costs is a frame; its error says what happened, and it is started again.
func TestProgramFails(t *testing.T) {
	hangs := program("hang", "3")
	hangs.Timeout = 300 * time.Millisecond
	for _, test := range []struct {
		name    string
		program *Program
		good    int // frames that it answers before
		want    string
	}{
		{"dies", program("die", "3"), 2,
			"it ended: exit status 3: Traceback:; somewhere; ValueError: frame 3 is not to my taste"},
		{"dies at once", program("die", "1"), 0, "it ended: exit status 3: "},
		{"hangs", hangs, 2, "no answer within timeout=0.3 s"},
		{"talks", program("hello"), 0, `its answer begins with "Hello, I" instead of "PICM"`},
		{"floods", program("flood"), 1, "it answers frame 7, but was given frame 8: each frame takes one answer"},
		{"says half", program("raw", hex.EncodeToString([]byte(raw(4, 4, 1, 4, 16, 0)[:20]))), 0, ""},
		{"a wrong frame", program("raw", hex.EncodeToString([]byte(raw(4, 4, 2, 8, 32, 0)))), 0, "2 channels"},
		{"no JSON", program("json", "face"), 0,
			"its detections are not a JSON list as it should be: invalid character"},
		{"no list", program("json", `{"label":"face"}`), 0, "not a JSON list as it should be"},
		{"a box of three", program("json", `[{"box":[1,2,3]}]`), 0, "a box of 3 numbers, not [x, y, width, height]"},
		{"crowds", program("json", "["+strings.Repeat("{},", 1000)+"{}]"), 0,
			"1001 detections of one frame; at most 1000"},
		{"no such program", &Program{Command: []string{"no-such-program-here"}, Workers: 1}, 0,
			`there is no program "no-such-program-here" in PATH; one that is elsewhere needs its path`},
		{"no such file", &Program{Command: []string{"./no-such-program"}, Workers: 1}, 0,
			"the program ./no-such-program, looked for from "},
		{"not executable", &Program{Command: []string{"./program.go"}, Workers: 1}, 0,
			"./program.go is not executable; type: chmod +x ./program.go"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.name == "says half" { // the rest of its answer never comes
				test.program.Timeout, test.program.Start = 300*time.Millisecond, 600*time.Millisecond
				test.want = "no answer"
			}
			pool := poolOf(t, test.program)
			p := frame(160, 120, 3)
			for range test.good {
				if _, err := apply(pool, p); err != nil {
					t.Fatal(err)
				}
			}
			if test.name == "floods" {
				p.Seq++
			}
			_, err := apply(pool, p)
			for deadline := time.Now().Add(5 * time.Second); errors.Is(err, errStarting) &&
				time.Now().Before(deadline); {
				_, err = apply(pool, p)
			}
			var unavailable *UnavailableError
			if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%v, want %q", err, test.want)
			}
			// While it is away there is no waiting, and the reason stays.
			began := time.Now()
			_, again := apply(pool, p)
			if again == nil || again.Error() != err.Error() || time.Since(began) > 100*time.Millisecond {
				t.Errorf("right after it: %v within %v", again, time.Since(began))
			}
		})
	}
}

// TestKilled: a program that is killed, whatever it was about, is there again soon.
func TestKilled(t *testing.T) {
	t.Parallel()
	pool := poolOf(t, program("pid"))
	pid := func() int {
		const patience = 10 * time.Second
		for began := time.Now(); time.Since(began) < patience; time.Sleep(5 * time.Millisecond) {
			if got, err := apply(pool, frame(64, 48, 3)); err == nil {
				return int(got.Detections[0].Score)
			} else if !strings.Contains(err.Error(), "signal: killed") {
				t.Fatal(err)
			}
		}
		t.Fatal("it does not come back")
		return 0
	}
	last := 0
	for range 3 {
		now := pid()
		if now == last {
			t.Fatal("the same process")
		}
		if err := syscall.Kill(now, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		gone(t, now)
		last = now
	}
}

// gone waits until there is no such process, not even one that nobody has waited for.
func gone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if syscall.Kill(pid, 0) == syscall.ESRCH {
			return
		}
		if time.Now().After(deadline) {
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			t.Fatalf("process %d is still there:\n%s", pid, status)
		}
	}
}

// TestBackoff: a program that always dies is not started all the time.
func TestBackoff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pool := poolOf(t, program("starts", dir, "1"))
	frames := 0
	for began := time.Now(); time.Since(began) < 2*time.Second; time.Sleep(time.Millisecond) {
		if _, err := apply(pool, frame(8, 8, 1)); err == nil {
			t.Fatal("it has answered")
		}
		frames++
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 2 || len(files) > 5 {
		t.Errorf("started %d times in two seconds (%d frames), %v", len(files), frames, err)
	}
}

// TestSlowStart: frames do not wait longer than the timeout, and come through when the program is there.
func TestSlowStart(t *testing.T) {
	t.Parallel()
	p := program("slow", "400")
	p.Timeout = 100 * time.Millisecond
	pool := poolOf(t, p)
	bypassed := 0
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		at := time.Now()
		_, err := apply(pool, frame(8, 8, 1))
		if err == nil {
			break
		}
		if !errors.Is(err, errStarting) || time.Since(at) > time.Second || time.Since(began) > 5*time.Second {
			t.Fatalf("after %v: %v", time.Since(at), err)
		}
		bypassed++
	}
	if bypassed < 2 {
		t.Errorf("only %d passed meanwhile", bypassed)
	}
	t.Run("limit", func(t *testing.T) {
		p := program("slow", "60000")
		p.Timeout, p.Start = 20*time.Millisecond, 200*time.Millisecond
		pool := poolOf(t, p)
		var err error
		for began := time.Now(); err == nil || errors.Is(err, errStarting); time.Sleep(5 * time.Millisecond) {
			if _, err = apply(pool, frame(8, 8, 1)); time.Since(began) > 5*time.Second {
				t.Fatal(err)
			}
		}
		if !strings.Contains(err.Error(), "no answer to the first frame within start=0.2 s") {
			t.Error(err)
		}
	})
}

// TestClose: whatever a program does, and whatever it has started, ends with it.
func TestClose(t *testing.T) {
	for _, mode := range []string{"invert", "stay"} {
		t.Run(mode, func(t *testing.T) {
			pool := poolOf(t, program(mode))
			if _, err := apply(pool, frame(64, 48, 3)); err != nil {
				t.Fatal(err)
			}
			c := pool.slots[0].worker.(*child)
			pool.Close()
			gone(t, c.cmd.Process.Pid)
		})
	}
	for _, dies := range []string{"0", "2"} {
		t.Run("family, dies "+dies, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pid")
			pool := poolOf(t, program("family", file, dies))
			if _, err := apply(pool, frame(64, 48, 3)); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(string(text))
			if err != nil {
				t.Fatal(err)
			}
			if dies == "0" {
				pool.Close()
			} else if _, err := apply(pool, frame(64, 48, 3)); err == nil {
				t.Error("it still answers")
			}
			goneOrZombie(t, pid)
		})
	}
}

// goneOrZombie is gone for a process that init has to wait for, which in a container may be one that never does.
func goneOrZombie(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil || regexp.MustCompile(`State:\s+Z`).Match(status) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d is still there:\n%s", pid, status)
		}
	}
}

// TestScold: one that floods its standard error works on, and picam keeps the end of it.
func TestScold(t *testing.T) {
	pool := poolOf(t, program("scold"))
	for range 50 {
		if _, err := apply(pool, frame(64, 48, 3)); err != nil {
			t.Fatal(err)
		}
	}
	c := pool.slots[0].worker.(*child)
	pool.Close()
	if n := len(c.stderr.buf); n == 0 || n > tailSize {
		t.Errorf("%d bytes of it are kept", n)
	}
}

// TestWorkers: several goroutines share processes, of which there are never more than allowed; killing them at random
// costs frames, never more.
func TestWorkers(t *testing.T) {
	p := program("pid")
	p.Workers = 3
	pool := poolOf(t, p)
	var done, bypassed atomic.Int64
	var mu sync.Mutex
	pids := map[int]bool{}
	var all sync.WaitGroup
	for range 6 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 100 {
				err := pool.Apply(frame(320, 240, 3), func(a *Answer) error {
					mu.Lock()
					defer mu.Unlock()
					pids[int(a.Detections[0].Score)] = true
					return nil
				})
				if err == nil {
					done.Add(1)
				} else {
					bypassed.Add(1)
				}
			}
		}()
	}
	all.Wait()
	if len(pids) == 0 || len(pids) > 3 || done.Load() != 600 {
		t.Fatalf("%d processes, %d frames done, %d bypassed", len(pids), done.Load(), bypassed.Load())
	}
	stop := make(chan struct{})
	for range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			for {
				select {
				case <-stop:
					return
				default:
					_, _ = apply(pool, frame(320, 240, 3))
				}
			}
		}()
	}
	for pid := range pids {
		time.Sleep(20 * time.Millisecond) // sleep: frames go on in between
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		gone(t, pid)
	}
	close(stop)
	all.Wait()
	for deadline := time.Now().Add(5 * time.Second); ; {
		got, err := apply(pool, frame(320, 240, 3))
		if err == nil {
			if pids[int(got.Detections[0].Score)] {
				t.Error("a killed one has answered")
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestShared(t *testing.T) {
	var s Shared
	p := program("pid")
	first, second := s.Pool(p), s.Pool(p)
	if first != second {
		t.Fatal("two pools")
	}
	a, err := apply(first, frame(8, 8, 1))
	if err != nil {
		t.Fatal(err)
	}
	s.Release()
	b, err := apply(second, frame(8, 8, 1))
	if err != nil || a.Detections[0].Score != b.Detections[0].Score {
		t.Error(a, b, err)
	}
	s.Release()
	gone(t, int(b.Detections[0].Score))
	third := s.Pool(p)
	if _, err := apply(third, frame(8, 8, 1)); err != nil {
		t.Error(err)
	}
	s.Release()
}

// TestNoAllocations: a frame costs no memory once one has been there.
func TestNoAllocations(t *testing.T) {
	pool, p := poolOf(t, program("invert")), frame(320, 240, 3)
	n := testing.AllocsPerRun(20, func() {
		if err := pool.Apply(p, func(*Answer) error { return nil }); err != nil {
			t.Fatal(err)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations for each frame", n)
	}
}

func BenchmarkProgram(b *testing.B) {
	for _, mode := range []string{"same", "invert"} {
		b.Run(mode, func(b *testing.B) {
			pool, p := poolOf(b, program(mode)), frame(1280, 720, 3)
			if _, err := apply(pool, p); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(p.Pixels)))
			b.ReportAllocs()
			for b.Loop() {
				if err := pool.Apply(p, func(*Answer) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
