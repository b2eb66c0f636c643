// Command bench measures picam beside its peers, on the same frames, in turn, and prints tables. Run it from the
// project's folder, by make bench; docs/performance.md says what the figures mean.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// bench is one run of this program.
type bench struct {
	picam, python, reference, loader, config string // programs, and a filters file with the chain
	dir                                      string // for what is made on the way
	short                                    bool   // few and small frames, and every program must take all of them
	rounds                                   int
	patience                                 time.Duration // how long to wait for an idle machine before each measurement
	clips                                    []clip
}

// clip is a file of frames one after another, drawn by picam's pattern with noise.
type clip struct {
	path, size string
	frames     int
	times      int // that each of them stands in it
	bytes      int // of a frame
}

// head is a clip in which each frame stands once, for a program that is slow.
func (c clip) head() clip {
	c.frames /= c.times
	c.times = 1
	c.path += ".head"
	return c
}

func (c clip) String() string {
	return fmt.Sprintf("%s, %d frames of %d KB", c.size, c.frames, c.bytes/1000)
}

func main() {
	b := &bench{}
	flag.StringVar(&b.picam, "picam", "./picam", "the `program` to measure")
	flag.StringVar(&b.python, "python", "/usr/bin/python3", "the `program` that runs the Python script")
	flag.IntVar(&b.rounds, "rounds", 7, "how often each program runs, in turn with the others")
	flag.BoolVar(&b.short, "short", false, "few and small frames: does every program take all of them?")
	flag.DurationVar(&b.patience, "settle", 5*time.Second, "wait for up to `TIME` for an idle machine before each measurement")
	only := flag.String("only", "", "the `PARTS` to run, with commas between; all if left out")
	flag.Parse()
	if err := b.run(*only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(only string) (err error) {
	if b.dir, err = os.MkdirTemp("", "picam-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := b.prepare(); err != nil {
		return err
	}
	fmt.Printf("%s, %d cores. Medians (least–most) of %d rounds. others: what other programs took of all cores meanwhile.\n",
		processor(), runtime.NumCPU(), b.rounds)
	wanted := strings.Split(only, ",")
	for _, part := range []struct {
		name    string
		measure func() error
	}{
		{"chain", b.chain}, {"decode", b.decode}, {"passing", b.passing}, {"sender", b.sender}, {"latency", b.latency},
		{"start", b.start}, {"memory", b.memory}, {"workers", b.workers}, {"cameras", b.cameras},
	} {
		if only != "" && !slices.Contains(wanted, part.name) {
			continue
		}
		if err := part.measure(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// prepare builds the reference and makes the clips.
func (b *bench) prepare() error {
	b.config = filepath.Join(b.dir, "filters.yaml")
	chain := "filters: [grayscale, blur: {size: 5}, canny: {low: 50, high: 150}]\n"
	if err := os.WriteFile(b.config, []byte(chain), 0o644); err != nil {
		return err
	}
	b.reference = filepath.Join(b.dir, "reference")
	if _, err := alone("sh", "-c", "g++ -O2 -o "+b.reference+" scripts/bench/peers/reference.cpp "+
		"$(pkg-config --cflags --libs-only-L opencv4 libturbojpeg) "+
		"-lopencv_core -lopencv_imgproc -lopencv_imgcodecs -lturbojpeg"); err != nil {
		return err
	}
	b.loader = filepath.Join(b.dir, "loader")
	if _, err := alone("sh", "-c", "echo 'int main() {}' | g++ -x c++ -o "+b.loader+" - -Wl,--no-as-needed "+
		"$(pkg-config --libs-only-L opencv4 libjpeg) -lopencv_core -lopencv_imgproc -ljpeg"); err != nil {
		return err
	}
	if b.short {
		b.rounds, b.patience = 1, 0
		return b.draw("640x480", 30, 1)
	}
	if err := b.draw("1280x720", 150, 3); err != nil {
		return err
	}
	return b.draw("1920x1080", 150, 3)
}

// draw makes a clip in which each of n drawn frames stands several times.
func (b *bench) draw(size string, n, times int) error {
	c := clip{path: filepath.Join(b.dir, size+".mjpeg"), size: size, frames: n * times, times: times}
	f, err := os.Create(c.path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = server{serve: func(conn net.Conn, _ int) error {
		var drawn bytes.Buffer
		if _, err := io.Copy(&drawn, conn); err != nil {
			return err
		}
		c.bytes = drawn.Len() / n
		if err := os.WriteFile(c.head().path, drawn.Bytes(), 0o644); err != nil {
			return err
		}
		for range times {
			if _, err := f.Write(drawn.Bytes()); err != nil {
				return err
			}
		}
		return nil
	}}.run(b.picam, "send", "--to", "HOST:PORT", "--source", fmt.Sprintf("pattern:%d,noise", n), "--size", size, "--fps", "1000",
		"--policy", "all", "--no-stamp")
	b.clips = append(b.clips, c)
	return err
}

func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	_, name, _ := strings.Cut(string(info), "model name\t: ")
	name, _, _ = strings.Cut(name, "\n")
	return name
}
