package filters

import "picam/filters/own"

// wasm: docs/own-filters.md has what it and its modules say to each other.
var wasm = Kind{
	Name: "wasm",
	Doc:  "Has a WebAssembly module of yours work on the pictures, in a sandbox, see docs/own-filters.md.",
	In:   Any, Out: Any,
	New: func(s *Setup) Filter {
		file := s.RequiredText("module", "my_filter.wasm", "the module's file; its path begins where picam was started")
		params := s.Object("params", "what the module is told with each picture, as JSON")
		timeout := seconds(s.Float("timeout", 1, 0.001, 60,
			"seconds that a picture may take; a module that takes longer is ended and started again"))
		memory := s.Int("memory", 64, 1, 1024, "most memory that it may have, in MB")
		stateless := s.Bool("stateless", false,
			"several instances of it work at a time, and each sees some of the pictures; else one sees all in order")
		in, out := ownFormats(s)
		s.Flow(in, out, !stateless)
		pool := s.Shared().Instance(file, memory, params, timeout)
		s.Own(pool)
		return ownFilter(s, out, func() *own.Pool { return pool })
	},
}
