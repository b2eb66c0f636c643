package filters

import "picam/filters/plugin"

// wasm: docs/plugins.md has what it and its modules say to each other.
var wasm = Kind{
	Name: "wasm",
	Doc:  "Has a WebAssembly module of yours work on the frames, in a sandbox, see docs/plugins.md.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		file := p.RequiredText("module", "my_filter.wasm", "the module's file; its path begins where picam was started")
		params := p.Object("params", "what the module is told with each frame, as JSON")
		timeout := seconds(p.Float("timeout", 1, 0.001, 60,
			"seconds that a frame may take; a module that takes longer is ended and started again"))
		memory := p.Int("memory", 64, 1, 1024, "most memory that it may have, in MB")
		stateless := p.Bool("stateless", false,
			"several instances of it work at a time, and each sees some of the frames; else one sees all in order")
		in, out := ownFormats(p)
		p.Flow(in, out, !stateless)
		pool := p.Shared().Instance(file, memory, params, timeout)
		p.Own(pool)
		return pluginFilter(p, out, func() *plugin.Pool { return pool })
	},
}
