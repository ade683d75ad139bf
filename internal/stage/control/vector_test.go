package control_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/control"
)

// vector is a stage, what happens while it runs, and how it ends. Its source is
// where that is said, in words.
type vector struct {
	Name, Source string
	Stage        map[string]any   // type and context
	Upstream     map[string]any   // outputs of the stages before
	Stages       []map[string]any // of the execution, as expressions see them
	Execution    gennaker.Execution
	Now          time.Time                     // default start
	Children     map[string]gennaker.Execution // of the pipelines that can be started, by name; and of others, by ID
	Groups       []gennaker.ServerGroup
	Script       []happening // one for each time that the stage waits
	Want         wanted
}

// happening is one thing that happens while a stage waits: time passes until it
// is due, its context is changed by hand, or a child changes its status.
type happening struct {
	Set   map[string]any
	Child map[string]gennaker.Status
	By    string // who changes the context
	Again bool   // the stage is restarted, when it has ended
}

// wanted is what is held of a stage, where given.
type wanted struct {
	Status   gennaker.Status
	Reason   string
	Context  map[string]any // of these keys
	Outputs  map[string]any // all
	Steps    string         // what ran, and of the stages before it
	Due      []string       // what it waited for: times, topics
	Started  []string       // pipelines, with application and parameters
	Canceled []string
}

// world runs vectors: a runtime as simple as can be. Everything is done twice,
// as after a crash between acting and storing.
type world struct {
	t        *testing.T
	vector   vector
	registry *stage.Registry
	now      time.Time
	children map[string]gennaker.Execution
	steps    []string
	due      []string
	started  []string
	canceled []string
	reason   string
	ids      int
}

func (w *world) StartPipeline(_ context.Context, r control.StartRequest) (string, error) {
	child, ok := w.vector.Children[r.Pipeline]
	if !ok {
		return "", gennaker.Errorf(gennaker.NotFound, "no pipeline %s", r.Pipeline)
	}
	id := "of " + r.Key
	if _, again := w.children[id]; again {
		return id, nil
	}
	child.ID, child.Trigger = id, r.Trigger
	w.children[id] = child
	text, err := json.Marshal(r.Trigger.Parameters)
	if err != nil {
		return "", err
	}
	w.started = append(w.started, fmt.Sprintf("%s of %s %s", r.Pipeline, r.Application, text))
	return id, nil
}

func (w *world) Started(_ context.Context, key string) (string, error) {
	if _, ok := w.children["of "+key]; ok {
		return "of " + key, nil
	}
	return "", gennaker.Errorf(gennaker.NotFound, "none")
}

func (w *world) Execution(_ context.Context, id string) (gennaker.Execution, error) {
	if x, ok := w.children[id]; ok {
		return x, nil
	}
	x, ok := w.vector.Children[id]
	if !ok {
		return x, gennaker.Errorf(gennaker.NotFound, "there is no execution %q", id)
	}
	x.ID = id
	return x, nil
}

func (w *world) CancelExecution(_ context.Context, id, user, reason string) error {
	w.canceled = append(w.canceled, w.children[id].Name+" by "+user+": "+reason)
	return nil
}

func (w *world) ServerGroups(_ context.Context, account, application, cluster string) ([]gennaker.ServerGroup, error) {
	var out []gennaker.ServerGroup
	for _, g := range w.vector.Groups {
		m := gennaker.ParseServerGroupName(g.Name)
		if g.Account == account && m.App == application && m.Cluster == cluster {
			out = append(out, g)
		}
	}
	return out, nil
}

// input is what a stage of the execution may know.
func (w *world) input(s gennaker.Stage) stage.Input {
	x := w.vector.Execution
	x.Type = gennaker.TypePipeline
	if x.ID == "" {
		x.ID = "parent"
	}
	in := stage.Input{
		Execution: x, Stage: s, Now: w.now, TaskStart: w.now,
		Upstream: func() []gennaker.Stage { return []gennaker.Stage{{Outputs: w.vector.Upstream}} },
	}
	in.Evaluate = func(v any, more map[string]any) (any, expr.Summary) {
		all := merged(w.object(w.vector.Upstream), w.object(s.Context))
		maps.Copy(all, more)
		return expr.Evaluate(v, expr.Env{
			Root: expr.Root(all, w.object(x.Trigger)), Now: w.now,
			Execution: func() map[string]any {
				out := w.object(x)
				list := make([]any, len(w.vector.Stages))
				for i, s := range w.vector.Stages {
					list[i] = s
				}
				out["stages"] = list
				return out
			},
		})
	}
	return in
}

func (w *world) object(v any) map[string]any {
	text, err := json.Marshal(v)
	if err != nil {
		w.t.Fatal(err)
	}
	var out map[string]any
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// stored returns open JSON as it is after it was stored.
func (w *world) stored(m map[string]any) map[string]any {
	text, err := json.Marshal(m)
	if err != nil {
		w.t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// run runs a stage with those before it.
func (w *world) run(s *gennaker.Stage) gennaker.Status {
	d, err := w.registry.Find(s.Type)
	if err != nil {
		w.t.Fatal(err)
	}
	w.ids++
	s.ID = fmt.Sprint("stage-", w.ids)
	p, err := d.Prepare(w.t.Context(), w.input(*s))
	if err != nil {
		w.reason = err.Error()
		return gennaker.Terminal
	}
	s.Context = w.stored(p.Context)
	if p.Skip {
		return gennaker.Skipped
	}
	for _, c := range p.Before {
		child := gennaker.Stage{Type: c.Type, Name: c.Name, Context: w.stored(c.Context), ParentStageID: s.ID}
		if c.Type != stage.WindowType { // children have no window of their own
			delete(child.Context, "restrictExecutionDuringTimeWindow")
			delete(child.Context, "restrictedExecutionWindow")
		}
		w.steps = append(w.steps, "["+c.Name+"]")
		if status := w.run(&child); status == gennaker.Running || status.Halt() || status == gennaker.FailedContinue {
			return status
		}
	}
	status := gennaker.Succeeded
	for i := 0; i < len(p.Steps); i++ {
		w.steps = append(w.steps, p.Steps[i].Name)
		var again bool
		if status, again = w.step(s, p.Steps[i], len(w.steps)); again {
			i = slices.IndexFunc(p.Steps, func(s stage.Step) bool { return s.LoopStart }) - 1
			continue
		}
		if !status.Continues() {
			break
		}
	}
	return policy(s.Context, status)
}

// policy is what the configuration makes of a failure.
//
// Source: execution model, section 5, failureStatus.
func policy(context map[string]any, status gennaker.Status) gennaker.Status {
	if status != gennaker.Terminal {
		return status
	}
	if context["continuePipeline"] == true {
		return gennaker.FailedContinue
	}
	if v, ok := context["failPipeline"]; ok && v != true {
		return gennaker.Stopped
	}
	return status
}

// step runs a step to its end, or as far as the script goes.
func (w *world) step(s *gennaker.Stage, step stage.Step, round int) (_ gennaker.Status, loop bool) {
	began := w.now
	for {
		in := w.input(*s)
		in.Task, in.TaskStart, in.Key = step.Name, began, fmt.Sprintf("parent/%s/%s/%d", s.ID, step.Name, round)
		o, err := step.Task.Run(w.t.Context(), in)
		again, err2 := step.Task.Run(w.t.Context(), in)
		if diff := cmp.Diff(look(o, err, w.now), look(again, err2, w.now)); diff != "" {
			w.t.Errorf("%s, done again (-first +second):\n%s", step.Name, diff)
		}
		if err != nil {
			w.reason = err.Error()
			return gennaker.Terminal, false
		}
		s.Context = w.stored(merged(s.Context, o.Context()))
		s.Outputs = w.stored(merged(s.Outputs, o.Outputs()))
		if reason, _, _ := o.Reason(); reason != "" {
			w.reason = reason
		}
		if o.Final() {
			return o.Status(), o.Status() == gennaker.Redirect
		}
		if due := o.Due(w.now); !due.IsZero() {
			w.due = append(w.due, due.UTC().Format(time.RFC3339Nano))
		}
		w.due = append(w.due, o.Topics()...)
		if !w.happens(s, o.Due(w.now)) {
			if c, ok := step.Task.(stage.Canceler); ok {
				if _, err := c.Cancel(w.t.Context(), in); err != nil {
					w.t.Error(err)
				}
			}
			return gennaker.Running, false
		}
	}
}

// happens plays the next part of the script, if there is one.
func (w *world) happens(s *gennaker.Stage, due time.Time) bool {
	if len(w.vector.Script) == 0 {
		return false
	}
	h := w.vector.Script[0]
	w.vector.Script = w.vector.Script[1:]
	switch {
	case h.Set != nil:
		s.Context = merged(s.Context, h.Set)
		s.LastModified = &gennaker.LastModified{User: h.By}
	case h.Child != nil:
		for id, x := range w.children {
			if status, ok := h.Child[x.Name]; ok {
				x.Status = status
				w.children[id] = x
			}
		}
		for id, x := range w.vector.Children {
			if status, ok := h.Child[id]; ok {
				x.Status = status
				w.vector.Children[id] = x
			}
		}
	case due.IsZero():
		w.t.Fatal("the stage waits for an event, but time is to pass")
	default:
		w.now = due
	}
	return true
}

func merged(into, values map[string]any) map[string]any {
	out := maps.Clone(into)
	if out == nil {
		out = map[string]any{}
	}
	maps.Copy(out, values)
	return out
}

// look is everything that an outcome says.
func look(o stage.Outcome, err error, now time.Time) map[string]any {
	reason, hint, details := o.Reason()
	return map[string]any{
		"error": fmt.Sprint(err), "status": o.Status(), "due": o.Due(now), "topics": fmt.Sprint(o.Topics()),
		"context": o.Context(), "outputs": o.Outputs(), "reason": reason, "hint": hint, "details": details,
	}
}

func TestVectors(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var all []vector
		dec := json.NewDecoder(strings.NewReader(string(text)))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&all); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		kind := strings.TrimSuffix(filepath.Base(file), ".json")
		for _, v := range all {
			t.Run(kind+"/"+v.Name, func(t *testing.T) {
				t.Parallel()
				v.play(t)
			})
		}
	}
}

// bindStep stands for the step that binds artifacts.
func bindStep() stage.Step {
	return stage.Step{Name: "bindProducedArtifacts", Task: stage.TaskFunc(func(context.Context, stage.Input) (stage.Outcome, error) { return stage.Done(), nil })}
}

func (v vector) play(t *testing.T) {
	w := &world{t: t, vector: v, now: v.Now, children: map[string]gennaker.Execution{}, registry: &stage.Registry{}}
	if w.now.IsZero() {
		w.now = start
	}
	control.Register(w.registry, control.Config{Pipelines: w, Clusters: w, BindProduced: bindStep()})
	s := &gennaker.Stage{Type: fmt.Sprint(v.Stage["type"]), Context: maps.Clone(v.Stage)}
	s.Name, _ = v.Stage["name"].(string)
	delete(s.Context, "type")
	delete(s.Context, "name")
	status := w.run(s)
	for len(w.vector.Script) > 0 && w.vector.Script[0].Again {
		w.vector.Script = w.vector.Script[1:]
		d, err := w.registry.Find(s.Type)
		if err != nil {
			t.Fatal(err)
		}
		if d.Restart != nil {
			d.Restart(s.Context)
		}
		w.reason, w.steps, s.Outputs = "", nil, nil
		status = w.run(s)
	}
	if len(w.vector.Script) > 0 {
		t.Errorf("the stage ended before all of the script happened: %d left", len(w.vector.Script))
	}
	got := wanted{Status: status, Reason: w.reason, Context: map[string]any{}, Outputs: v.Want.Outputs, Steps: v.Want.Steps, Due: w.due, Started: w.started, Canceled: v.Want.Canceled}
	for key := range v.Want.Context {
		if val, ok := s.Context[key]; ok {
			got.Context[key] = val
		}
	}
	if v.Want.Context == nil {
		got.Context = nil
	}
	if v.Want.Outputs != nil {
		got.Outputs = s.Outputs
	}
	if v.Want.Steps != "" {
		got.Steps = strings.Join(w.steps, " ")
	}
	if v.Want.Canceled != nil {
		got.Canceled = w.canceled
	}
	if diff := cmp.Diff(v.Want, got); diff != "" {
		t.Errorf("%s\n(-want +got):\n%s", v.Source, diff)
	}
}
