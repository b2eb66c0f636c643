package filters

import (
	"errors"
	"fmt"
	"image"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gocv.io/x/gocv"

	"picam/filters/plugin"
	"picam/internal/wording"
)

// Stage is a Kind with checked values: immutable, so chains and goroutines may share it.
type Stage struct {
	kind   Kind
	name   string // "": the kind's
	params []Param
	resize func(from image.Point) (to image.Point)
	flow   flow
	shared *plugin.Shared
}

// Configure makes a Stage of k. values has those parameters that are not to have their default: int, float64, string,
// bool, []any or map[string]any, as YAML or JSON gives them. It returns all that is wrong with them at once, and then
// no Stage.
func Configure(k Kind, values map[string]any) (*Stage, []*ParamError) {
	s := &Params{values: values, shared: &plugin.Shared{}}
	if k.New != nil {
		k.New(s)
		closeAll(s.owned)
	}
	var known []string
	for _, p := range s.params {
		known = append(known, p.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, name) {
			s.faults = append(s.faults, &ParamError{name, unknown(name, k, known)})
		}
	}
	if len(s.faults) > 0 {
		return nil, s.faults
	}
	return &Stage{kind: k, params: s.params, resize: s.resize, flow: s.flow, shared: s.shared}, nil
}

// Declared returns the parameters of k, each at its default, or at an example where it has none.
func Declared(k Kind) []Param {
	s := &Params{shared: &plugin.Shared{}}
	if k.New != nil {
		k.New(s)
		closeAll(s.owned)
	}
	return s.params
}

// unknown is the fault of a parameter that k does not have.
func unknown(name string, k Kind, known []string) string {
	if len(known) == 0 {
		return fmt.Sprintf("%s has no parameters", k.Name)
	}
	return fmt.Sprintf("no such parameter%s; %s has %s", wording.DidYouMean(name, known), k.Name,
		strings.Join(known, ", "))
}

// Kind returns what st was made of.
func (st *Stage) Kind() Kind { return st.kind }

// In is what the stage takes: what its Kind does, unless it says so itself.
func (st *Stage) In() Format {
	if st.flow.in != Any {
		return st.flow.in
	}
	return st.kind.In
}

// Out is what the stage gives: what its Kind does, unless it says so itself.
func (st *Stage) Out() Format {
	if st.flow.out != Any {
		return st.flow.out
	}
	return st.kind.Out
}

// Stateful reports whether the stage sees the frames in order, on one goroutine.
func (st *Stage) Stateful() bool { return st.kind.Stateful || st.flow.ordered }

// Name is what the stage is called where it is spoken of: the name that Named gave it, else its kind's.
func (st *Stage) Name() string {
	if st.name != "" {
		return st.name
	}
	return st.kind.Name
}

// Named returns a copy of st with a name of its own.
func (st *Stage) Named(name string) *Stage {
	named := *st
	named.name = name
	return &named
}

// Params returns the parameters with their values, in the order of their declaration. The caller owns the slice.
func (st *Stage) Params() []Param {
	params := slices.Clone(st.params)
	for i := range params {
		params[i].Choices = slices.Clone(params[i].Choices)
	}
	return params
}

// Resizes returns the size (cols, rows) that the filter makes of a frame of size from, if to resize is all it does and
// it does not matter how.
func (st *Stage) Resizes(from image.Point) (to image.Point, ok bool) {
	if st.resize == nil {
		return image.Point{}, false
	}
	return st.resize(from), true
}

// values has the value of every parameter.
func (st *Stage) values() map[string]any {
	values := make(map[string]any, len(st.params))
	for _, p := range st.params {
		values[p.Name] = p.Value
	}
	return values
}

// With returns a copy of st in which one parameter is changed. Its error holds a *ParamError for each thing wrong.
func (st *Stage) With(param string, value any) (*Stage, error) {
	values := st.values()
	values[param] = value
	changed, faults := Configure(st.kind, values)
	if len(faults) > 0 {
		errs := make([]error, len(faults))
		for i, f := range faults {
			errs[i] = f
		}
		return nil, fmt.Errorf("filters: %s: %w", st.kind.Name, errors.Join(errs...))
	}
	return changed.Named(st.name), nil
}

// Equal reports whether o is the same filter with the same name and values.
func (st *Stage) Equal(o *Stage) bool {
	return st.kind.Name == o.kind.Name && st.name == o.name && maps.Equal(st.values(), o.values())
}

// String is the filter's name and the values of its parameters: "blur size=5 sigma=0". A name that Named gave stands
// before it: "soft: blur size=5 sigma=0".
func (st *Stage) String() string {
	var b strings.Builder
	if st.name != "" {
		b.WriteString(st.name + ": ")
	}
	b.WriteString(st.kind.Name)
	for _, p := range st.params {
		text := fmt.Sprint(p.Value)
		if p.Type == Text || p.Type == Points {
			text = strconv.Quote(text)
		}
		fmt.Fprintf(&b, " %s=%s", p.Name, text)
	}
	return b.String()
}

// Open returns a new instance of the filter. Close must be called when it is no longer needed.
func (st *Stage) Open() (*Running, error) {
	if st.kind.New == nil {
		return &Running{stage: st, filter: pass}, nil
	}
	s := &Params{values: st.values(), shared: st.shared}
	filter := st.kind.New(s)
	r := &Running{stage: st, filter: filter, meta: s.meta, owned: s.owned}
	if r.filter == nil {
		r.Close()
		return nil, fmt.Errorf("filters: %s: New made no filter", st.kind.Name)
	}
	return r, nil
}

// pass is the Filter of a Kind that is only a request for a format.
func pass(src gocv.Mat, dst *gocv.Mat) error { return src.CopyTo(dst) }

// Running is an instance of a filter for one goroutine, with its scratch and state.
type Running struct {
	stage  *Stage
	filter Filter // nil after Close
	meta   *Meta  // what the filter sees; nil: it does not want to
	owned  []io.Closer
}

// Apply puts the frame src through the filter and leaves the result in dst, another Mat. src stays as it is. What is
// found in it is added to meta, and so is that the stage was bypassed, which is no error. A src that is empty or not of
// the format that the Stage takes is an error, for conversion is the plan's job, and so is a result that is empty or
// not of the format that it gives. After an error dst may hold anything.
func (r *Running) Apply(src gocv.Mat, dst *gocv.Mat, meta *Meta) error {
	takes, gives := r.stage.In(), r.stage.Out()
	in, ok := formatOf(src)
	switch {
	case r.filter == nil:
		return r.fault("used after Close")
	case src.Empty():
		return r.fault("the frame is empty")
	case !ok || takes != Any && takes != in:
		return r.fault("takes %s, not a frame of type %s", takes, src.Type())
	case src.Ptr() == dst.Ptr():
		return r.fault("frame and result are the same Mat")
	}
	if gives == Any {
		gives = in
	}
	if r.meta != nil {
		*r.meta = *meta
	}
	if err := r.filter(src, dst); err != nil {
		var unavailable *plugin.UnavailableError
		if !errors.As(err, &unavailable) {
			var misfit *SizeError
			if errors.As(err, &misfit) {
				misfit.Stage = r.stage.Name()
			}
			return r.fault("%w", err)
		}
		meta.Bypassed = append(meta.Bypassed, Bypass{r.stage.Name(), unavailable.Cause})
		if err := convert(src, dst, gives); err != nil {
			return r.fault("%w", err)
		}
		return nil
	}
	if r.meta != nil {
		for i := len(meta.Found); i < len(r.meta.Found); i++ {
			d := &r.meta.Found[i]
			d.Stage, d.Size = r.stage.Name(), image.Pt(src.Cols(), src.Rows())
		}
		meta.Found = r.meta.Found
	}
	switch out, ok := formatOf(*dst); {
	case dst.Empty():
		return r.fault("the result is empty")
	case !ok || out != gives:
		return r.fault("the result is not %s but of type %s", gives, dst.Type())
	}
	return nil
}

// fault is what is wrong with a frame, and at which stage.
func (r *Running) fault(format string, args ...any) error {
	return fmt.Errorf("filters: %s: "+format, append([]any{r.stage.Name()}, args...)...)
}

// Close frees the instance's Mats and what else it owns. Further calls of Close do nothing.
func (r *Running) Close() {
	closeAll(r.owned)
	r.filter, r.owned = nil, nil
}
