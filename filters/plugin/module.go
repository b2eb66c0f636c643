package plugin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

const (
	maxModule = 64 << 20         // bytes of a module's file
	initTime  = 10 * time.Second // that a module may take to begin
)

// The functions that a module has to export.
const (
	allocFunc  = "picam_alloc"  // (size i32) → i32: where a frame with its header of size bytes may be put
	filterFunc = "picam_filter" // (at, size i32) → i32: where the answer is; 0: nothing changed, nothing found
)

// module is a WebAssembly module, compiled: https://webassembly.github.io/spec/core/. It has no access to files, the
// network, the environment or the clock. Go's garbage collector frees it.
type module struct {
	file     string
	modified time.Time
	size     int64
	memory   int // most that an instance may have, in MB
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
}

// compile reads and compiles a module whose instances may have so many MB of memory.
func compile(file string, memory int) (*module, error) {
	info, err := os.Stat(file)
	if err != nil {
		dir, _ := os.Getwd()
		if errors.Is(err, os.ErrNotExist) && !filepath.IsAbs(file) {
			return nil, fmt.Errorf("there is no file %s in %s", file, dir)
		}
		return nil, err
	}
	if info.Size() > maxModule {
		return nil, fmt.Errorf("%s has %d MB; a module may have %d MB", file, info.Size()>>20, maxModule>>20)
	}
	code, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if len(code) < 4 || string(code[:4]) != "\x00asm" {
		return nil, fmt.Errorf("%s is not a WebAssembly module: it does not begin with \\0asm", file)
	}
	ctx := context.Background()
	const pages = 1 << 20 >> 16 // of a MB
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().
		WithCloseOnContextDone(true).WithMemoryLimitPages(uint32(memory*pages)))
	m := &module{file: file, modified: info.ModTime(), size: info.Size(), memory: memory, runtime: r}
	m.compiled, err = r.CompileModule(ctx, code)
	if err == nil {
		_, err = wasi_snapshot_preview1.Instantiate(ctx, r)
	} else if strings.Contains(err.Error(), "over limit of") {
		err = fmt.Errorf("it wants more memory than the memory=%d MB it may have: %w", memory, err)
	}
	if err == nil {
		err = m.check()
	}
	if err != nil {
		r.Close(ctx)
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	runtime.AddCleanup(m, func(r wazero.Runtime) { r.Close(context.Background()) }, r)
	return m, nil
}

// check holds that the module exports what it has to.
func (m *module) check() error {
	exported := m.compiled.ExportedFunctions()
	for name, params := range map[string]int{allocFunc: 1, filterFunc: 2} {
		f, ok := exported[name]
		if !ok {
			return fmt.Errorf("it does not export the function %s; it exports %q", name,
				slices.Sorted(maps.Keys(exported)))
		}
		want := slices.Repeat([]api.ValueType{api.ValueTypeI32}, params)
		if !slices.Equal(f.ParamTypes(), want) || !slices.Equal(f.ResultTypes(), []api.ValueType{api.ValueTypeI32}) {
			return fmt.Errorf("its function %s does not take %d numbers of 32 bits and return one", name, params)
		}
	}
	if len(m.compiled.ExportedMemories()) == 0 {
		return errors.New("it does not export its memory")
	}
	for _, f := range m.compiled.ImportedFunctions() {
		if from, name, _ := f.Import(); from != wasi_snapshot_preview1.ModuleName {
			return fmt.Errorf("it wants a function %s.%s, which picam does not have; it may only import %s",
				from, name, wasi_snapshot_preview1.ModuleName)
		}
	}
	return nil
}

// current reports whether the module's file still is the one that was compiled.
func (m *module) current() bool {
	info, err := os.Stat(m.file)
	return err != nil || info.ModTime().Equal(m.modified) && info.Size() == m.size
}

// instance is a module with memory of its own.
type instance struct {
	module        *module
	params        string
	timeout       time.Duration
	mod           api.Module
	alloc, filter api.Function
	stderr        tail
	stack         [2]uint64
	at, room      uint32 // of what alloc has given last
	request       []byte
	answer        Answer
}

func (m *module) open(params string, timeout time.Duration) (*instance, error) {
	in := &instance{module: m, params: params, timeout: timeout}
	ctx, cancel := context.WithTimeout(context.Background(), initTime)
	defer cancel()
	mod, err := m.runtime.InstantiateModule(ctx, m.compiled, wazero.NewModuleConfig().
		WithName("").WithStartFunctions("_initialize").WithStdout(&in.stderr).WithStderr(&in.stderr))
	if err != nil {
		return nil, in.because("cannot begin", err, initTime)
	}
	in.mod, in.alloc, in.filter = mod, mod.ExportedFunction(allocFunc), mod.ExportedFunction(filterFunc)
	return in, nil
}

func (in *instance) ready() bool { return true }

func (in *instance) apply(p *Frame, _ bool) (*Answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), in.timeout)
	defer cancel()
	in.request = appendRequest(in.request[:0], p, in.params)
	size := uint32(len(in.request))
	if size > in.room {
		in.stack[0] = uint64(size)
		if err := in.alloc.CallWithStack(ctx, in.stack[:]); err != nil {
			return nil, in.because(allocFunc, err, in.timeout)
		}
		in.at, in.room = uint32(in.stack[0]), size
	}
	if in.at == 0 || !in.mod.Memory().Write(in.at, in.request) {
		return nil, in.because(allocFunc, fmt.Errorf(
			"no room for %d bytes of frame; memory=%d MB is the limit, in use are %d MB",
			size, in.module.memory, in.mod.Memory().Size()>>20), in.timeout)
	}
	in.stack[0], in.stack[1] = uint64(in.at), uint64(size)
	if err := in.filter.CallWithStack(ctx, in.stack[:]); err != nil {
		return nil, in.because(filterFunc, err, in.timeout)
	}
	if err := in.read(uint32(in.stack[0]), p.Seq); err != nil {
		return nil, in.because(filterFunc, err, in.timeout)
	}
	return &in.answer, nil
}

// read makes the answer of what is in the module's memory, where it stays.
func (in *instance) read(at uint32, seq uint64) error {
	if at == 0 {
		return head{}.fill(&in.answer, nil, nil)
	}
	memory := in.mod.Memory()
	b, ok := memory.Read(at, answerHead)
	if !ok {
		return fmt.Errorf("the answer is at %d, outside of the memory", at)
	}
	h, err := parseHead(b, seq)
	if err != nil {
		return err
	}
	if b, ok = memory.Read(at, answerHead+h.pixels+h.found); !ok {
		return fmt.Errorf("the answer at %d is not all in the memory: it has %d bytes of pixels and %d of detections",
			at, h.pixels, h.found)
	}
	b = b[answerHead:]
	return h.fill(&in.answer, b[:h.pixels], b[h.pixels:])
}

// because makes an error of what has happened in which function, within which time, and what the module said last.
func (in *instance) because(where string, err error, limit time.Duration) error {
	text := err.Error()
	var exit *sys.ExitError
	switch {
	case errors.Is(err, context.DeadlineExceeded),
		errors.As(err, &exit) && exit.ExitCode() == sys.ExitCodeDeadlineExceeded:
		text = fmt.Sprintf("not done within %v s", limit.Seconds())
	case exit != nil:
		text = fmt.Sprintf("ended itself with exit code %d", exit.ExitCode())
	default:
		text, _, _ = strings.Cut(text, "\n") // a trap brings the stack along
		text = strings.TrimSuffix(strings.TrimPrefix(text, "wasm error: "), " (recovered by wazero)")
	}
	if said := in.stderr.lastLines(); said != "" {
		text += ": " + said
	}
	return fmt.Errorf("%s: %s: %s", in.module.file, where, text)
}

func (in *instance) close() {
	if in.mod != nil {
		in.mod.Close(context.Background())
	}
}
