package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// run is what one program did, or a shell's several, from when its work began.
type run struct {
	frames   float64
	wall     time.Duration
	cpu      time.Duration // user and system
	figure   float64       // what the part measures, if it is none of the others
	resident []float64     // MB, ten times a second
	others   float64       // what other programs took of all cores meanwhile, 0 to 1
	output   string        // of stdout and stderr
}

func (r run) rate() float64     { return r.frames / r.wall.Seconds() }
func (r run) perFrame() float64 { return r.cpu.Seconds() * 1000 / r.frames } // ms
func (r run) share() float64    { return 100 * r.cpu.Seconds() / r.wall.Seconds() }

// alone runs a command to its end. Its work begins with it.
func alone(name string, args ...string) (run, error) {
	return finish(command(name, args), func() error { return nil })
}

// timeLimit is how long a program may take in all.
const timeLimit = 3 * time.Minute

func command(name string, args []string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
	cmd := exec.CommandContext(ctx, name, args...)
	context.AfterFunc(ctx, cancel)
	return cmd
}

// server is a port that a program connects to.
type server struct {
	serve func(conn net.Conn, i int) error
	conns int      // so many connections are awaited, and the program is interrupted when all were served; 0: one, no interruption
	stdin *os.File // the program's standard input
}

// run runs a program in whose arguments HOST and PORT stand for the address. Its work begins with its last connection,
// so the start of an interpreter or the loading of plugins is no part of it.
func (s server) run(name string, args ...string) (run, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return run{}, err
	}
	defer l.Close()
	host, port, _ := net.SplitHostPort(l.Addr().String())
	args = slices.Clone(args)
	for i := range args {
		args[i] = strings.NewReplacer("HOST", host, "PORT", port).Replace(args[i])
	}
	cmd := command(name, args)
	if s.stdin != nil {
		cmd.Stdin = s.stdin
	}
	served := make(chan error, 1)
	r, err := finish(cmd, func() error {
		results := make(chan error, max(s.conns, 1))
		for i := range max(s.conns, 1) {
			_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(30 * time.Second))
			conn, err := l.Accept()
			if err != nil {
				return err
			}
			go func() {
				defer conn.Close()
				results <- s.serve(conn, i)
			}()
		}
		go func() {
			var errs []error
			for range max(s.conns, 1) {
				errs = append(errs, <-results)
			}
			if s.conns > 0 {
				errs = append(errs, cmd.Process.Signal(os.Interrupt))
			}
			served <- errors.Join(errs...)
		}()
		return nil
	})
	if err == nil {
		err = <-served
	}
	return r, err
}

// feed serves a clip as fast as it is taken. The kernel copies it, which costs this process hardly anything.
func feed(c clip) server {
	return server{serve: func(conn net.Conn, _ int) error {
		f, err := os.Open(c.path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(conn, f)
		return err
	}}
}

// finish starts cmd, lets begin wait until its work begins, and then waits for its end.
func finish(cmd *exec.Cmd, begin func() error) (r run, err error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return run{}, err
	}
	if err = begin(); err != nil {
		_ = cmd.Process.Kill()
	}
	begun, before, others := time.Now(), used(cmd.Process.Pid), load()
	ended := make(chan struct{})
	sampled := make(chan []float64)
	go func() { sampled <- resident(cmd.Process.Pid, ended) }()
	err = errors.Join(err, cmd.Wait())
	close(ended)
	r = run{wall: time.Since(begun), resident: <-sampled, output: out.String()}
	if err != nil {
		return r, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, r.output)
	}
	r.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() - before
	r.others = max(0, others()-r.cpu.Seconds()/r.wall.Seconds()/float64(runtime.NumCPU()))
	// A program that has measured itself knows better; there may be several.
	if strings.Contains(r.output, "cpu-seconds ") {
		r.cpu, r.wall = 0, 0
		for line := range strings.Lines(r.output) {
			r.frames += find(line, `frames (\d+)`)
			r.cpu += time.Duration(find(line, `cpu-seconds ([\d.]+)`) * 1e9)
			r.wall = max(r.wall, time.Duration(find(line, ` seconds ([\d.]+)`)*1e9))
		}
	}
	return r, nil
}

// find returns the number in the last match of expr's group in text; 0 if there is none.
func find(text, expr string) float64 {
	all := regexp.MustCompile(expr).FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return 0
	}
	n, _ := strconv.ParseFloat(all[len(all)-1][1], 64)
	return n
}

// resident samples the memory of a process, in MB, until ended is closed. (The system's own account of the most begins
// with this program's memory, which the other one has for a moment.)
func resident(pid int, ended <-chan struct{}) (samples []float64) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			samples = append(samples, find(string(text), `VmRSS:\s+(\d+)`)/1024)
		case <-ended:
			return samples
		}
	}
}

// used is the processor time that a running process has used; 0 where that is not told.
func used(pid int) (sum time.Duration) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, t := range threads {
		text, _ := os.ReadFile(t)
		sum += time.Duration(find(string(text), `^(\d+) `))
	}
	return sum
}

// rss is the most memory at any time, in MB; 0 where the program was too short to look.
func (r run) rss() float64 {
	most := 0.0
	for _, mb := range r.resident {
		most = max(most, mb)
	}
	return most
}

// load begins to measure what share of all cores is taken, but for what this process takes. It is 0 where that is not
// told.
func load() func() float64 {
	const tick = 100 // of /proc/stat, a second
	read := func() (working, all float64) {
		stat, _ := os.ReadFile("/proc/stat")
		line, _, _ := strings.Cut(string(stat), "\n")
		for i, field := range strings.Fields(line) {
			n, _ := strconv.ParseFloat(field, 64)
			if i > 8 { // guests, which are part of user
				break
			}
			all += n
			if i != 4 && i != 5 { // idle, waiting
				working += n
			}
		}
		var own syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &own)
		return working - time.Duration(own.Utime.Nano()+own.Stime.Nano()).Seconds()*tick, all
	}
	working, all := read()
	return func() float64 {
		w, a := read()
		if a == all {
			return 0
		}
		return (w - working) / (a - all)
	}
}

// settle waits until the machine is idle, at most for limit.
func settle(limit time.Duration) {
	for end := time.Now().Add(limit); time.Now().Before(end); {
		now := load()
		time.Sleep(200 * time.Millisecond)
		if now() < 0.08 {
			return
		}
	}
}
