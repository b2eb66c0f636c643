// Package filters is the shelf of picture filters: one filter, one file, one value.
package filters

import "gocv.io/x/gocv"

// Format is what a filter accepts or produces.
type Format int

// The formats: 8 bit, rows × cols × channels.
const (
	Any  Format = iota // gray or BGR; as Out: as it came
	Gray               // 1 channel
	BGR                // 3 channels
)

// Filter reads src and leaves its result in dst. It must not change, keep or close either.
type Filter func(src gocv.Mat, dst *gocv.Mat) error

// Kind describes one filter. Kinds are values in one list, never changed.
type Kind struct {
	Name     string // as in the YAML file, lower_snake_case
	Doc      string // one sentence
	In, Out  Format
	Stateful bool                // sees the pictures in order, on one goroutine
	New      func(*Setup) Filter // nil: the format alone is the filter (grayscale)
}

// Stage is a Kind with checked values: immutable, so chains and goroutines may share it.
//
//	func All() []Kind
//	func Find(name string) (Kind, bool)
//	func Configure(k Kind, values map[string]any) (*Stage, []*ParamError)   // all faults at once; ParamError{Param, Text}
//	func (st *Stage) Kind() Kind
//	func (st *Stage) With(param string, value any) (*Stage, error)
//	func (st *Stage) Params() []Param
//	func (st *Stage) Equal(o *Stage) bool
//	func (st *Stage) String() string                                       // "blur size=5"
//	func (st *Stage) Open() (*Running, error)
//	func (r *Running) Apply(src gocv.Mat, dst *gocv.Mat) error
//	func (r *Running) Close()
type Stage struct{}

// Setup declares a filter's parameters and reads their values, in one step each.
type Setup struct{}
