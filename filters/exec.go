package filters

import (
	"time"

	"gocv.io/x/gocv"

	"picam/filters/plugin"
)

// execFilter is called exec where filters are spoken of. docs/plugins.md has what it and its programs say to each
// other.
var execFilter = Kind{
	Name: "exec",
	Doc:  "Has a program of yours work on the frames, see docs/plugins.md.",
	In:   Any, Out: Any,
	New: func(p *Params) Filter {
		program := &plugin.Program{
			Command: p.Words("command", []string{"python3", "my_filter.py"},
				"the program and its arguments; paths begin where picam was started"),
			Params: p.Object("params", "what the program is told with each frame, as JSON"),
			Timeout: seconds(p.Float("timeout", 1, 0.001, 60,
				"seconds that a frame may take; a program that takes longer is ended and started again")),
			Start: seconds(p.Float("start", 10, 0.001, 600,
				"seconds that the first frame may take; after timeout, further ones pass as they are until it is "+
					"done")),
			Workers: p.Int("workers", 1, 1, 64,
				"1: it sees all frames in order; more: up to so many at a time run, and each sees some"),
		}
		in, out := ownFormats(p)
		p.Flow(in, out, program.Workers == 1)
		pool := &programPool{program: program, shared: p.Shared()}
		p.Own(pool)
		meta, work := p.Meta(), pluginFilter(p, out, pool.get)
		return func(src gocv.Mat, dst *gocv.Mat) error {
			if !meta.DryRun {
				return work(src, dst)
			}
			if err := program.Find(); err != nil {
				return err
			}
			if out == Any {
				return src.CopyTo(dst)
			}
			return convert(src, dst, out)
		}
	},
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// programPool is an instance's pool of processes: its own, as one that sees all frames in order must be, or that
// which all instances share.
type programPool struct {
	program *plugin.Program
	shared  *plugin.Shared
	pool    *plugin.Pool
}

func (p *programPool) get() *plugin.Pool {
	switch {
	case p.pool != nil:
	case p.program.Workers == 1:
		p.pool = p.program.Pool()
	default:
		p.pool = p.shared.Pool(p.program)
	}
	return p.pool
}

func (p *programPool) Close() error {
	switch {
	case p.pool == nil:
		return nil
	case p.program.Workers == 1:
		return p.pool.Close()
	}
	return p.shared.Release()
}
