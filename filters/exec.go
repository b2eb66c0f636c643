package filters

import (
	"time"

	"gocv.io/x/gocv"

	"picam/filters/own"
)

// execFilter is called exec where filters are spoken of. docs/own-filters.md has what it and its programs say to each
// other.
var execFilter = Kind{
	Name: "exec",
	Doc:  "Has a program of yours work on the pictures, see docs/own-filters.md.",
	In:   Any, Out: Any,
	New: func(s *Setup) Filter {
		program := &own.Program{
			Command: s.Words("command", []string{"python3", "my_filter.py"},
				"the program and its arguments; paths begin where picam was started"),
			Params: s.Object("params", "what the program is told with each picture, as JSON"),
			Timeout: seconds(s.Float("timeout", 1, 0.001, 60,
				"seconds that a picture may take; a program that takes longer is ended and started again")),
			Start: seconds(s.Float("start", 10, 0.001, 600,
				"seconds that the first picture may take; after timeout, further ones pass as they are until it is done")),
			Workers: s.Int("workers", 1, 1, 64,
				"1: it sees all pictures in order; more: up to so many at a time run, and each sees some"),
		}
		in, out := ownFormats(s)
		s.Flow(in, out, program.Workers == 1)
		pool := &programPool{program: program, shared: s.Shared()}
		s.Own(pool)
		meta, work := s.Meta(), ownFilter(s, out, pool.get)
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

// programPool is an instance's pool of processes: its own, as one that sees all pictures in order must be, or that
// which all instances share.
type programPool struct {
	program *own.Program
	shared  *own.Shared
	pool    *own.Pool
}

func (p *programPool) get() *own.Pool {
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
