package expr

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker/internal/expr/syntax"

	"github.com/gennaker/gennaker/internal/expr/value"
)

// Env is what expressions see. The zero value is an empty root.
type Env struct {
	// Root are the names that are visible without #: see the function Root.
	// JSON, in which json.Number and Object are allowed; it is not changed.
	Root map[string]any
	// Execution returns the execution as the API shows it, for execution.… and
	// for functions such as #stage. It is called at most once in an evaluation,
	// and only by an expression that needs it. Nil where no execution is visible,
	// as for orchestrations; then what Root has at "execution" is taken for it.
	Execution func() map[string]any
	// Strict makes a name that a map does not have an error; otherwise it is
	// null. Pipelines are evaluated strictly at their start.
	Strict bool
	// Functions are known beside the built-in ones, and before them, by name
	// without #.
	Functions map[string]Function
	// Fetch returns the text at the URL that #fromUrl and its like name; nil
	// refuses them. Its rules for addresses, sizes and times hold: this package
	// adds none. The message of its error is shown to the author of the pipeline.
	Fetch func(url string) (string, error)
	// Now is the present; its location is the time zone of dates.
	Now time.Time
	// Seed is where random numbers and UUIDs start.
	Seed uint64
	// Stage returns the stage that is being executed, for #currentStage(). It is
	// called at most once in an evaluation, and only for that. Nil where none is.
	Stage func() map[string]any
	// Limits bound one call of Evaluate; zero fields have defaults.
	Limits Limits
}

// Limits bound what one call of Evaluate may use, over all its expressions.
type Limits = value.Limits

// Object is a map that stands for one of Spinnaker's own records, such as an
// execution or a stage: its names are fixed, so that one it does not have is an
// error even where unknown names are null.
type Object = value.Object

// run is one evaluation: the environment and what is left of its limits.
type run struct {
	*value.Work
	env       *Env
	execution Object // once known; nil if there is none
	known     bool   // whether execution is
	stage     Object // once staged; nil if there is none
	staged    bool   // whether stage is known
	kin       *kin   // of the stages of the execution; nil until it is asked for
	missing   *Error // the first name that was not there and became null
	this      []any  // elements of the selections around, innermost last
}

func newRun(env Env) *run {
	return &run{Work: value.NewWork(env.Limits, env.Now, env.Seed), env: &env}
}

// theExecution returns the execution, or nil if none is visible.
func (r *run) theExecution() Object {
	if r.known {
		return r.execution
	}
	r.known = true
	if r.env.Execution != nil {
		r.execution = record(r.env.Execution())
	} else if m, ok := value.Entries(r.env.Root["execution"]); ok {
		r.execution = record(m)
	}
	return r.execution
}

// theStage returns the stage that is being executed, or nil.
func (r *run) theStage() Object {
	if !r.staged && r.env.Stage != nil {
		r.stage = r.env.Stage()
	}
	r.staged = true
	return r.stage
}

// record returns an execution as an Object, and its stages too.
func record(m map[string]any) Object {
	if m == nil {
		return nil
	}
	out := Object(maps.Clone(m))
	stages, _ := value.Normal(m["stages"])
	if items, ok := stages.([]any); ok {
		objects := make([]any, len(items))
		for i, s := range items {
			objects[i] = s
			if stage, ok := value.Entries(s); ok {
				objects[i] = Object(stage)
			}
		}
		out["stages"] = objects
	}
	return out
}

// placed gives an error a position, unless it has one.
func placed(err error, at int) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	e := failure(at, "%s", err.Error())
	if h, ok := errors.AsType[*value.Hinted](err); ok {
		e.Hint = h.Hint()
	}
	return e
}

// eval returns the value of n.
func (r *run) eval(n syntax.Node) (any, *Error) {
	if err := r.Step(1); err != nil {
		return nil, placed(err, n.At())
	}
	switch n := n.(type) {
	case *syntax.Literal:
		return n.Value, nil
	case *syntax.Variable:
		return r.variable(n)
	case *syntax.Property:
		return r.property(n)
	case *syntax.Index:
		return r.index(n)
	case *syntax.Method:
		return r.method(n)
	case *syntax.Function:
		return r.function(n)
	case *syntax.Selection:
		return r.selection(n)
	case *syntax.Projection:
		return r.projection(n)
	case *syntax.TypeRef:
		c, err := value.LookupType(n.Name)
		return c, placed(err, n.At())
	case *syntax.Construct:
		return r.construct(n)
	case *syntax.Unary:
		return r.unary(n)
	case *syntax.Binary:
		return r.binary(n)
	case *syntax.Conditional:
		return r.conditional(n)
	case *syntax.Elvis:
		x, err := r.eval(n.X)
		if err != nil || x != nil && x != "" {
			return x, err
		}
		return r.eval(n.Y)
	case *syntax.List:
		return r.all(n.Items)
	case *syntax.Mapping:
		return r.mapping(n)
	}
	return nil, failure(n.At(), "this cannot be evaluated")
}

func (r *run) all(nodes []syntax.Node) ([]any, *Error) {
	out := make([]any, len(nodes))
	for i, n := range nodes {
		var err *Error
		if out[i], err = r.eval(n); err != nil {
			return nil, err
		}
	}
	return out, placed(r.Spend(16*len(out)), 0)
}

func (r *run) mapping(n *syntax.Mapping) (any, *Error) {
	out := make(map[string]any, len(n.Keys))
	for i := range n.Keys {
		key, err := r.eval(n.Keys[i])
		if err != nil {
			return nil, err
		}
		s, plain := r.JavaString(key, 0)
		if plain != nil {
			return nil, placed(plain, n.Keys[i].At())
		}
		if out[s], err = r.eval(n.Values[i]); err != nil {
			return nil, err
		}
	}
	return out, placed(r.Spend(32*len(out)), n.At())
}

func (r *run) conditional(n *syntax.Conditional) (any, *Error) {
	cond, err := r.truth(n.Cond)
	if err != nil {
		return nil, err
	}
	if cond {
		return r.eval(n.Yes)
	}
	return r.eval(n.No)
}

func (r *run) truth(n syntax.Node) (bool, *Error) {
	v, err := r.eval(n)
	if err != nil {
		return false, err
	}
	b, plain := value.ToBool(v)
	return b, placed(plain, n.At())
}

// context returns what a bare name refers to, and whether that is the root.
func (r *run) context() (any, bool) {
	if len(r.this) > 0 {
		return r.this[len(r.this)-1], false
	}
	return r.root(), true
}

func (r *run) root() map[string]any {
	if r.env.Root == nil {
		return map[string]any{}
	}
	return r.env.Root
}

func (r *run) variable(n *syntax.Variable) (any, *Error) {
	switch n.Name {
	case "root":
		return r.root(), nil
	case "this":
		v, _ := r.context()
		return v, nil
	}
	if r.missing == nil {
		r.missing = r.noVariable(n)
	}
	return nil, nil
}

// noVariable says why a variable is null.
func (r *run) noVariable(n *syntax.Variable) *Error {
	err := failure(n.At(), "there is no variable #%s", n.Name)
	if _, ok := r.lookup(n.Name); ok {
		return err.WithHint("#%s is a function: write #%s(…)", n.Name, n.Name)
	}
	return err.WithHint("names of the pipeline are written without #, as in %s", n.Name)
}

// member is a name in an element: the value, normal.
func (r *run) member(v any, at int) (any, *Error) {
	v, err := value.Normal(v)
	return v, placed(err, at)
}

func (r *run) property(n *syntax.Property) (any, *Error) {
	if n.Target == nil {
		if n.Name == "deployedServerGroups" { // a word that stands for the call
			return r.call(n.Name, nil, n.At())
		}
		target, root := r.context()
		if root && n.Name == "execution" {
			if e := r.theExecution(); e != nil {
				return e, nil
			}
		}
		return r.get(target, n.Name, n.At(), place{root: root})
	}
	target, err := r.eval(n.Target)
	if err != nil {
		return nil, err
	}
	if target == nil {
		if n.Safe {
			return nil, nil
		}
		return nil, r.null(n.Target, n.At(), "'"+n.Name+"'")
	}
	if n.Name == "execution" && isRoot(n.Target) {
		if e := r.theExecution(); e != nil {
			return e, nil
		}
	}
	return r.get(target, n.Name, n.At(), place{node: n.Target, root: isRoot(n.Target)})
}

func isRoot(n syntax.Node) bool {
	v, ok := n.(*syntax.Variable)
	return ok && v.Name == "root"
}

// null is the error of using a part of null.
func (r *run) null(target syntax.Node, at int, part string) *Error {
	if target == nil {
		return failure(at, "the element is null, so that it has no %s", part).WithHint("write #this?. if it may be null")
	}
	if r.missing != nil && r.missing.Pos == target.At() {
		e := *r.missing
		e.Message += ", so that it has no " + part
		if e.Hint == "" {
			e.Hint = "write ?. if it may be absent"
		}
		return &e
	}
	return failure(at, "%s is null, so that it has no %s", value.Shorten(syntax.PrintOperand(target)), part).
		WithHint("write ?. if it may be absent")
}

// place is where a name is looked up, for messages.
type place struct {
	node syntax.Node
	root bool
}

func (p place) String() string {
	if p.node == nil || p.root {
		return ""
	}
	return " in " + value.Shorten(syntax.PrintOperand(p.node))
}

// get returns the property name of target.
func (r *run) get(target any, name string, at int, where place) (any, *Error) {
	m, ok := value.Entries(target)
	if !ok {
		return r.getter(target, name, at)
	}
	if v, ok := m[name]; ok {
		return r.member(v, at)
	}
	if v, ok := derived(m, name); ok {
		return v, nil
	}
	if v, ok := r.inherited(m, name); ok {
		return r.member(v, at)
	}
	_, strict := target.(Object)
	strict = strict || r.env.Strict
	if !strict && r.missing != nil {
		return nil, nil // one is enough to know why
	}
	err := failure(at, "there is no '%s'%s", name, where)
	if s := value.Suggest(name, slices.Sorted(maps.Keys(m))); s != "" {
		err.Hint = s
	} else if _, ok := r.lookup(name); ok && where.root {
		err.Hint = fmt.Sprintf("#%s(…) is a function", name)
	}
	if strict {
		return nil, err
	}
	r.missing = err
	return nil, nil
}

// derived are the properties of stages that follow from their status.
func derived(m map[string]any, name string) (any, bool) {
	status, ok := m["status"]
	if _, stage := m["refId"]; !ok || !stage {
		return nil, false
	}
	switch name {
	case "hasSucceeded":
		return fmt.Sprint(status) == "SUCCEEDED", true
	case "hasFailed":
		return fmt.Sprint(status) == "TERMINAL", true
	}
	return nil, false
}

// getter returns the property of a value that is no map: what its method
// getName or isName returns.
func (r *run) getter(target any, name string, at int) (any, *Error) {
	if c, ok := target.(value.Class); ok {
		v, err := value.Static(c, name)
		return v, placed(err, at)
	}
	capital := strings.ToUpper(name[:1]) + name[1:]
	for _, prefix := range []string{"get", "is"} {
		if m, ok := value.MethodOf(target, prefix+capital); ok && m.Min == 0 && prefix+capital != "getClass" {
			v, err := m.Call(r.Work, target, nil)
			return v, placed(err, at)
		}
	}
	err := failure(at, "%s has no '%s'", value.Describe(target), name)
	switch target := target.(type) {
	case []any:
		if name == "length" { // of an array
			return int64(len(target)), nil
		}
		err.Hint = fmt.Sprintf("take an element, [0].%s, or of each, .![%s]", name, name)
	default:
		if m, ok := value.MethodOf(target, name); ok && m.Min == 0 {
			err.Hint = fmt.Sprintf("it is a method: write %s()", name)
		}
	}
	return nil, err
}
