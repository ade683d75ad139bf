package manifest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/fake"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/bind"
	"github.com/gennaker/gennaker/internal/stage/manifest"
)

// object is open JSON.
type object = map[string]any

// runner plans and runs stages as the contract in package stage says, one after
// the other, with contexts that went through JSON. A task that waits longer
// than patience looks times out; every look advances the fake provider.
type runner struct {
	t        *testing.T
	registry stage.Registry
	fake     *fake.Provider
	exec     gennaker.Execution
	nodes    []*node // in the order in which they were planned
	log      []string
	patience int
	twice    bool // every task that ends is run again, as after a crash
	before   func(n *node, task string)
	now      time.Time
	pipeline stage.Outcome // of stages of type pipeline

	artifacts []gennaker.Artifact
	content   map[string]string // of artifacts, by reference
	running   []gennaker.Execution
	root      object   // names of expressions
	said      []string // messages of tasks that wait
	canceled  string   // the task whose stage is canceled when it has waited
}

// node is a stage of a run.
type node struct {
	gennaker.Stage
	config gennaker.StageConfig
	parent *node
	kids   []*node
	side   string
	began  map[string]time.Time
}

func newRunner(t *testing.T, script func(gennaker.Manifest) fake.ManifestScript) *runner {
	t.Helper()
	r := &runner{
		t: t, patience: 6, now: time.Unix(1_000_000, 0), pipeline: stage.Done(),
		exec: gennaker.Execution{ID: "E", Application: "shop", Trigger: gennaker.Trigger{Parameters: object{}}},
	}
	r.fake = fake.New(fake.Config{
		Account: gennaker.Account{Name: "k8s", CloudProvider: "kubernetes", Regions: []string{"prod"}}, Manifest: script,
		Kinds: []string{"Gadget.example.com"}, Now: func() time.Time { return r.now },
	})
	manifest.Register(&r.registry, provider.NewFleet(r.fake.Provider()), manifest.Config{
		Artifact: r.artifact, Artifacts: func(stage.Input) []gennaker.Artifact { return r.artifacts }, Fetcher: r, Parse: parse,
		BindProduced: bind.Produced(nil), History: r,
	})
	for kind, out := range map[string]func() stage.Outcome{"wait": stage.Done, "pipeline": func() stage.Outcome { return r.pipeline }} {
		stage.Add[struct{}](&r.registry, stage.Definition{Type: kind, Steps: []stage.Step{{
			Name: kind, Task: stage.TaskFunc(func(context.Context, stage.Input) (stage.Outcome, error) { return out(), nil }),
		}}})
	}
	return r
}

// parse reads JSON objects, one in each line.
func parse(text []byte) (out []gennaker.Manifest, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	for dec.More() {
		var m gennaker.Manifest
		if err := dec.Decode(&m); err != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "document %d cannot be read", len(out)+1)
		}
		out = append(out, m)
	}
	return out, nil
}

func (r *runner) artifact(_ stage.Input, id string, inline any) (gennaker.Artifact, error) {
	if inline != nil {
		return gennaker.ArtifactOf(inline)
	}
	for _, a := range r.artifacts {
		if a.Name == id {
			return a, nil
		}
	}
	return gennaker.Artifact{}, gennaker.Errorf(gennaker.Invalid, "no artifact %q", id)
}

// Executions implements manifest.History.
func (r *runner) Executions(context.Context, gennaker.ExecutionQuery) ([]gennaker.Execution, error) {
	var out []gennaker.Execution
	for _, x := range r.running {
		out = append(out, x.Unexpanded())
	}
	return out, nil
}

// Execution implements manifest.History.
func (r *runner) Execution(_ context.Context, id string) (gennaker.Execution, error) {
	for _, x := range r.running {
		if x.ID == id {
			return x, nil
		}
	}
	return gennaker.Execution{}, gennaker.Errorf(gennaker.NotFound, "there is no execution %s", id)
}

// Fetch implements manifest.Fetcher.
func (r *runner) Fetch(_ context.Context, a map[string]any) ([]byte, error) {
	text, ok := r.content[fmt.Sprint(a["reference"])]
	if !ok {
		return nil, gennaker.Errorf(gennaker.NotFound, "there is nothing at %v", a["reference"])
	}
	return []byte(text), nil
}

// reread is a value after it was stored and read.
func reread(t *testing.T, v object) object {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	out := object{}
	if err := dec.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// run runs a stage of a pipeline, behind those that ran before.
func (r *runner) run(kind string, c object) *node {
	r.t.Helper()
	return r.runBehind(kind, c, nil)
}

func (r *runner) runBehind(kind string, c object, behind *node) *node {
	r.t.Helper()
	n := r.add(nil, "", gennaker.StageConfig{Type: kind, Name: kind, Context: c})
	if behind != nil {
		n.Requires = []string{behind.ID}
	}
	r.stage(n)
	return n
}

func (r *runner) add(parent *node, side string, c gennaker.StageConfig) *node {
	n := &node{config: c, parent: parent, side: side, began: map[string]time.Time{}}
	n.ID = fmt.Sprintf("S%d", len(r.nodes)+1)
	n.Type, n.Name, n.RefID, n.StartTime = c.Type, c.Name, c.RefID, gennaker.At(r.now)
	if n.Name == "" {
		n.Name = c.Type
	}
	n.Context, n.Outputs, n.Status = reread(r.t, c.Context), object{}, gennaker.Running
	r.nodes = append(r.nodes, n)
	if parent != nil {
		n.ParentStageID = parent.ID
		parent.kids = append(parent.kids, n)
	}
	return n
}

func (r *runner) logf(n *node, format string, args ...any) {
	var depth strings.Builder
	for p := n.parent; p != nil; p = p.parent {
		depth.WriteString("  ")
	}
	r.log = append(r.log, depth.String()+fmt.Sprintf(format, args...))
}

// input is what a planner or, with a task, that task knows.
func (r *runner) input(n *node, task string) stage.Input {
	s := n.Stage
	s.Context, s.Outputs = maps.Clone(n.Context), maps.Clone(n.Outputs)
	return stage.Input{
		Evaluate: func(v any, more map[string]any) (any, expr.Summary) {
			all := object{}
			for _, m := range []object{r.root, n.Context, more} {
				maps.Copy(all, m)
			}
			return expr.Evaluate(v, expr.Env{Root: all})
		},
		Execution: r.exec, Stage: s, Task: task, Key: r.exec.ID + "/" + n.ID + "/" + task, Attempt: 1, Now: r.now, TaskStart: n.began[task],
		Upstream: func() []gennaker.Stage { return r.upstream(n) },
		Children: func() []gennaker.Stage {
			var out []gennaker.Stage
			for _, k := range n.kids {
				if k.side == "before" {
					out = append(out, k.Stage)
				}
			}
			return out
		},
	}
}

// upstream is execution-model section 8, nearest first.
func (r *runner) upstream(n *node) []gennaker.Stage {
	var out []gennaker.Stage
	for p := n; p != nil; p = p.parent {
		if p.parent != nil {
			kids := slices.Clone(p.parent.kids)
			i := slices.Index(kids, p)
			for _, k := range slices.Backward(kids[:i]) {
				if k.side == "before" || len(p.Requires) > 0 {
					out = append(out, k.Stage)
				}
			}
			out = append(out, p.parent.Stage)
			continue
		}
		for _, other := range r.nodes {
			if slices.Contains(p.Requires, other.ID) {
				out = append(out, other.Stage)
				for _, k := range other.kids {
					out = append(out, k.Stage)
				}
			}
		}
	}
	return out
}

// stage runs one stage to its end.
func (r *runner) stage(n *node) {
	r.t.Helper()
	def, err := r.registry.Find(n.Type)
	if err != nil {
		r.t.Fatal(err)
	}
	r.logf(n, "%s", n.Name)
	if def.Start != nil {
		n.Context = reread(r.t, def.Start(n.Context))
	}
	var steps []stage.Step
	for _, s := range def.Steps {
		if s.If == nil || s.If(r.input(n, "")) {
			steps = append(steps, s)
		}
	}
	n.Status = r.children(n, "before", def.Before)
	for _, s := range steps {
		if !n.Status.Continues() {
			break
		}
		if status := r.task(n, s); status != gennaker.Succeeded && status != gennaker.Skipped {
			n.Status = r.failure(n, status)
		}
	}
	if n.Status.Continues() {
		if after := r.children(n, "after", def.After); after != gennaker.Succeeded {
			n.Status = after
		}
	}
	if n.Status == gennaker.Terminal && def.OnFailure != nil {
		r.children(n, "failure", def.OnFailure)
	}
	r.logf(n, "%s: %s", n.Name, n.Status)
}

// failure is what a stage's own policy makes of the failure of a task.
func (r *runner) failure(n *node, status gennaker.Status) gennaker.Status {
	if fmt.Sprint(n.Context["continuePipeline"]) == "true" {
		return gennaker.FailedContinue
	}
	return status
}

func (r *runner) children(n *node, side string, plan func(context.Context, stage.Input) ([]gennaker.StageConfig, error)) gennaker.Status {
	r.t.Helper()
	if plan == nil {
		return gennaker.Succeeded
	}
	configs, err := plan(r.t.Context(), r.input(n, ""))
	if err != nil {
		n.Context["exception"] = err.Error()
		return r.failure(n, gennaker.Terminal)
	}
	if again, err := plan(r.t.Context(), r.input(n, "")); err != nil || len(again) != len(configs) {
		r.t.Errorf("planned a second time, %s of %s gives %d stages and %v, not %d", side, n.Name, len(again), err, len(configs))
	}
	status := gennaker.Succeeded
	for _, c := range configs {
		k := r.add(n, side, c)
		k.Requires = c.Requires
		r.stage(k)
		if !k.Status.Continues() {
			return r.failure(n, k.Status)
		}
		if k.Status == gennaker.FailedContinue && k.Context["allowSiblingStagesToContinueOnFailure"] != true {
			return k.Status
		}
	}
	return status
}

// task runs a step until it ends or runs out of patience.
func (r *runner) task(n *node, s stage.Step) gennaker.Status {
	r.t.Helper()
	n.began[s.Name] = r.now
	for runs, waits := 0, 0; ; runs++ {
		if runs > 200 {
			r.t.Fatalf("%s of %s never ends", s.Name, n.Name)
		}
		if r.before != nil {
			r.before(n, s.Name)
		}
		r.now = r.now.Add(time.Millisecond)
		in := r.input(n, s.Name)
		out, err := s.Task.Run(r.t.Context(), in)
		if err == nil && out.Final() && r.twice {
			out, err = s.Task.Run(r.t.Context(), in)
		}
		if err != nil {
			switch gennaker.KindOf(err) {
			case gennaker.Unavailable, gennaker.Internal:
				if waits++; waits > r.patience {
					if _, ok := s.Task.(stage.Canceler); ok {
						return r.expire(n, s)
					}
					r.t.Fatalf("%s of %s cannot tell: %v", s.Name, n.Name, err)
				}
				continue
			}
			out = stage.Fail("%s", err.Error())
		}
		r.keep(n, out)
		if list, ok := out.Context()["messages"].([]any); ok {
			r.said = append(r.said, fmt.Sprint(list...))
		}
		if out.Final() {
			r.logf(n, "- %s: %s", s.Name, out.Status())
			return r.ended(n, out)
		}
		if due := out.Due(r.now); due.IsZero() {
			r.t.Fatalf("%s of %s does not look again by itself", s.Name, n.Name)
		} else if due.After(r.now.Add(time.Millisecond)) {
			r.now = due
			waits++
		}
		if r.canceled == s.Name {
			return r.cancel(n, s)
		}
		if waits > r.patience {
			return r.expire(n, s)
		}
	}
}

func (r *runner) keep(n *node, out stage.Outcome) {
	maps.Copy(n.Context, reread(r.t, out.Context()))
	maps.Copy(n.Outputs, reread(r.t, out.Outputs()))
}

func (r *runner) ended(n *node, out stage.Outcome) gennaker.Status {
	if reason, _, _ := out.Reason(); reason != "" {
		n.Context["exception"] = reason
	}
	return out.Status()
}

// cancel is what becomes of a stage that a user cancels.
func (r *runner) cancel(n *node, s stage.Step) gennaker.Status {
	r.expire(n, s)
	return gennaker.Canceled
}

// expire is the end of a step's time.
func (r *runner) expire(n *node, s stage.Step) gennaker.Status {
	n.Context["exception"] = s.Name + " timed out"
	if undo, ok := s.Task.(stage.Canceler); ok {
		out, err := undo.Cancel(r.t.Context(), r.input(n, s.Name))
		if err != nil {
			r.t.Errorf("cancel %s of %s: %v", s.Name, n.Name, err)
		}
		r.keep(n, out)
		r.ended(n, out)
	}
	r.logf(n, "- %s: timed out", s.Name)
	return gennaker.Terminal
}
