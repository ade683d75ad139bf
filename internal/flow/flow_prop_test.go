package flow_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/flow"
)

// plot is what the stages of a random pipeline do when they are planned and
// run: a function of the stage alone, so that two runs can be compared.
type plot struct {
	pipeline gennaker.Execution
	acts     []act // chosen by the stage's ref
}

type act struct {
	Results  []gennaker.Status // of its tasks
	Before   int
	After    int
	Failure  int
	Linear   bool
	PlanFail flow.Phase
	Policy   flow.Policy
	Waits    bool

	Windowed   bool // the first of Before waits for the execution window
	Unresolved bool // an expression of the context has no value
}

func drawPlot(t *rapid.T) plot {
	p := plot{pipeline: gennaker.Execution{ID: "x", Type: gennaker.TypePipeline}}
	n := rapid.IntRange(1, 7).Draw(t, "stages")
	for i := range n {
		st := gennaker.Stage{ID: "s" + fmt.Sprint(i), RefID: fmt.Sprint(i), Type: "any", Name: fmt.Sprint("stage ", i)}
		for j := range i {
			if rapid.IntRange(0, 2).Draw(t, "edge") == 0 {
				st.Requires = append(st.Requires, fmt.Sprint(j))
			}
		}
		p.pipeline.Stages = append(p.pipeline.Stages, st)
	}
	results := []gennaker.Status{
		gennaker.Succeeded, gennaker.Succeeded, gennaker.Succeeded, gennaker.Succeeded, gennaker.Succeeded,
		gennaker.Terminal, gennaker.Skipped, gennaker.FailedContinue, gennaker.Stopped, gennaker.Canceled,
	}
	p.acts = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) act {
		return act{
			Results:  rapid.SliceOfN(rapid.SampledFrom(results), 0, 3).Draw(t, "results"),
			Before:   rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "before"),
			After:    rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "after"),
			Failure:  rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "failure"),
			Linear:   rapid.Bool().Draw(t, "linear"),
			PlanFail: rapid.SampledFrom([]flow.Phase{"", "", "", "", "", flow.PlanStart, flow.PlanAfter, flow.PlanFailure}).Draw(t, "plan"),
			Policy: flow.Policy{
				Continue:      rapid.IntRange(0, 4).Draw(t, "continue") == 0,
				StopBranch:    rapid.IntRange(0, 4).Draw(t, "stop") == 0,
				FailAtEnd:     rapid.IntRange(0, 3).Draw(t, "at end") == 0,
				AllowSiblings: rapid.IntRange(0, 3).Draw(t, "siblings") == 0,

				FailUnresolved: rapid.Bool().Draw(t, "fail unresolved"),
			},
			Windowed:   rapid.IntRange(0, 3).Draw(t, "windowed") == 0,
			Unresolved: rapid.IntRange(0, 4).Draw(t, "unresolved") == 0,
			Waits:      rapid.IntRange(0, 3).Draw(t, "waits") == 0,
		}
	}), 5, 11).Draw(t, "acts")
	return p
}

// act returns what a stage does. Children are shallow.
func (p plot) act(st *flow.Stage) act {
	h := 0
	for _, c := range st.Ref {
		h = h*31 + int(c)
	}
	a := p.acts[h%len(p.acts)]
	if strings.Count(st.Ref, "<")+strings.Count(st.Ref, ">") >= 2 {
		a.Before, a.After, a.Failure = 0, 0, 0
	}
	return a
}

// run carries out the commands of one execution in a fixed order.
type run struct {
	t       *rapid.T
	plot    plot
	state   *flow.State
	pending []flow.Command
	waited  map[string]bool
	now     time.Time
	begun   map[string]int // stage ID/run/task → how often it ended
	legal   map[flow.Transition]bool
	moved   map[flow.Transition]bool
}

func start(t *rapid.T, p plot) *run {
	r := &run{t: t, plot: p, state: flow.New(p.pipeline), waited: map[string]bool{}, begun: map[string]int{}, legal: legal(), moved: map[flow.Transition]bool{}, now: time.UnixMilli(1e12).UTC()}
	r.apply(flow.Event{Kind: flow.Begin})
	return r
}

func (r *run) apply(e flow.Event) {
	r.now = r.now.Add(time.Second)
	e.At = r.now
	before := map[string]gennaker.Status{}
	for _, st := range r.state.Stages {
		before[st.ID] = st.Status
	}
	was := statuses(r.state)
	fx := r.state.Apply(e)
	for _, m := range moves(was, statuses(r.state)) {
		if r.moved[m] = true; !r.legal[m] {
			r.t.Fatalf("%s went from %s to %s, which flow.Transitions does not have: %s", m.Of, m.From, m.To, r.dump())
		}
	}
	for _, c := range fx.Commands {
		if c.Kind != flow.DoDrop && !slices.ContainsFunc(r.pending, func(o flow.Command) bool { return key(o) == key(c) }) {
			r.pending = append(r.pending, c)
		}
	}
	r.forgetVoid()
	r.check(before)
}

func key(c flow.Command) string { return fmt.Sprint(c.Kind, c.Stage, c.Run, c.Task, c.Phase) }

// forgetVoid drops pending commands that the state no longer awaits: what a
// runtime does when it interrupts a task.
func (r *run) forgetVoid() {
	open := map[string]bool{}
	for _, c := range r.state.Outstanding() {
		open[key(c)] = true
	}
	r.pending = slices.DeleteFunc(r.pending, func(c flow.Command) bool { return !open[key(c)] })
}

// check holds the invariants after every event.
func (r *run) check(before map[string]gennaker.Status) {
	r.t.Helper()
	pending := map[string]bool{}
	for _, c := range r.pending {
		pending[key(c)] = true
	}
	for _, c := range r.state.Outstanding() {
		if !pending[key(c)] && r.state.Status != gennaker.Paused {
			r.t.Fatalf("nobody was told to %s %s", c.Kind, r.state.Stage(c.Stage).Ref)
		}
	}
	for _, st := range r.state.Stages {
		if st.Status == gennaker.Running && before[st.ID] != gennaker.Running && before[st.ID] != gennaker.Paused {
			for _, ref := range st.Requires {
				if up := r.state.ByRef(ref); up == nil || !up.Status.Continues() {
					r.t.Fatalf("stage %s runs before %s", st.Ref, ref)
				}
			}
		}
		if st.Status.Complete() && !r.state.Status.Complete() && st.Status != gennaker.Terminal && st.Status != gennaker.Canceled {
			for _, k := range append(r.state.Children(st.ID, flow.Before), r.state.Children(st.ID, flow.After)...) {
				if k.Status == gennaker.Running {
					r.t.Fatalf("stage %s is %s and its child %s runs", st.Ref, st.Status, k.Ref)
				}
			}
		}
	}
	if r.state.Status == gennaker.Running && len(r.state.Outstanding()) == 0 {
		r.t.Fatalf("the execution is stuck: %s", r.dump())
	}
}

// crash stores and restores the state, and asks it what to do.
func (r *run) crash() {
	head, err := json.Marshal(r.state)
	if err != nil {
		r.t.Fatal(err)
	}
	fresh := &flow.State{}
	if err := json.Unmarshal(head, fresh); err != nil {
		r.t.Fatal(err)
	}
	var stages []*flow.Stage
	for _, st := range slices.Backward(r.state.Stages) {
		b, err := json.Marshal(st)
		if err != nil {
			r.t.Fatal(err)
		}
		st := &flow.Stage{}
		if err := json.Unmarshal(b, st); err != nil {
			r.t.Fatal(err)
		}
		stages = append(stages, st)
	}
	fresh.Restore(stages)
	r.state, r.pending = fresh, fresh.Outstanding()
}

// step answers the first pending command, by the stage's place.
func (r *run) step() bool {
	if len(r.pending) == 0 {
		return false
	}
	slices.SortStableFunc(r.pending, func(a, b flow.Command) int {
		return strings.Compare(r.state.Stage(a.Stage).Ref+key(a)[:4], r.state.Stage(b.Stage).Ref+key(b)[:4])
	})
	c := r.pending[0]
	r.pending = r.pending[1:]
	st := r.state.Stage(c.Stage)
	a := r.plot.act(st)
	e := flow.Event{Stage: c.Stage, Run: c.Run, Task: c.Task}
	switch c.Kind {
	case flow.DoPlan:
		e.Kind, e.Plan = flow.Planned, r.plan(st, a, c.Phase)
	case flow.DoRun:
		id := fmt.Sprint(c.Stage, c.Run, c.Task)
		if a.Waits && !r.waited[id] {
			r.waited[id] = true
			e.Kind = flow.TaskWaits
			r.pending = append(r.pending, c) // woken at once
			break
		}
		e.Kind, e.Status, e.Unresolved = flow.TaskEnded, a.Results[c.Task], a.Unresolved
		if r.begun[id]++; r.begun[id] > 1 {
			r.t.Fatalf("task %d of %s ended twice", c.Task, st.Ref)
		}
	case flow.DoCancel:
		e.Kind = flow.TaskCanceled
	case flow.DoExpire:
		e.Kind, e.Status = flow.TaskExpired, gennaker.Terminal
	case flow.DoDrop:
	}
	r.apply(e)
	return true
}

func (r *run) plan(st *flow.Stage, a act, phase flow.Phase) flow.Plan {
	p := flow.Plan{Phase: phase, Failed: a.PlanFail == phase, Policy: a.Policy, After: a.After > 0, Failure: a.Failure > 0}
	if p.Failed {
		return p
	}
	n := map[flow.Phase]int{flow.PlanStart: a.Before, flow.PlanAfter: a.After, flow.PlanFailure: a.Failure}[phase]
	for i := range n {
		c := flow.Child{ID: fmt.Sprint(st.ID, st.Run, phase, i), Ref: fmt.Sprint(i), Type: "any", Name: fmt.Sprint(st.Name, phase, i)}
		if a.Linear && i > 0 {
			c.Requires = []string{fmt.Sprint(i - 1)}
		}
		p.Children = append(p.Children, c)
	}
	if phase == flow.PlanStart {
		p.Windowed, p.Unresolved = a.Windowed && a.Before > 0, a.Unresolved
		for i := range a.Results {
			p.Tasks = append(p.Tasks, flow.Task{Name: fmt.Sprint("task", i)})
		}
	}
	return p
}

func (r *run) dump() string {
	var b strings.Builder
	fmt.Fprintf(&b, "execution %s\n", r.state.Status)
	for _, st := range r.state.Stages {
		fmt.Fprintf(&b, "%s %s", st.Ref, st.Status)
		for _, t := range st.Tasks {
			fmt.Fprintf(&b, " %s", t.Status)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// maxSteps is more than any random pipeline needs.
const maxSteps = 5000

func (r *run) toEnd(disturb func(step int)) {
	for i := 0; !r.state.Settled(); i++ {
		if i > maxSteps {
			r.t.Fatalf("no end: %s", r.dump())
		}
		disturb(i)
		if !r.step() && !r.state.Settled() && r.state.Status != gennaker.Paused {
			r.t.Fatalf("stuck: %s", r.dump())
		}
	}
	if !r.state.Status.Complete() {
		r.t.Fatalf("settled but %s", r.state.Status)
	}
}

// TestEveryExecutionEnds: whatever the graph, the failures and the crashes, an
// execution ends, in the same way as without crashes.
func TestEveryExecutionEnds(t *testing.T) {
	t.Parallel()
	checkMany(t, func(t *rapid.T) {
		p := drawPlot(t)
		calm := start(t, p)
		calm.toEnd(func(int) {})
		crashes := rapid.SliceOfN(rapid.IntRange(0, 60), 0, 6).Draw(t, "crashes")
		rough := start(t, p)
		rough.toEnd(func(i int) {
			if slices.Contains(crashes, i) {
				rough.crash()
			}
		})
		if diff := cmp.Diff(calm.dump(), rough.dump()); diff != "" {
			t.Fatalf("crashes changed the end (-calm +rough):\n%s", diff)
		}
	})
}

// TestActionsAtAnyMoment: cancel, pause, resume, skip, restart and deadlines at
// random moments never leave an execution stuck.
func TestActionsAtAnyMoment(t *testing.T) {
	t.Parallel()
	checkMany(t, func(t *rapid.T) {
		r := disturbed(t)
		for _, st := range r.state.Stages {
			if st.Status == gennaker.Running || st.Status == gennaker.Paused {
				t.Fatalf("settled with an active stage: %s", r.dump())
			}
		}
		r.restartAll()
	})
}

// disturbed runs a random pipeline to its end, with actions at random moments.
func disturbed(t *rapid.T) *run {
	r := start(t, drawPlot(t))
	at := map[int]string{}
	for range rapid.IntRange(1, 6).Draw(t, "actions") {
		at[rapid.IntRange(0, 40).Draw(t, "at")] = rapid.SampledFrom([]string{"cancel", "pause", "crash", "skip", "tick", "restart", "junk", "late"}).Draw(t, "action")
	}
	r.toEnd(func(i int) {
		r.disturb(at[i])
		if r.state.Status == gennaker.Paused && (len(r.pending) == 0 || i%5 == 4) {
			r.apply(flow.Event{Kind: flow.ResumeAll, By: "b"})
		}
	})
	return r
}

func (r *run) disturb(action string) {
	any := rapid.SampledFrom(r.state.Stages).Draw(r.t, "stage")
	switch action {
	case "cancel":
		r.apply(flow.Event{Kind: flow.CancelAll, By: "a", Reason: "why"})
	case "pause":
		r.apply(flow.Event{Kind: flow.PauseAll, By: "a"})
	case "crash":
		r.crash()
	case "skip":
		r.apply(flow.Event{Kind: flow.SkipStage, Stage: any.ID})
	case "tick":
		r.now = r.now.Add(time.Hour)
		r.apply(flow.Event{Kind: flow.Tick})
	case "restart":
		if r.state.CanRestart(any.ID) {
			r.begun = map[string]int{}
		}
		r.apply(flow.Event{Kind: flow.Restart, Stage: any.ID})
	case "late":
		r.late()
	case "junk":
		r.apply(flow.Event{
			Kind:  rapid.SampledFrom([]flow.EventKind{flow.Planned, flow.TaskEnded, flow.TaskCanceled, flow.TaskExpired, flow.TaskWaits, flow.Begin}).Draw(r.t, "kind"),
			Stage: any.ID, Run: any.Run + 7, Task: rapid.IntRange(-1, 4).Draw(r.t, "task"), Status: gennaker.Succeeded,
		})
	}
}

// late gives the result of a task that was being run when a pause came.
func (r *run) late() {
	for _, st := range r.state.Stages {
		i := slices.IndexFunc(st.Tasks, func(t flow.Task) bool { return t.Status == gennaker.Paused })
		if i < 0 || st.Tasks[i].Expired {
			continue
		}
		r.begun[fmt.Sprint(st.ID, st.Run, i)]++
		r.apply(flow.Event{Kind: flow.TaskEnded, Stage: st.ID, Run: st.Run, Task: i, Status: r.plot.act(st).Results[i], Unresolved: r.plot.act(st).Unresolved})
		return
	}
}

// restartAll restarts the first top-level stage of a settled execution and runs
// it to its end again.
func (r *run) restartAll() {
	first := r.state.TopLevel()[0]
	if !r.state.CanRestart(first.ID) {
		r.t.Fatalf("a settled execution cannot be restarted: %s", r.dump())
	}
	r.begun = map[string]int{}
	r.apply(flow.Event{Kind: flow.Restart, Stage: first.ID})
	r.apply(flow.Event{Kind: flow.Begin})
	r.toEnd(func(int) {})
}

// checkMany runs a property at least 10,000 times, fewer with -short.
func checkMany(t *testing.T, prop func(*rapid.T)) {
	t.Helper()
	for i := range 100 {
		if testing.Short() && i == 5 {
			return
		}
		rapid.Check(t, prop)
		if t.Failed() {
			return
		}
	}
}
