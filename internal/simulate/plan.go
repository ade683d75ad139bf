package simulate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// Plan says what a run of a pipeline would do in a world.
//
// Errors: Invalid for a world that cannot be. A pipeline that would not start is
// a plan that says so.
func Plan(ctx context.Context, w World, p gennaker.Pipeline, trigger gennaker.Trigger) (gennaker.Plan, error) {
	out := gennaker.Plan{Application: p.Application, Name: p.Name, Stages: []gennaker.PlannedStage{}}
	s, err := New(w)
	if err != nil {
		return out, err
	}
	s.Answers = map[string]Judgment{"*": {With: "continue"}}
	id, refused := s.Start(ctx, p, trigger)
	if refused != nil {
		out.Refused = refused.Error()
		if id == "" {
			return out, nil
		}
	}
	s.Run(longest)
	x, err := s.Execution(ctx, id)
	if err != nil {
		return out, err
	}
	out.Status, out.Parameters = x.Status, x.Trigger.Parameters
	if !x.EndTime.IsZero() {
		out.Seconds = int64(x.EndTime.Sub(x.StartTime.Time).Seconds())
	}
	for _, a := range x.Trigger.Artifacts {
		if a, err := gennaker.ArtifactOf(a); err == nil {
			out.Artifacts = append(out.Artifacts, a)
		}
	}
	for _, st := range x.Stages {
		if st.ParentStageID == "" {
			out.Stages = append(out.Stages, s.planned(x, st, p))
		}
	}
	return out, nil
}

// planned says what a stage of the simulated execution did.
func (s *Simulation) planned(x gennaker.Execution, st gennaker.Stage, p gennaker.Pipeline) gennaker.PlannedStage {
	out := gennaker.PlannedStage{RefID: st.RefID, Name: st.Name, Type: st.Type, Status: st.Status, Assumed: s.assumed[st.Type], Outputs: st.Outputs}
	if st.Status != gennaker.Succeeded {
		out.Reason = s.whole(x, st)
	}
	if !st.StartTime.IsZero() {
		out.Start = int64(st.StartTime.Sub(x.StartTime.Time).Seconds())
		i := slices.IndexFunc(p.Stages, func(c gennaker.StageConfig) bool { return c.RefID == st.RefID })
		if i >= 0 && st.Status != gennaker.Skipped {
			out.Values = values(nil, "", p.Stages[i].Context, st.Context)
		}
	}
	summary, _ := st.Context["expressionEvaluationSummary"].(map[string]any)
	for _, text := range slices.Sorted(maps.Keys(summary)) {
		entries, _ := summary[text].([]any)
		for _, e := range entries {
			m, _ := e.(map[string]any)
			out.Unresolved = append(out.Unresolved, fmt.Sprintf("${%s}: %v", text, m["description"]))
		}
	}
	for _, m := range s.moves.all {
		if m.stage == st.ID || s.within(x, m.stage, st.ID) {
			out.Moves = append(out.Moves, m.text)
		}
	}
	return out
}

// whole is why a stage did not succeed: what it says itself, or else what the
// stages around it say.
func (s *Simulation) whole(x gennaker.Execution, st gennaker.Stage) string {
	if why := reason(st); why != "" {
		return why
	}
	for _, k := range x.Stages {
		if why := reason(k); why != "" && s.within(x, k.ID, st.ID) {
			return why
		}
	}
	return ""
}

// within reports whether a stage is around another, or around one that is.
func (s *Simulation) within(x gennaker.Execution, id, top string) bool {
	for range x.Stages {
		i := slices.IndexFunc(x.Stages, func(st gennaker.Stage) bool { return st.ID == id })
		if i < 0 || x.Stages[i].ParentStageID == "" {
			return false
		}
		if id = x.Stages[i].ParentStageID; id == top {
			return true
		}
	}
	return false
}

// values collects the values of the texts in written that have an expression,
// from what became of them.
func values(out []gennaker.PlannedValue, path string, written, became any) []gennaker.PlannedValue {
	switch w := written.(type) {
	case string:
		if stage.HasExpression(w) && became != w {
			out = append(out, gennaker.PlannedValue{Path: strings.TrimPrefix(path, "."), Expression: w, Value: became})
		}
	case map[string]any:
		m, _ := became.(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(w)) {
			if v, ok := m[k]; ok {
				out = values(out, path+"."+k, w[k], v)
			}
		}
	case []any:
		list, _ := became.([]any)
		for i := range min(len(w), len(list)) {
			out = values(out, fmt.Sprintf("%s[%d]", path, i), w[i], list[i])
		}
	}
	return out
}
