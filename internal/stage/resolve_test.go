package stage_test

import (
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// Source: stage types, section 0, type resolution.
func TestResolve(t *testing.T) {
	t.Parallel()
	var r stage.Registry
	stage.Add[config](&r, stage.Definition{Type: "webhook", Aliases: []string{"hook"}})
	stage.Add[config](&r, stage.Definition{Type: "hidden", Internal: true})
	for name, tt := range map[string]struct {
		kind    string
		alias   any
		want    string // type, or message
		problem string // in a pipeline
	}{
		"type":              {"webhook", nil, "webhook", ""},
		"another name":      {"hook", nil, "webhook", ""},
		"type before alias": {"webhook", "hidden", "webhook", ""},
		"alias":             {"callPager", "webhook", "webhook", ""},
		"alias of an alias": {"callPager", "hook", "webhook", ""},
		"no alias":          {"callPager", nil, `there is no stage type "callPager"`, `there is no stage type "callPager"; known are webhook`},
		"empty alias":       {"callPager", "", `there is no stage type "callPager"`, `there is no stage type "callPager"; known are webhook`},
		"alias of no type":  {"callPager", 7, `there is no stage type "callPager"`, `there is no stage type "callPager"; known are webhook`},
		"unknown alias": {
			"callPager", "pager", `there is no stage type "callPager", and none called "pager", which is its alias`,
			`there is no stage type "callPager", and none called "pager", which is its alias; known are webhook`,
		},
		"alias of an internal type": {"callPager", "hidden", "hidden", `there is no stage type "callPager"; known are webhook`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			context := map[string]any{"alias": tt.alias}
			d, err := r.Resolve(tt.kind, context)
			var got string
			if err != nil {
				got = err.Error()
			} else {
				got = d.Type
			}
			if got != tt.want || err != nil && gennaker.HintOf(err) != "the stage types are webhook" {
				t.Errorf("%s, hint %q, want %s", got, gennaker.HintOf(err), tt.want)
			}
			got = ""
			for _, p := range r.Unknown([]gennaker.StageConfig{{Type: tt.kind, Context: context}}) {
				got = p.Message
			}
			if got != tt.problem {
				t.Errorf("in a pipeline: %q, want %q", got, tt.problem)
			}
		})
	}
}
