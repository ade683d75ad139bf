package expr

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Env is what expressions see. The zero value is an empty root.
type Env struct {
	// Root are the names that are visible without #. JSON, in which json.Number
	// and Object are allowed; it is not changed. What is at "execution" is taken
	// for an Object, and so is each of its stages.
	Root map[string]any
	// Strict makes a name that a map does not have an error; otherwise it is
	// null. Pipelines are evaluated strictly at their start.
	Strict bool
	// Functions are known beside the built-in ones, and before them, by name
	// without #.
	Functions map[string]Function
	// Fetch gets what #fromUrl and its like name; nil refuses them.
	Fetch Fetcher
	// Now is the present; its location is the time zone of dates.
	Now time.Time
	// Seed is where random numbers and UUIDs start.
	Seed uint64
	// Stage is the stage that is being executed, for #currentStage(); may be nil.
	Stage map[string]any
	// Limits bound one call of Evaluate; zero fields have defaults.
	Limits Limits
}

// Limits bound what one call of Evaluate may use, over all its expressions.
type Limits struct {
	Steps int // nodes evaluated and elements visited; zero is 1,000,000
	Bytes int // of all values made on the way; zero is 32 MiB
	Depth int // of values within values; zero is 100
}

// Fetcher gets texts from URLs. Its rules for addresses, sizes and times hold:
// this package adds none.
type Fetcher interface {
	// Fetch returns the text at the URL. The message of its error is shown to
	// the author of the pipeline.
	Fetch(url string) (string, error)
}

// run is one evaluation: the environment and what is left of its limits.
type run struct {
	env         *Env
	execution   Object // nil if the root has none
	steps       int
	bytes       int
	maxDepth    int
	random      *random
	missing     *Error // the first name that was not there and became null
	this        []any  // elements of the selections around, innermost last
	overspent   error
	backtracked int // matches that could backtrack
}

func newRun(env Env) *run {
	r := &run{env: &env, steps: env.Limits.Steps, bytes: env.Limits.Bytes, maxDepth: env.Limits.Depth}
	if r.steps == 0 {
		r.steps = 1_000_000
	}
	if r.bytes == 0 {
		r.bytes = 32 << 20
	}
	if r.maxDepth == 0 {
		r.maxDepth = 100
	}
	r.random = newRandom(env.Seed)
	if m, ok := entries(env.Root["execution"]); ok {
		r.execution = record(m)
	}
	return r
}

// record returns an execution as an Object, and its stages too.
func record(m map[string]any) Object {
	out := Object(maps.Clone(m))
	stages, _ := normal(m["stages"])
	if items, ok := stages.([]any); ok {
		objects := make([]any, len(items))
		for i, s := range items {
			objects[i] = s
			if stage, ok := entries(s); ok {
				objects[i] = Object(stage)
			}
		}
		out["stages"] = objects
	}
	return out
}

// spend counts bytes that were made, and the time that they took.
func (r *run) spend(bytes int) error {
	r.bytes -= bytes
	if r.bytes < 0 {
		r.overspent = refuse("evaluate less in one place", "the expressions make more data than is allowed")
	}
	return r.overspent
}

// step counts n steps.
func (r *run) step(n int) error {
	r.steps -= n
	if r.steps < 0 {
		r.overspent = refuse("evaluate less in one place", "the expressions take more steps than are allowed")
	}
	return r.overspent
}

// descend counts a step into a value that is depth deep.
func (r *run) descend(depth int) error {
	if depth > r.maxDepth {
		return fmt.Errorf("the value nests more than %d deep", r.maxDepth)
	}
	return r.step(1)
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
	if h, ok := errors.AsType[*hinted](err); ok {
		e.Hint = h.hint
	}
	return e
}

// eval returns the value of n.
func (r *run) eval(n node) (any, *Error) {
	if err := r.step(1); err != nil {
		return nil, placed(err, n.at())
	}
	switch n := n.(type) {
	case *literal:
		return n.value, nil
	case *variable:
		return r.variable(n)
	case *property:
		return r.property(n)
	case *index:
		return r.index(n)
	case *method:
		return r.method(n)
	case *function:
		return r.function(n)
	case *selection:
		return r.selection(n)
	case *projection:
		return r.projection(n)
	case *typeRef:
		c, err := lookupType(n.name)
		return c, placed(err, n.at())
	case *construct:
		return r.construct(n)
	case *unary:
		return r.unary(n)
	case *binary:
		return r.binary(n)
	case *conditional:
		return r.conditional(n)
	case *elvis:
		x, err := r.eval(n.x)
		if err != nil || x != nil && x != "" {
			return x, err
		}
		return r.eval(n.y)
	case *list:
		return r.all(n.items)
	case *mapping:
		return r.mapping(n)
	}
	return nil, failure(n.at(), "this cannot be evaluated")
}

func (r *run) all(nodes []node) ([]any, *Error) {
	out := make([]any, len(nodes))
	for i, n := range nodes {
		var err *Error
		if out[i], err = r.eval(n); err != nil {
			return nil, err
		}
	}
	return out, placed(r.spend(16*len(out)), 0)
}

func (r *run) mapping(n *mapping) (any, *Error) {
	out := make(map[string]any, len(n.keys))
	for i := range n.keys {
		key, err := r.eval(n.keys[i])
		if err != nil {
			return nil, err
		}
		s, plain := r.javaString(key, 0)
		if plain != nil {
			return nil, placed(plain, n.keys[i].at())
		}
		if out[s], err = r.eval(n.values[i]); err != nil {
			return nil, err
		}
	}
	return out, placed(r.spend(32*len(out)), n.at())
}

func (r *run) conditional(n *conditional) (any, *Error) {
	cond, err := r.truth(n.cond)
	if err != nil {
		return nil, err
	}
	if cond {
		return r.eval(n.yes)
	}
	return r.eval(n.no)
}

func (r *run) truth(n node) (bool, *Error) {
	v, err := r.eval(n)
	if err != nil {
		return false, err
	}
	b, plain := toBool(v)
	return b, placed(plain, n.at())
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

func (r *run) variable(n *variable) (any, *Error) {
	switch n.name {
	case "root":
		return r.root(), nil
	case "this":
		v, _ := r.context()
		return v, nil
	}
	err := failure(n.at(), "there is no variable #%s", n.name)
	if _, ok := r.lookup(n.name); ok {
		return nil, err.hint("#%s is a function: write #%s(…)", n.name, n.name)
	}
	return nil, err.hint("names of the pipeline are written without #, as in %s", n.name)
}

// member is a name in an element: the value, normal.
func (r *run) member(v any, at int) (any, *Error) {
	v, err := normal(v)
	return v, placed(err, at)
}

func (r *run) property(n *property) (any, *Error) {
	if n.target == nil {
		if n.name == "deployedServerGroups" { // a word that stands for the call
			return r.call(n.name, nil, n.at())
		}
		target, root := r.context()
		if root && n.name == "execution" && r.execution != nil {
			return r.execution, nil
		}
		return r.get(target, n.name, n.at(), place{root: root})
	}
	target, err := r.eval(n.target)
	if err != nil {
		return nil, err
	}
	if target == nil {
		if n.safe {
			return nil, nil
		}
		return nil, r.null(n.target, n.at(), "'"+n.name+"'")
	}
	if n.name == "execution" && isRoot(n.target) && r.execution != nil {
		return r.execution, nil
	}
	return r.get(target, n.name, n.at(), place{node: n.target, root: isRoot(n.target)})
}

func isRoot(n node) bool {
	v, ok := n.(*variable)
	return ok && v.name == "root"
}

// null is the error of using a part of null.
func (r *run) null(target node, at int, part string) *Error {
	if target == nil {
		return failure(at, "the element is null, so that it has no %s", part).hint("write #this?. if it may be null")
	}
	if r.missing != nil && r.missing.Pos == target.at() {
		e := *r.missing
		e.Message += ", so that it has no " + part
		if e.Hint == "" {
			e.Hint = "write ?. if it may be absent"
		}
		return &e
	}
	var p printer
	p.print(target, levelPrimary)
	return failure(at, "%s is null, so that it has no %s", shorten(p.Builder.String()), part).
		hint("write ?. if it may be absent")
}

// place is where a name is looked up, for messages.
type place struct {
	node node
	root bool
}

func (p place) String() string {
	if p.node == nil || p.root {
		return ""
	}
	var out printer
	out.print(p.node, levelPrimary)
	return " in " + shorten(out.Builder.String())
}

// get returns the property name of target.
func (r *run) get(target any, name string, at int, where place) (any, *Error) {
	m, ok := entries(target)
	if !ok {
		return r.getter(target, name, at)
	}
	if v, ok := m[name]; ok {
		return r.member(v, at)
	}
	if v, ok := derived(m, name); ok {
		return v, nil
	}
	_, strict := target.(Object)
	strict = strict || r.env.Strict
	if !strict && r.missing != nil {
		return nil, nil // one is enough to know why
	}
	err := failure(at, "there is no '%s'%s", name, where)
	if s := suggest(name, slices.Sorted(maps.Keys(m))); s != "" {
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
	if c, ok := target.(class); ok {
		v, err := static(c, name)
		return v, placed(err, at)
	}
	capital := strings.ToUpper(name[:1]) + name[1:]
	for _, prefix := range []string{"get", "is"} {
		if m, ok := methodOf(target, prefix+capital); ok && m.min == 0 && prefix+capital != "getClass" {
			v, err := m.call(r, target, nil)
			return v, placed(err, at)
		}
	}
	err := failure(at, "%s has no '%s'", describe(target), name)
	switch target.(type) {
	case []any:
		err.Hint = fmt.Sprintf("take an element, [0].%s, or of each, .![%s]", name, name)
	default:
		if m, ok := methodOf(target, name); ok && m.min == 0 {
			err.Hint = fmt.Sprintf("it is a method: write %s()", name)
		}
	}
	return nil, err
}
