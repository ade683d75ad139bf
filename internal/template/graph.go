package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/gennaker/gennaker"
)

// node is a stage on its way into the planned pipeline.
type node struct {
	ref      string
	requires []string // a set
	inject   *injection
	doc      map[string]any
}

// injection says where a stage goes; the first rule that is set counts.
type injection struct {
	first, last   bool
	before, after []string // refIds
}

// readNodes reads a list of stages.
func readNodes(list []any, location string) ([]*node, *Errors) {
	out := make([]*node, 0, len(list))
	for i, v := range list {
		doc, ok := v.(map[string]any)
		if !ok {
			return nil, malformedf(fmt.Sprintf("%s:stages[%d]", location, i), "a stage must be an object")
		}
		n := &node{ref: reference(doc["refId"]), requires: references(doc["requisiteStageRefIds"]), doc: doc}
		if m, ok := doc["inject"].(map[string]any); ok {
			in := injection{
				first: m["first"] == true || m["first"] == "true", last: m["last"] == true || m["last"] == "true",
				before: references(m["before"]), after: references(m["after"]),
			}
			if in.first || in.last || len(in.before) > 0 || len(in.after) > 0 {
				n.inject = &in
			}
		}
		out = append(out, n)
	}
	return out, nil
}

// reference reads a refId, which the wild has as texts and numbers.
func reference(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

func references(v any) []string {
	list, ok := v.([]any)
	if !ok && v != nil {
		list = []any{v}
	}
	var out []string
	for _, x := range list {
		if ref := reference(x); ref != "" {
			out = add(out, ref)
		}
	}
	return out
}

func add(set []string, refs ...string) []string {
	for _, ref := range refs {
		if !slices.Contains(set, ref) {
			set = append(set, ref)
		}
	}
	return set
}

// document returns the stage as it stands in the planned pipeline.
func (n *node) document() map[string]any {
	doc := maps.Clone(n.doc)
	delete(doc, "inject")
	if n.ref != "" {
		doc["refId"] = n.ref
	}
	requires := make([]any, len(n.requires))
	for i, ref := range n.requires {
		requires[i] = ref
	}
	doc["requisiteStageRefIds"] = requires
	return doc
}

// graph is a list of stages, in the order in which they stand in the pipeline.
type graph []*node

func (g graph) find(ref string) int {
	return slices.IndexFunc(g, func(n *node) bool { return n.ref == ref && ref != "" })
}

// assemble puts together the stages of a template and of a config. Stages of
// the config that go nowhere are dropped, each with a warning.
//
// Source: Orca V2ConfigStageInjectionTransform.
func assemble(template, config []*node) (graph, []Error, *Errors) {
	if n := len(template) + len(config); n > gennaker.MaxStages {
		return nil, nil, malformedf("configuration:stages", "the pipeline would have up to %d stages, more than %d", n, gennaker.MaxStages)
	}
	var warnings []Error
	placed := slices.Clone(graph(template))
	var injected []*node
	for _, n := range config {
		switch i := placed.find(n.ref); {
		case i >= 0 && i < len(template):
			placed[i] = n
		case n.inject != nil:
			injected = append(injected, n)
		case len(n.requires) > 0:
			placed = append(placed, n)
		default:
			warnings = append(warnings, Error{
				Severity: Warn, Message: fmt.Sprintf("stage '%s' of the pipeline is left out", n.ref), Location: "configuration:stages." + n.ref,
				Cause:      "it replaces no stage of the template, and has neither requisiteStageRefIds nor inject",
				Suggestion: "add an inject rule, as in \"inject\": {\"last\": true}",
			})
		}
	}
	var base graph
	var ofTemplate []*node
	for _, n := range placed {
		if n.inject != nil {
			ofTemplate = append(ofTemplate, n)
		} else {
			base = append(base, n)
		}
	}
	if edges := base.edges(); edges > maxEdges {
		return nil, nil, malformedf("", "the stages have %d requisites, more than %d", edges, maxEdges)
	}
	g, err := base.sorted()
	if err != nil {
		return nil, nil, err
	}
	for _, n := range slices.Concat(ofTemplate, injected) {
		if g, err = g.with(n); err != nil {
			return nil, nil, err
		}
	}
	return g, warnings, nil
}

// sorted returns g with every stage behind those that it requires, otherwise in
// the same order. Requisites that are not there are passed over.
func (g graph) sorted() (graph, *Errors) {
	const (
		open = 1
		done = 2
	)
	index := make(map[string]int, len(g))
	for i, n := range slices.Backward(g) {
		index[n.ref] = i
	}
	out := make(graph, 0, len(g))
	mark := make([]int, len(g))
	var visit func(i int) *Errors
	visit = func(i int) *Errors {
		switch mark[i] {
		case open:
			return malformedf("", "Cycle detected in graph (discovered on stage: %s)", g[i].ref)
		case done:
			return nil
		}
		mark[i] = open
		for _, ref := range g[i].requires {
			if j, ok := index[ref]; ok {
				if err := visit(j); err != nil {
					return err
				}
			}
		}
		mark[i] = done
		out = append(out, g[i])
		return nil
	}
	for i := range g {
		if err := visit(i); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// with returns g with n put in where its rule says. Stages of g are replaced,
// not changed.
func (g graph) with(n *node) (graph, *Errors) {
	fresh, last := *n, -1
	g = g.clone()
	targets := slices.Concat(fresh.inject.before, fresh.inject.after)
	if !fresh.inject.first && !fresh.inject.last {
		if len(fresh.inject.before) > 0 {
			targets = fresh.inject.before
		}
		for _, ref := range targets {
			i := g.find(ref)
			if i < 0 {
				return nil, refuse(Error{
					Message:    fmt.Sprintf("could not inject '%s' stage: unknown target stage id '%s'", n.ref, ref),
					Location:   "configuration:stages." + n.ref + ".inject",
					Suggestion: "name a stage by its refId",
				})
			}
			last = max(last, i)
		}
	}
	switch {
	case fresh.inject.first:
		g.injectFirst(&fresh)
		g = slices.Insert(g, 0, &fresh)
	case fresh.inject.last:
		g.injectLast(&fresh)
		g = append(g, &fresh)
	case len(fresh.inject.before) > 0:
		g.injectBefore(&fresh)
		g = slices.Insert(g, last, &fresh)
	default:
		g.injectAfter(&fresh)
		g = slices.Insert(g, last+1, &fresh)
	}
	if edges := g.edges(); edges > maxEdges {
		return nil, malformedf("configuration:stages."+n.ref+".inject", "the stages would have %d requisites, more than %d", edges, maxEdges)
	}
	_, err := g.sorted()
	return g, err
}

// maxEdges bounds how many requisites all stages have together.
const maxEdges = 20_000

func (g graph) edges() int {
	sum := 0
	for _, n := range g {
		sum += len(n.requires)
	}
	return sum
}

func (g graph) clone() graph {
	out := make(graph, len(g))
	for i, n := range g {
		c := *n
		c.requires = slices.Clone(n.requires)
		out[i] = &c
	}
	return out
}

func (g graph) injectFirst(n *node) {
	n.requires = nil
	for _, other := range g {
		if len(other.requires) == 0 {
			other.requires = []string{n.ref}
		}
	}
}

func (g graph) injectLast(n *node) {
	required := map[string]bool{}
	for _, other := range g {
		for _, ref := range other.requires {
			required[ref] = true
		}
	}
	n.requires = nil
	for _, other := range g {
		if !required[other.ref] {
			n.requires = add(n.requires, other.ref)
		}
	}
}

func (g graph) injectBefore(n *node) {
	n.requires = nil
	for _, ref := range n.inject.before {
		target := g[g.find(ref)]
		n.requires = add(n.requires, target.requires...)
		target.requires = []string{n.ref}
	}
}

func (g graph) injectAfter(n *node) {
	n.requires = slices.Clone(n.inject.after)
	for _, other := range g {
		if !slices.ContainsFunc(other.requires, func(ref string) bool { return slices.Contains(n.inject.after, ref) }) {
			continue
		}
		for i, ref := range other.requires {
			if slices.Contains(n.inject.after, ref) {
				other.requires[i] = n.ref
			}
		}
		other.requires = add(nil, other.requires...)
	}
}
