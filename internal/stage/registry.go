package stage

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/near"
)

// Definition is a stage type.
type Definition struct {
	Type    string
	Aliases []string
	// Internal types are made by other stages and refused in pipelines.
	Internal bool
	Steps    []Step

	// The planners return the stages around this one. They may do I/O, and may
	// be called again after a crash. A child without RefID gets its place, from
	// "1"; Requires names siblings by RefID, so use Linear for a sequence. A
	// child sees its parent's upstream.
	//
	// OnFailure is asked when the stage is TERMINAL or STOPPED, and its children
	// run one after the other whatever Requires says.
	Before, After, OnFailure func(ctx context.Context, in Input) ([]gennaker.StageConfig, error)

	// Restart takes out of context what an earlier run of the stage put there.
	Restart func(context map[string]any)

	// Start changes the context before it is evaluated and before the first
	// planner, e.g. flattens it. It returns a new map.
	Start func(context map[string]any) map[string]any

	// Verbatim names the keys of the context whose expressions are left for the
	// tasks, which evaluate them with Input.Eval; nil is none.
	Verbatim func(in Input) []string

	// ManualSkip reports whether a user may skip the stage; nil is never.
	ManualSkip func(context map[string]any) bool

	// Reads are structs of what the stage reads beside the configuration that it
	// was added with.
	Reads []reflect.Type

	// RunsDry reports whether the stage's own steps run in a dry run too; nil is
	// never: then one step takes their place that does nothing.
	RunsDry func(in Input) bool

	check  func(context map[string]any) []gennaker.Problem
	config reflect.Type
}

// Step is one task of a stage type.
type Step struct {
	Name    string // wire name, unique in the stage type
	Task    Task
	If      func(in Input) bool // asked once, when the stage is planned; nil is always
	Timeout time.Duration       // 0 is none; a stageTimeoutMs in the context replaces it

	LoopStart, LoopEnd bool // what a Redirect repeats
}

// Registry maps stage types to definitions. The zero value is empty and ready
// to use. It is filled before a runtime starts and only read afterwards.
type Registry struct {
	types   map[string]*Definition
	aliases map[string]*Definition
}

// Add registers d. C is the type of its configuration: the fields that a
// pipeline's author writes, with json tags. Add panics if a name is taken.
func Add[C any](r *Registry, d Definition) {
	if r.types == nil {
		r.types, r.aliases = map[string]*Definition{}, map[string]*Definition{}
	}
	d.check, d.config = Check[C], reflect.TypeFor[C]()
	for _, name := range append([]string{d.Type}, d.Aliases...) {
		if r.aliases[name] != nil {
			panic("stage: " + name + " is registered twice")
		}
		r.aliases[name] = &d
	}
	r.types[d.Type] = &d
}

// Inherit adds those types of from that r does not have, each as f makes it.
func (r *Registry) Inherit(from *Registry, f func(Definition) Definition) {
	if r.types == nil {
		r.types, r.aliases = map[string]*Definition{}, map[string]*Definition{}
	}
	for kind, d := range from.types {
		if r.aliases[kind] != nil {
			continue
		}
		made := f(*d)
		r.types[kind] = &made
		for _, name := range append([]string{kind}, d.Aliases...) {
			if r.aliases[name] == nil {
				r.aliases[name] = &made
			}
		}
	}
}

// Find returns the definition of a stage type or alias.
//
// Errors: Invalid, naming the known types.
func (r *Registry) Find(name string) (*Definition, error) {
	if d := r.aliases[name]; d != nil {
		return d, nil
	}
	return nil, gennaker.Errorf(gennaker.Invalid, "there is no stage type %q", name).
		WithHint("the stage types are %s", near.List(name, r.Types()))
}

// Resolve returns the definition of a stage: that of its type, or else of the
// alias in its context.
//
// Errors: Invalid, naming the known types.
// Source: stage types, section 0, type resolution.
func (r *Registry) Resolve(name string, context map[string]any) (*Definition, error) {
	d, err := r.Find(name)
	alias, _ := context["alias"].(string)
	if err == nil || alias == "" {
		return d, err
	}
	if d, aliased := r.Find(alias); aliased == nil {
		return d, nil
	}
	return nil, gennaker.Errorf(gennaker.Invalid, "there is no stage type %q, and none called %q, which is its alias", name, alias).
		WithHint("the stage types are %s", near.List(name, r.Types()))
}

// Types returns the types that a pipeline may hold, sorted.
func (r *Registry) Types() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(r.types)) {
		if !r.types[name].Internal {
			out = append(out, name)
		}
	}
	return out
}

// Check returns what is wrong with the stages of a pipeline: unknown types, and
// fields of a type that their stage cannot read.
func (r *Registry) Check(stages []gennaker.StageConfig) []gennaker.Problem {
	return r.problems(stages, func(d *Definition, context map[string]any) []gennaker.Problem { return d.check(context) })
}

// Unknown returns a problem for each stage that no pipeline can run.
func (r *Registry) Unknown(stages []gennaker.StageConfig) []gennaker.Problem {
	return r.problems(stages, func(*Definition, map[string]any) []gennaker.Problem { return nil })
}

func (r *Registry) problems(stages []gennaker.StageConfig, check func(*Definition, map[string]any) []gennaker.Problem) []gennaker.Problem {
	var out []gennaker.Problem
	for i, s := range stages {
		path := "stages[" + strconv.Itoa(i) + "]"
		d, err := r.Resolve(s.Type, s.Context)
		if err == nil && d.Internal {
			err = gennaker.Errorf(gennaker.Invalid, "there is no stage type %q", s.Type)
		}
		if err != nil {
			out = append(out, gennaker.Problem{Path: path + ".type", Message: fmt.Sprintf("%v; known are %s", err, near.List(s.Type, r.Types()))})
			continue
		}
		for _, p := range check(d, s.Context) {
			p.Path = path + "." + p.Path
			out = append(out, p)
		}
	}
	return out
}

// CheckJob returns what is wrong with a job of an ad-hoc operation, which may be
// of an Internal type too.
func (r *Registry) CheckJob(c gennaker.StageConfig) []gennaker.Problem {
	d, err := r.Resolve(c.Type, c.Context)
	if err != nil {
		return []gennaker.Problem{{Path: "type", Message: fmt.Sprintf("%v; known are %s", err, near.List(c.Type, r.Types()))}}
	}
	return d.check(c.Context)
}

// Config returns the type of the configuration that d was added with.
func (d *Definition) Config() reflect.Type { return d.config }

// Step returns the step called name, or nil.
func (d *Definition) Step(name string) *Step {
	i := slices.IndexFunc(d.Steps, func(s Step) bool { return s.Name == name })
	if i < 0 && name == dryRunStep {
		return new(dryRun())
	}
	if i < 0 {
		return nil
	}
	return &d.Steps[i]
}

// Linear returns children that run one after the other.
func Linear(children ...gennaker.StageConfig) []gennaker.StageConfig {
	for i := range children {
		children[i].RefID = strconv.Itoa(i + 1)
		children[i].Requires = nil
		if i > 0 {
			children[i].Requires = []string{strconv.Itoa(i)}
		}
	}
	return children
}
