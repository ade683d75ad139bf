package flow_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/flow"
)

var update = flag.Bool("update", false, "rewrite the transcripts in testdata")

// TestVectors replays every testdata/vectors/*.txtar: a pipeline, a script of
// what happens, and the transcript of what the machine makes of it.
//
// A line of the script is "<ref> <STATUS>" (the result of the stage's running
// task), "cancel", "pause", "resume", "restart <ref>", "skip <ref>", "begin",
// "after <duration>", or "crash". Plan commands are answered from the pipeline.
func TestVectors(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/vectors/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(ar.Comment) == 0 {
				t.Error("a vector opens with a sentence that says what it shows")
			}
			got := replay(t, section(ar, "pipeline.json"), string(section(ar, "script"))).out.String()
			if *update {
				set(ar, "want", got)
				if err := os.WriteFile(file, txtar.Format(ar), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(section(ar, "want")), got); diff != "" {
				t.Errorf("transcript (-want +got):\n%s", diff)
			}
		})
	}
}

// vectorStage is a stage of a vector's pipeline: its skeleton, and what its
// planners answer.
type vectorStage struct {
	RefID    string        `json:"refId"`
	Requires []string      `json:"requires"`
	Expiry   gennaker.Time `json:"expiry"`
	Tasks    []string      `json:"tasks"` // "name", "loop name" and "name loop" for the ends of a loop
	Timeout  int64         `json:"taskTimeoutMs"`
	Policy   flow.Policy   `json:"policy"`
	Before   []vectorStage `json:"before"`
	After    []vectorStage `json:"after"`
	Failure  []vectorStage `json:"failure"`
	PlanFail flow.Phase    `json:"planFail"`
	// Windowed says that the first of Before waits for the execution window.
	Windowed bool `json:"windowed"`
	// Unresolved says that an expression of the context has no value.
	Unresolved bool `json:"unresolved"`
}

type replayer struct {
	t     *testing.T
	state *flow.State
	plots map[string]vectorStage // by stage ID
	seen  map[string]string
	now   time.Time
	out   strings.Builder
	legal map[flow.Transition]bool
	moved map[flow.Transition]bool
}

func replay(t *testing.T, pipeline []byte, script string) *replayer {
	t.Helper()
	var doc struct {
		Expiry gennaker.Time `json:"expiry"`
		Stages []vectorStage `json:"stages"`
	}
	if err := json.Unmarshal(pipeline, &doc); err != nil {
		t.Fatal(err)
	}
	r := &replayer{t: t, plots: map[string]vectorStage{}, seen: map[string]string{}, legal: legal(), moved: map[flow.Transition]bool{}, now: time.UnixMilli(1e12).UTC()}
	x := gennaker.Execution{ID: "x", Type: gennaker.TypePipeline, StartTimeExpiry: doc.Expiry}
	for _, s := range doc.Stages {
		r.plots[s.RefID] = s
		x.Stages = append(x.Stages, gennaker.Stage{ID: s.RefID, RefID: s.RefID, Name: s.RefID, Requires: s.Requires, StartTimeExpiry: s.Expiry})
	}
	r.state = flow.New(x)
	r.apply(flow.Event{Kind: flow.Begin})
	for line := range strings.Lines(script) {
		if line = strings.TrimSpace(line); line != "" {
			fmt.Fprintf(&r.out, "> %s\n", line)
			r.line(line)
		}
	}
	return r
}

func (r *replayer) line(line string) {
	verb, arg, _ := strings.Cut(line, " ")
	switch verb {
	case "begin":
		r.apply(flow.Event{Kind: flow.Begin})
	case "cancel":
		r.apply(flow.Event{Kind: flow.CancelAll, By: "a", Reason: "b"})
	case "pause":
		r.apply(flow.Event{Kind: flow.PauseAll, By: "a"})
	case "resume":
		r.apply(flow.Event{Kind: flow.ResumeAll, By: "a"})
	case "restart":
		r.apply(flow.Event{Kind: flow.Restart, Stage: r.stage(arg).ID})
	case "skip":
		r.apply(flow.Event{Kind: flow.SkipStage, Stage: r.stage(arg).ID})
	case "after":
		d, err := time.ParseDuration(arg)
		if err != nil {
			r.t.Fatal(err)
		}
		r.now = r.now.Add(d)
		r.apply(flow.Event{Kind: flow.Tick})
	default:
		st := r.stage(verb)
		i := slices.IndexFunc(st.Tasks, func(t flow.Task) bool {
			return t.Status == gennaker.Running || t.Status == gennaker.Paused
		})
		e := flow.Event{Kind: flow.TaskEnded, Stage: st.ID, Run: st.Run, Task: i, Status: gennaker.Status(arg), Unresolved: r.plots[st.ID].Unresolved}
		if i >= 0 && st.Tasks[i].Expired {
			e.Kind = flow.TaskExpired
		}
		r.apply(e)
	}
}

func (r *replayer) stage(ref string) *flow.Stage {
	st := r.state.ByRef(ref)
	if st == nil {
		r.t.Fatalf("no stage %q", ref)
	}
	return st
}

// apply folds an event, answers plans and cancellations, and writes down what
// changed.
func (r *replayer) apply(e flow.Event) {
	e.At = r.now
	todo := r.fold(e)
	r.changes()
	for len(todo) > 0 {
		c := todo[0]
		todo = todo[1:]
		answer := flow.Event{At: r.now, Stage: c.Stage, Run: c.Run, Task: c.Task}
		switch c.Kind {
		case flow.DoPlan:
			answer.Kind, answer.Plan = flow.Planned, r.plan(c.Stage, c.Phase)
		case flow.DoCancel:
			answer.Kind = flow.TaskCanceled
		case flow.DoExpire:
			fmt.Fprintf(&r.out, "  %s expires\n", r.state.Stage(c.Stage).Ref)
			continue
		case flow.DoRun, flow.DoDrop:
			continue
		}
		todo = append(todo, r.fold(answer)...)
		r.changes()
	}
}

// fold applies one event.
func (r *replayer) fold(e flow.Event) []flow.Command {
	was := statuses(r.state)
	todo := r.state.Apply(e).Commands
	for _, m := range moves(was, statuses(r.state)) {
		if r.moved[m] = true; !r.legal[m] {
			r.t.Errorf("%s went from %s to %s, which flow.Transitions does not have", m.Of, m.From, m.To)
		}
	}
	return todo
}

func (r *replayer) plan(id string, phase flow.Phase) flow.Plan {
	s := r.plots[id]
	p := flow.Plan{Phase: phase, Policy: s.Policy, After: len(s.After) > 0 || s.PlanFail == flow.PlanAfter, Failure: len(s.Failure) > 0, Failed: s.PlanFail == phase}
	if p.Failed {
		return p
	}
	if phase == flow.PlanStart {
		p.Windowed, p.Unresolved = s.Windowed, s.Unresolved
		for _, t := range s.Tasks {
			name, begins := strings.CutPrefix(t, "loop ")
			name, ends := strings.CutSuffix(name, " loop")
			p.Tasks = append(p.Tasks, flow.Task{Name: name, TimeoutMS: s.Timeout, LoopStart: begins, LoopEnd: ends})
		}
	}
	for _, k := range map[flow.Phase][]vectorStage{flow.PlanStart: s.Before, flow.PlanAfter: s.After, flow.PlanFailure: s.Failure}[phase] {
		c := flow.Child{ID: id + "/" + string(phase) + "/" + k.RefID, Ref: k.RefID, Requires: k.Requires, Name: k.RefID}
		r.plots[c.ID] = k
		p.Children = append(p.Children, c)
	}
	return p
}

// changes writes the stages and tasks whose status changed, in order.
func (r *replayer) changes() {
	now := map[string]string{"": string(r.state.Status)}
	for _, st := range r.state.Stages {
		var s strings.Builder
		s.WriteString(string(st.Status))
		for _, t := range st.Tasks {
			s.WriteString(fmt.Sprintf(" %s:%s", t.Name, t.Status))
		}
		now[st.Ref] = s.String()
		if r.seen[st.Ref] != s.String() && s.String() != string(gennaker.NotStarted) {
			fmt.Fprintf(&r.out, "  %s %s\n", st.Ref, s.String())
		}
	}
	if now[""] != r.seen[""] {
		fmt.Fprintf(&r.out, "  execution %s\n", now[""])
	}
	r.seen = now
}

func section(ar *txtar.Archive, name string) []byte {
	for _, f := range ar.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

func set(ar *txtar.Archive, name, data string) {
	for i := range ar.Files {
		if ar.Files[i].Name == name {
			ar.Files[i].Data = []byte(data)
			return
		}
	}
	ar.Files = append(ar.Files, txtar.File{Name: name, Data: []byte(data)})
}

func TestLimits(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		limits     flow.Limits
		running    int
		admits     bool
		start      string
		supersedes []string
	}{
		"unlimited":               {flow.Limits{}, 100, true, "c", []string{"a", "b"}},
		"one":                     {flow.Limits{One: true}, 1, false, "c", []string{"a", "b"}},
		"one wins over a maximum": {flow.Limits{One: true, Max: 5}, 1, false, "c", []string{"a", "b"}},
		"below the maximum":       {flow.Limits{Max: 2}, 1, true, "c", []string{"a", "b"}},
		"at the maximum":          {flow.Limits{Max: 2}, 2, false, "c", []string{"a", "b"}},
		"keeps those that wait":   {flow.Limits{One: true, KeepWaiting: true}, 0, true, "a", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tt.limits.Admits(tt.running); got != tt.admits {
				t.Errorf("Admits(%d) = %v", tt.running, got)
			}
			start, superseded := tt.limits.Release([]string{"a", "b", "c"})
			if start != tt.start || !slices.Equal(superseded, tt.supersedes) {
				t.Errorf("Release = %q, %v; want %q, %v", start, superseded, tt.start, tt.supersedes)
			}
		})
	}
}

// TestRollUp is the truth table of the execution model, section 5.
func TestRollUp(t *testing.T) {
	t.Parallel()
	const (
		ns, ru, ok, sk = gennaker.NotStarted, gennaker.Running, gennaker.Succeeded, gennaker.Skipped
		fc, te, ca, st = gennaker.FailedContinue, gennaker.Terminal, gennaker.Canceled, gennaker.Stopped
	)
	tests := []struct {
		in   []gennaker.Status
		want gennaker.Status
	}{
		{nil, ns},
		{[]gennaker.Status{ok, sk}, ok},
		{[]gennaker.Status{ok, ns}, ru},
		{[]gennaker.Status{ok, ru}, ru},
		{[]gennaker.Status{fc, ns}, fc},
		{[]gennaker.Status{ca, fc, ok}, ca},
		{[]gennaker.Status{st, ca, fc}, st},
		{[]gennaker.Status{ru, st, te, ca}, te},
	}
	for _, tt := range tests {
		if got := flow.RollUp(tt.in); got != tt.want {
			t.Errorf("RollUp(%v) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

// TestAncestors: what a stage sees, nearest first (execution model, section 8).
func TestAncestors(t *testing.T) {
	t.Parallel()
	s := flow.New(gennaker.Execution{ID: "x", Stages: []gennaker.Stage{
		{ID: "1", RefID: "1"}, {ID: "2", RefID: "2", Requires: []string{"1"}},
		{ID: "3", RefID: "3", Requires: []string{"1"}}, {ID: "4", RefID: "4", Requires: []string{"2", "3"}},
	}})
	at := time.UnixMilli(1)
	s.Apply(flow.Event{Kind: flow.Begin, At: at})
	s.Apply(flow.Event{Kind: flow.Planned, At: at, Stage: "1", Plan: flow.Plan{Phase: flow.PlanStart, After: true, Children: []flow.Child{{ID: "b", Ref: "1"}}}})
	s.Apply(flow.Event{Kind: flow.Planned, At: at, Stage: "b", Plan: flow.Plan{Phase: flow.PlanStart}})
	s.Apply(flow.Event{Kind: flow.Planned, At: at, Stage: "1", Plan: flow.Plan{Phase: flow.PlanAfter, Children: []flow.Child{{ID: "a", Ref: "1"}, {ID: "c", Ref: "2", Requires: []string{"1"}}}}})
	tests := map[string]string{
		"1": "", "b": "1", "a": "b 1", "c": "a b 1", "2": "1 b a c", "4": "2 3 1 b a c",
	}
	for id, want := range tests {
		var got []string
		for _, st := range s.Ancestors(id) {
			got = append(got, st.ID)
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("Ancestors(%s) = %q, want %q", id, g, want)
		}
	}
}
