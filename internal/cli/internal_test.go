package cli

import (
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
)

func TestOutcome(t *testing.T) {
	t.Parallel()
	exception := map[string]any{"exception": map[string]any{"details": map[string]any{
		"error": "Unexpected Task Failure", "errors": []any{"no such file", "give up"}, "hint": "make it",
	}}}
	for name, tt := range map[string]struct {
		execution  gennaker.Execution
		want, hint string
	}{
		"success": {gennaker.Execution{Status: gennaker.Succeeded}, "", ""},
		"the stage inside tells why, not the ignored one before": {
			gennaker.Execution{Status: gennaker.Terminal, Stages: []gennaker.Stage{
				{ID: "1", Name: "Ignored", Status: gennaker.FailedContinue, Context: exception},
				{ID: "2", Name: "Deploy", Status: gennaker.Terminal},
				{ID: "3", Name: "Inner", ParentStageID: "2", Status: gennaker.Terminal, Context: exception},
			}}, `stage "Inner" failed: no such file; give up`, "make it",
		},
		"a task is its cause": {
			gennaker.Execution{Type: gennaker.TypeOrchestration, Status: gennaker.Terminal, Stages: []gennaker.Stage{
				{Name: "save", Status: gennaker.Terminal, Context: map[string]any{"exception": map[string]any{"details": map[string]any{"error": "taken"}}}},
			}}, "taken", "",
		},
		"no reason": {
			gennaker.Execution{Status: gennaker.Terminal, Stages: []gennaker.Stage{{Name: "x", Status: gennaker.Stopped}}},
			`stage "x" failed: it does not say why`, "",
		},
		"a reason of another shape": {
			gennaker.Execution{Status: gennaker.Terminal, Stages: []gennaker.Stage{{Name: "x", Status: gennaker.Terminal, Context: map[string]any{"exception": "boom"}}}},
			`stage "x" failed: it does not say why`, "",
		},
		"no stage": {gennaker.Execution{Status: gennaker.Terminal}, "the execution ended as TERMINAL", ""},
		"canceled": {
			gennaker.Execution{Status: gennaker.Canceled, Canceled: true, CanceledBy: "ann"}, "the execution was canceled by ann", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := outcome(tt.execution)
			if tt.want == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			f, ok := err.(*failure)
			if !ok || f.cause != tt.want || f.hint != tt.hint {
				t.Errorf("got %#v", err)
			}
		})
	}
}

// FuzzDocument holds that any file is read or refused, that a refusal has a
// kind, and that an id can be added to whatever was read.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{
		`{"name":"x"}`, "name: x\nstages:\n- type: wait\n", "{}", "a: &a [*a]", "? [x]\n: y", "- 1", "a: 1\na: 2", "\t", "{a: b}", "---\n...\n---\n", "1: 2\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := &session{env: Env{Stdin: strings.NewReader(text)}}
		d, err := s.read("-")
		if err != nil {
			if k := gennaker.KindOf(err); k != gennaker.Invalid && k != gennaker.TooLarge {
				t.Fatalf("kind %s: %v", k, err)
			}
			return
		}
		again, err := gennaker.ParseDocument(d.with("id", "p\x00\"1"))
		if err != nil {
			t.Fatal(err)
		}
		if again.Value["id"] != "p\x00\"1" {
			t.Errorf("id is %q", again.Value["id"])
		}
		_ = d.locate(d.doc.Invalid([]gennaker.Problem{{Path: "stages[0].type", Message: "x"}}))
	})
}
