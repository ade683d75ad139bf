package expr

import (
	"reflect"
	"slices"

	"github.com/gennaker/gennaker/internal/expr/value"
)

// inherited returns what the context of a stage does not have itself: what its
// nearest ancestor put out. Not ok if m is no such context, or there is nothing.
//
// Source: Orca StageContext.get; execution model, section 8.
func (r *run) inherited(m map[string]any, key string) (v any, ok bool) {
	if r.execution == nil && r.stage == nil {
		return nil, false // it came from elsewhere
	}
	is := func(s Object) bool {
		context, ok := value.Entries(s["context"])
		return ok && reflect.ValueOf(context).UnsafePointer() == reflect.ValueOf(m).UnsafePointer()
	}
	if r.stage != nil && is(r.stage) {
		return r.visible(r.stage, key)
	}
	stages := r.stages()
	if i := slices.IndexFunc(stages, is); i >= 0 {
		return r.visible(stages[i], key)
	}
	return nil, false
}

// visible returns what a stage sees under a key: its own, or else what it or its
// nearest ancestor put out.
func (r *run) visible(s Object, key string) (v any, ok bool) {
	if context, ok := value.Entries(s["context"]); ok {
		if v, ok := context[key]; ok {
			return v, true
		}
	}
	for _, a := range r.ancestors(s) {
		if outputs, ok := value.Entries(a["outputs"]); ok {
			if v, ok := outputs[key]; ok {
				return v, true
			}
		}
	}
	return nil, false
}

// kin finds the stages of an execution by what they say of each other.
type kin struct {
	byRef, byID map[string]Object
	around      map[string][]Object // by parentStageId
}

// word returns the text under a key of a stage, or "".
func word(s Object, key string) string {
	text, _ := s[key].(string)
	return text
}

func kinOf(stages []Object) *kin {
	k := &kin{map[string]Object{}, map[string]Object{}, map[string][]Object{}}
	for _, s := range stages {
		k.byRef[word(s, "refId")], k.byID[word(s, "id")] = s, s
		parent := word(s, "parentStageId")
		k.around[parent] = append(k.around[parent], s)
	}
	return k
}

// ancestors returns the stages whose outputs a stage sees, nearest first: itself;
// those that it requires, what stands around them, then theirs; for a synthetic
// stage without requisites what stands before its parent's tasks, the parent,
// and the parent's ancestors.
//
// Source: Orca StageExecution.ancestors; execution model, section 8.
func (r *run) ancestors(s Object) []Object {
	if r.kin == nil {
		r.kin = kinOf(r.stages())
	}
	seen := map[string]bool{word(s, "id"): true}
	out := []Object{s}
	add := func(o Object) bool {
		fresh := o != nil && !seen[word(o, "id")]
		if fresh {
			seen[word(o, "id")] = true
			out = append(out, o)
		}
		return fresh
	}
	var walk func(s Object)
	walk = func(s Object) {
		v, _ := value.Normal(s["requisiteStageRefIds"])
		requisites := value.Items(v)
		var fresh []Object
		for _, ref := range requisites {
			if name, ok := ref.(string); ok && add(r.kin.byRef[name]) {
				fresh = append(fresh, r.kin.byRef[name])
			}
		}
		for _, o := range fresh {
			for _, k := range r.kin.around[word(o, "id")] {
				add(k)
			}
		}
		for _, o := range fresh {
			walk(o)
		}
		parent := r.kin.byID[word(s, "parentStageId")]
		if parent == nil || len(requisites) > 0 {
			return
		}
		if s["syntheticStageOwner"] != "STAGE_BEFORE" {
			for _, k := range r.kin.around[word(parent, "id")] {
				if k["syntheticStageOwner"] == "STAGE_BEFORE" {
					add(k)
				}
			}
		}
		if add(parent) {
			walk(parent)
		}
	}
	walk(s)
	_ = r.Step(len(out)) // who asks for the next step is told
	return out
}
