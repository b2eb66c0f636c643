package plugintest

// Module is a WebAssembly module (https://webassembly.github.io/spec/core/binary/) with the functions that a filter
// has, made of their instructions. The zero one has filter functions that do nothing, and a page of memory.
type Module struct {
	Alloc  []byte // (size) → address; nil: room for any frame, as far as the memory may grow
	Filter []byte // (at, size) → address, with three more local i32 variables; nil: 0, nothing changed
	Start  []byte // runs when an instance begins; nil: nothing does
	Pages  int    // of 64 KB, to begin with; 0: 1
	Lacks  string // a name that is not exported
	Import bool   // wants a function env.magic
}

// Instructions, for modules of a test's own.
var (
	LoopForEver = []byte{0x03, 0x40, 0x0C, 0x00, 0x0B, 0x41, 0x00} // loop; br 0; end; i32.const 0
	Trap        = []byte{0x00, 0x41, 0x00}                         // unreachable
	Nothing     = []byte{0x41, 0x00}                               // i32.const 0
	OutOfReach  = i32(-16)                                         // an address without memory
	Misplaced   = i32(16)                                          // an address without an answer
	Grab4GB     = join(i32(65535), []byte{0x40, 0x00},             // memory.grow by 4 GB
		i32(0), []byte{0x48, 0x04, 0x40, 0x00, 0x0B}, i32(0)) // if that is < 0: unreachable
)

const base = 1024 // where frames are put

// grow makes room: if memory.size << 16 < base + size, it asks for as many pages as size takes; 0 if there are none.
var grow = join(
	[]byte{0x3F, 0x00}, i32(16), []byte{0x74}, // memory.size << 16
	i32(base), get(0), []byte{0x6A}, // base + size
	[]byte{0x49, 0x04, 0x40},                                        // if less
	get(0), i32(16), []byte{0x76}, i32(1), []byte{0x6A, 0x40, 0x00}, // memory.grow(size >> 16 + 1)
	i32(0), []byte{0x48, 0x04, 0x40}, i32(0), []byte{0x0F, 0x0B, 0x0B}, // if < 0: return 0
	i32(base))

// Invert makes a negative in place: its answer's header comes right before the pixels.
var Invert = join(
	// 2 = at + 16 + length of the camera's name + length of the parameters
	get(0), i32(16), []byte{0x6A}, get(0), load(40), []byte{0x6A}, get(0), load(44), []byte{0x6A}, set(2),
	// 4 = bytes of pixels
	get(0), load(48), set(4),
	// the number, then width and height, channels and stride
	get(2), get(0), []byte{0x29, 0x00, 24, 0x37, 0x00, 32},
	get(2), get(0), []byte{0x29, 0x00, 8, 0x37, 0x00, 8}, get(2), get(0), []byte{0x29, 0x00, 16, 0x37, 0x00, 16},
	get(2), i32(0x4D434950), store(0), get(2), i32(40<<16|1), store(4),
	get(2), get(4), store(24), get(2), i32(0), store(28),
	// 3 = the first pixel, 4 = the end
	get(2), i32(40), []byte{0x6A}, set(3), get(3), get(4), []byte{0x6A}, set(4),
	[]byte{0x03, 0x40},                                             // loop
	get(3), i32(8), []byte{0x6A}, get(4), []byte{0x4D, 0x04, 0x40}, // if 3 + 8 <= 4
	get(3), get(3), []byte{0x29, 0x00, 0, 0x42, 0x7F, 0x85, 0x37, 0x00, 0}, // i64 at 3 ^= -1
	get(3), i32(8), []byte{0x6A}, set(3), []byte{0x0C, 0x01, 0x0B}, // 3 += 8; again
	get(3), get(4), []byte{0x49, 0x04, 0x40}, // if 3 < 4
	get(3), get(3), []byte{0x2D, 0x00, 0}, i32(255), []byte{0x73, 0x3A, 0x00, 0}, // byte at 3 ^= 255
	get(3), i32(1), []byte{0x6A}, set(3), []byte{0x0C, 0x01, 0x0B}, // 3 += 1; again
	[]byte{0x0B}, get(2))

// Lie answers as Invert does, with n at that byte of the answer's header, 8 to 28.
func Lie(offset byte, n int32) []byte {
	return join(Invert, set(3), get(3), i32(n), store(offset), get(3))
}

// Binary is the module's file.
func (m Module) Binary() []byte {
	alloc, filter, pages := m.Alloc, m.Filter, m.Pages
	if alloc == nil {
		alloc = grow
	}
	if filter == nil {
		filter = Nothing
	}
	if pages == 0 {
		pages = 1
	}
	first := 0 // function that is not imported
	b := []byte("\x00asm\x01\x00\x00\x00")
	b = append(b, section(1, list( // types
		[]byte{0x60, 1, 0x7F, 1, 0x7F}, []byte{0x60, 2, 0x7F, 0x7F, 1, 0x7F}, []byte{0x60, 0, 0}))...)
	if m.Import {
		first = 1
		b = append(b, section(2, list(join(name("env"), name("magic"), []byte{0, 2})))...)
	}
	b = append(b, section(3, list([]byte{0}, []byte{1}, []byte{2}))...)          // functions of these types
	b = append(b, section(5, list(join([]byte{0}, unsigned(uint64(pages)))))...) // memory
	var exports [][]byte
	for i, n := range []string{"picam_alloc", "picam_filter", "_initialize"} {
		if n != m.Lacks {
			exports = append(exports, join(name(n), []byte{0, byte(first + i)}))
		}
	}
	if m.Lacks != "memory" {
		exports = append(exports, join(name("memory"), []byte{2, 0}))
	}
	b = append(b, section(7, list(exports...))...)
	body := func(locals, code []byte) []byte {
		code = join(locals, code, []byte{0x0B})
		return join(unsigned(uint64(len(code))), code)
	}
	start := m.Start
	if start != nil {
		start = join(start, []byte{0x1A}) // drop
	}
	return append(b, section(10, list(body([]byte{0}, alloc), body([]byte{1, 3, 0x7F}, filter),
		body([]byte{0}, start)))...)
}

func section(id byte, content []byte) []byte {
	return join([]byte{id}, unsigned(uint64(len(content))), content)
}

func list(items ...[]byte) []byte { return join(unsigned(uint64(len(items))), join(items...)) }

func name(s string) []byte { return join(unsigned(uint64(len(s))), []byte(s)) }

func join(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func get(local byte) []byte    { return []byte{0x20, local} }
func set(local byte) []byte    { return []byte{0x21, local} }
func load(offset byte) []byte  { return []byte{0x28, 0, offset} }
func store(offset byte) []byte { return []byte{0x36, 0, offset} }

// i32 is i32.const n.
func i32(n int32) []byte {
	b := []byte{0x41}
	for {
		low := byte(n & 0x7F)
		n >>= 7
		if n == 0 && low&0x40 == 0 || n == -1 && low&0x40 != 0 {
			return append(b, low)
		}
		b = append(b, low|0x80)
	}
}

// unsigned is n in LEB128.
func unsigned(n uint64) []byte {
	var b []byte
	for ; n > 0x7F; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}
