package gennaker

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
)

// Pipeline is a pipeline definition: what the engine needs of it, and the whole
// document that the user wrote.
//
// Source: Spinnaker Front50's pipeline document.
type Pipeline struct {
	ID              string
	Application     string
	Name            string
	Disabled        bool
	LimitConcurrent bool
	MaxConcurrent   int  // running at a time; 0 is unlimited; only without LimitConcurrent
	KeepWaiting     bool // waiting executions all run, oldest first; otherwise only the newest
	Parameters      []Parameter
	Stages          []StageConfig

	Doc *Document
}

// Strategy reports whether p is a strategy: steps between the versions of a
// deployment, which lists keep apart from pipelines.
func (p Pipeline) Strategy() bool { return p.Doc != nil && p.Doc.Value["strategy"] == true }

// MaxPipelineName bounds the name of a pipeline, in bytes.
const MaxPipelineName = 500

// Parameter is an entry of parameterConfig.
type Parameter struct {
	Name     string
	Required bool
	Default  any // nil if absent
}

// StageConfig is a stage as it is configured: in a pipeline, or by a strategy.
//
// Shape: Context holds every key but refId, requisiteStageRefIds, type, name
// and startTimeExpiry.
type StageConfig struct {
	RefID       string
	Type        string
	Name        string // defaults to Type
	Requires    []string
	StartExpiry Time
	Context     map[string]any
}

// ParsePipeline reads a pipeline definition and checks its shape: types of the
// fields that every pipeline has, names, refIds, requisites and cycles. Stage
// types and their own fields are the registry's to check.
//
// Errors: Invalid or TooLarge as ParseDocument; else Invalid with every problem
// that was found, each with its position. Then the pipeline is there as far as
// it could be read, with an empty stage for what is none, to look for more.
func ParsePipeline(text []byte) (Pipeline, error) {
	doc, err := ParseDocument(text)
	if err != nil {
		return Pipeline{}, err
	}
	r := reader{}
	p := Pipeline{
		Doc:             doc,
		ID:              r.text(doc.Value, "", "id"),
		Application:     strings.TrimSpace(r.text(doc.Value, "", "application")),
		Name:            strings.TrimSpace(r.text(doc.Value, "", "name")),
		Disabled:        r.flag(doc.Value, "", "disabled"),
		LimitConcurrent: r.flag(doc.Value, "", "limitConcurrent"),
		KeepWaiting:     r.flag(doc.Value, "", "keepWaitingPipelines"),
		MaxConcurrent:   int(r.count(doc.Value, "", "maxConcurrentExecutions", 1<<30)),
	}
	if p.Name == "" || p.Application == "" {
		r.problem("", "A pipeline requires name and application fields")
	}
	if p.Application != "" && !validApplicationName(p.Application) {
		r.problem("application", "%s", applicationNameRule)
	}
	if len(p.Name) > MaxPipelineName || strings.ContainsFunc(p.Name, unicode.IsControl) {
		r.problem("name", "may have at most %d bytes, and no line breaks or other control characters", MaxPipelineName)
	}
	r.parameters(&p)
	r.stages(&p)
	if len(r.problems) == 0 {
		// The stages of a template are not there yet.
		r.graph(p.Stages, doc.Value["schema"] != "v2" || doc.Value["template"] == nil)
	}
	if len(r.problems) > 0 {
		return p, doc.Invalid(r.problems)
	}
	return p, nil
}

// reader collects problems while it takes fields out of open JSON.
type reader struct{ problems []Problem }

func (r *reader) problem(path, format string, args ...any) {
	r.problems = append(r.problems, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) text(m map[string]any, path, key string) string {
	switch v := m[key].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		r.problem(joinPath(path, key), "must be a string, not %s", jsonType(v))
		return ""
	}
}

// ref reads a refId, which is a string or, in the wild, a number.
func (r *reader) ref(v any, path string) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		r.problem(path, "must be a string or a number, not %s", jsonType(v))
		return ""
	}
}

func (r *reader) flag(m map[string]any, path, key string) bool {
	switch v := m[key].(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		if v == "true" || v == "false" || v == "" {
			return v == "true"
		}
	}
	r.problem(joinPath(path, key), "must be true or false, not %s", jsonType(m[key]))
	return false
}

func (r *reader) count(m map[string]any, path, key string, most int64) int64 {
	var n json.Number
	switch v := m[key].(type) {
	case nil:
		return 0
	case json.Number:
		n = v
	case string:
		if v == "" { // a field that was emptied in Deck
			return 0
		}
		n = json.Number(v)
	}
	i, err := n.Int64()
	if err != nil || i < 0 || i > most {
		r.problem(joinPath(path, key), "must be a whole number from 0 to %d", most)
		return 0
	}
	return i
}

func (r *reader) list(m map[string]any, key string) []any {
	v, ok := m[key].([]any)
	if !ok && m[key] != nil {
		r.problem(key, "must be a list, not %s", jsonType(m[key]))
	}
	return v
}

func (r *reader) parameters(p *Pipeline) {
	for i, v := range r.list(p.Doc.Value, "parameterConfig") {
		path := fmt.Sprintf("parameterConfig[%d]", i)
		m, ok := v.(map[string]any)
		if !ok {
			r.problem(path, "must be an object, not %s", jsonType(v))
			continue
		}
		name := r.text(m, path, "name")
		if name == "" {
			continue // one that somebody began to write in Deck; nothing can refer to it
		}
		p.Parameters = append(p.Parameters, Parameter{Name: name, Required: r.flag(m, path, "required"), Default: m["default"]})
	}
}

func (r *reader) stages(p *Pipeline) {
	list := r.list(p.Doc.Value, "stages")
	if len(list) > MaxStages {
		r.problem("stages", "a pipeline may have at most %d stages, this one has %d", MaxStages, len(list))
		return
	}
	for i, v := range list {
		path := fmt.Sprintf("stages[%d]", i)
		m, ok := v.(map[string]any)
		if !ok {
			r.problem(path, "must be an object, not %s", jsonType(v))
			p.Stages = append(p.Stages, StageConfig{})
			continue
		}
		p.Stages = append(p.Stages, r.stage(m, path))
	}
	// Spinnaker runs stages one after the other if none of them has a refId.
	if len(p.Stages) > 0 && !slices.ContainsFunc(p.Stages, func(s StageConfig) bool { return s.RefID != "" }) {
		for i := range p.Stages {
			p.Stages[i].RefID = fmt.Sprint(i)
			if i > 0 {
				p.Stages[i].Requires = []string{fmt.Sprint(i - 1)}
			}
		}
	}
}

func (r *reader) stage(m map[string]any, path string) StageConfig {
	s := StageConfig{Type: r.text(m, path, "type"), Name: r.text(m, path, "name")}
	if s.Type == "" {
		r.problem(path, "a stage requires a type")
	}
	if s.Name == "" {
		s.Name = s.Type
	}
	if m["refId"] != nil {
		s.RefID = r.ref(m["refId"], path+".refId")
	}
	if strings.ContainsAny(s.RefID, "<>") {
		r.problem(path+".refId", "may not hold < or >, which mark synthetic stages")
	}
	if v := m["startTimeExpiry"]; v != nil {
		if err := s.StartExpiry.UnmarshalJSON(fmt.Append(nil, v)); err != nil {
			r.problem(path+".startTimeExpiry", "must be epoch milliseconds")
		}
	}
	requires, ok := m["requisiteStageRefIds"].([]any)
	if !ok && m["requisiteStageRefIds"] != nil {
		r.problem(path+".requisiteStageRefIds", "must be a list, not %s", jsonType(m["requisiteStageRefIds"]))
	}
	for i, v := range requires {
		if ref := r.ref(v, fmt.Sprintf("%s.requisiteStageRefIds[%d]", path, i)); !slices.Contains(s.Requires, ref) {
			s.Requires = append(s.Requires, ref)
		}
	}
	r.policies(m, path)
	s.Context = maps.Clone(m)
	for _, key := range []string{"refId", "requisiteStageRefIds", "type", "name", "startTimeExpiry"} {
		delete(s.Context, key)
	}
	return s
}

// policies checks the fields that every stage has. An expression is checked
// when it is evaluated.
func (r *reader) policies(m map[string]any, path string) {
	for _, key := range []string{"failPipeline", "continuePipeline", "completeOtherBranchesThenFail", "failOnFailedExpressions"} {
		if s, ok := m[key].(string); !ok || !strings.Contains(s, "${") {
			r.flag(m, path, key)
		}
	}
	if s, ok := m["stageTimeoutMs"].(string); !ok || !strings.Contains(s, "${") {
		r.count(m, path, "stageTimeoutMs", math.MaxInt64)
	}
}

// graph checks refIds, requisites and cycles; requisites may be elsewhere unless
// the stages are whole.
func (r *reader) graph(stages []StageConfig, whole bool) {
	index := map[string]int{}
	for i, s := range stages {
		path := fmt.Sprintf("stages[%d]", i)
		if s.RefID == "" {
			r.problem(path, "refId is missing, and other stages have one")
			continue
		}
		if first, ok := index[s.RefID]; ok {
			r.problem(path+".refId", "refId %q is already that of stages[%d]", s.RefID, first)
			continue
		}
		index[s.RefID] = i
	}
	for i, s := range stages {
		for j, ref := range s.Requires {
			if _, ok := index[ref]; !ok && whole {
				r.problem(fmt.Sprintf("stages[%d].requisiteStageRefIds[%d]", i, j), "there is no stage with refId %q", ref)
			}
		}
	}
	if len(r.problems) > 0 {
		return
	}
	if cycle := findCycle(stages, index); cycle != nil {
		r.problem(fmt.Sprintf("stages[%d].requisiteStageRefIds", index[cycle[0]]),
			"stages wait for each other in a circle: %s", strings.Join(cycle, " → "))
	}
}

// findCycle returns the refIds of a circle, the first one again at its end, or
// nil. It is iterative, since a graph may be as deep as it has stages.
func findCycle(stages []StageConfig, index map[string]int) []string {
	const (
		unseen = iota
		open
		done
	)
	mark := make([]int, len(stages))
	next := make([]int, len(stages)) // requisite to look at
	for root := range stages {
		for path := []int{root}; len(path) > 0 && mark[root] != done; {
			i := path[len(path)-1]
			mark[i] = open
			if next[i] == len(stages[i].Requires) {
				mark[i], path = done, path[:len(path)-1]
				continue
			}
			j, ok := index[stages[i].Requires[next[i]]]
			next[i]++
			if !ok {
				continue
			}
			switch mark[j] {
			case unseen:
				path = append(path, j)
			case open:
				var cycle []string
				for _, k := range path[slices.Index(path, j):] {
					cycle = append(cycle, stages[k].RefID)
				}
				return append(cycle, stages[j].RefID)
			}
		}
	}
	return nil
}
