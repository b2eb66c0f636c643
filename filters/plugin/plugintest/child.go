// Package plugintest has filters of a user's own for tests: programs, good and bad, and WebAssembly modules. They know
// what docs/plugins.md says and nothing of the packages that they test.
package plugintest

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// marker is the argument by which a test's binary knows that it is a child.
const marker = "picam-own-filter"

// Command is the command of a child that does what mode says. The test's TestMain must call Main first.
func Command(mode string, args ...string) []string {
	return append([]string{os.Args[0], marker, mode}, args...)
}

// Main makes the process a child, and then does not return, if it was started as one.
func Main() {
	if len(os.Args) < 3 || os.Args[1] != marker {
		return
	}
	if err := run(os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// request is a frame as it comes.
type request struct {
	width, height, channels, stride int
	seq                             uint64
	captured                        int64
	camera, params                  string
	pixels                          []byte
}

func read(r io.Reader) (*request, error) {
	var head [56]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	if string(head[:8]) != "PICM\x01\x00\x38\x00" {
		return nil, fmt.Errorf("not a frame: %q", head[:8])
	}
	at := func(i int) int { return int(le.Uint32(head[i:])) }
	rest := make([]byte, at(40)+at(44)+at(48))
	if _, err := io.ReadFull(r, rest); err != nil {
		return nil, err
	}
	return &request{
		width: at(8), height: at(12), channels: at(16), stride: at(20),
		seq: le.Uint64(head[24:]), captured: int64(le.Uint64(head[32:])),
		camera: string(rest[:at(40)]), params: string(rest[at(40):][:at(44)]), pixels: rest[at(40)+at(44):],
	}, nil
}

func answer(seq uint64, width, height, channels, stride int, pixels []byte, found string) []byte {
	le := binary.LittleEndian
	b := []byte("PICM\x01\x00\x28\x00")
	for _, n := range []int{width, height, channels, stride, len(pixels), len(found)} {
		b = le.AppendUint32(b, uint32(n))
	}
	b = le.AppendUint64(b, seq)
	return append(append(b, pixels...), found...)
}

func (r *request) answer(found string) []byte {
	return answer(r.seq, r.width, r.height, r.channels, r.stride, r.pixels, found)
}

// run answers each frame of standard input as mode says, until it ends.
func run(mode string, args []string) error {
	number := func(i int) int {
		n, err := strconv.Atoi(args[i])
		if err != nil {
			panic(err)
		}
		return n
	}
	if mode == "stream" {
		return stream()
	}
	in, started := bufio.NewReaderSize(os.Stdin, 1<<20), time.Now()
	for n := 1; ; n++ {
		r, err := read(in)
		if err == io.EOF {
			if mode == "stay" {
				select {}
			}
			return nil
		}
		if err != nil {
			return err
		}
		out := r.answer("")
		switch mode {
		case "invert":
			for i := range r.pixels {
				r.pixels[i] ^= 255
			}
			out = r.answer("")
		case "same":
			out = answer(r.seq, 0, 0, 0, 0, nil, "")
		case "pid": // its number as a detection
			out = answer(r.seq, 0, 0, 0, 0, nil, fmt.Sprintf(`[{"label":"pid","score":%d}]`, os.Getpid()))
		case "echo": // what it was told, as a detection
			out = answer(r.seq, 0, 0, 0, 0, nil,
				fmt.Sprintf(`[{"label":%q,"box":[1,2.4,3,4],"points":[[5,6],[7,8]],"score":0.5,"value":%q}]`,
					fmt.Sprint(r.camera, " ", r.seq, " ", r.captured, " ", r.width, "x", r.height, "x", r.channels, "/",
						r.stride), r.params))
		case "count": // how many frames it has seen, as the pixels' value
			for i := range r.pixels {
				r.pixels[i] = byte(n)
			}
			out = r.answer("")
		case "half": // gray of half the size, with rows that are longer than needed
			w, h := max(1, r.width/2), max(1, r.height/2)
			p := make([]byte, (w+3)*h)
			for y := range h {
				for x := range w {
					p[y*(w+3)+x] = r.pixels[2*min(y, r.height-1)*r.stride+2*x*r.channels]
				}
			}
			out = answer(r.seq, w, h, 1, w+3, p, "")
		case "slow": // begins slowly
			if n == 1 {
				time.Sleep(time.Duration(number(0)) * time.Millisecond) // sleep: what the mode is about
			}
		case "late": // each frame takes its time
			time.Sleep(time.Duration(number(0)) * time.Millisecond) // sleep: what the mode is about
		case "hang", "stay":
			if mode == "hang" && n >= number(0) {
				select {}
			}
		case "die":
			if n >= number(0) {
				fmt.Fprintf(os.Stderr, "Traceback:\n  somewhere\nValueError: frame %d is not to my taste\n", n)
				os.Exit(3)
			}
		case "hello":
			out = []byte("Hello, I am a filter that prints to standard output\n")
		case "raw": // an answer as the argument has it, in hexadecimal
			if out, err = hex.DecodeString(args[0]); err != nil {
				return err
			}
		case "json":
			out = answer(r.seq, 0, 0, 0, 0, nil, args[0])
		case "flood": // ever more on standard output
			for {
				if _, err := os.Stdout.Write(out); err != nil {
					return err
				}
			}
		case "scold": // ever more on standard error, while it works
			if n == 1 {
				go func() {
					for line := []byte(strings.Repeat("what a frame! ", 1000) + "\n"); ; {
						os.Stderr.Write(line)
					}
				}()
			}
		case "family": // starts a process that would outlive it, and writes its number to a file
			if n == 1 {
				child := exec.Command("sleep", "1000")
				child.Stdout, child.Stderr = os.Stdout, os.Stderr
				if err := child.Start(); err != nil {
					return err
				}
				if err := os.WriteFile(args[0], []byte(strconv.Itoa(child.Process.Pid)), 0o600); err != nil {
					return err
				}
			}
			if n == number(1) {
				os.Exit(1)
			}
		case "starts": // leaves a file behind for each start, and dies at frame n
			if n == 1 {
				if err := os.WriteFile(filepath.Join(args[0], strconv.FormatInt(started.UnixNano(), 10)), nil,
					0o600); err != nil {
					return err
				}
			}
			if n == number(1) {
				os.Exit(1)
			}
		default:
			return fmt.Errorf("plugintest: unknown mode %q", mode)
		}
		if _, err := os.Stdout.Write(out); err != nil {
			return err
		}
	}
}

// stream inverts each frame piece by piece while it still reads it.
func stream() error {
	var head [56]byte
	le := binary.LittleEndian
	piece := make([]byte, 4096)
	for {
		if _, err := io.ReadFull(os.Stdin, head[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		at := func(i int) int { return int(le.Uint32(head[i:])) }
		if _, err := io.CopyN(io.Discard, os.Stdin, int64(at(40)+at(44))); err != nil {
			return err
		}
		out := answer(le.Uint64(head[24:]), at(8), at(12), at(16), at(20), make([]byte, at(48)), "")[:40]
		if _, err := os.Stdout.Write(out); err != nil {
			return err
		}
		for left := at(48); left > 0; {
			n, err := os.Stdin.Read(piece[:min(left, len(piece))])
			if err != nil {
				return err
			}
			for i := range piece[:n] {
				piece[i] ^= 255
			}
			if _, err := os.Stdout.Write(piece[:n]); err != nil {
				return err
			}
			left -= n
		}
	}
}
