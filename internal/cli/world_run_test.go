package cli_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// start begins an execution of stages; each is a task called like its type.
func (w *world) start(r *run, stages []map[string]any) {
	r.BuildTime, r.Status = gennaker.At(w.now), gennaker.NotStarted
	r.Authentication = gennaker.Authentication{User: "ann"}
	for i, doc := range stages {
		name, _ := doc["name"].(string)
		typ, _ := doc["type"].(string)
		if name == "" {
			name = typ
		}
		r.Stages = append(r.Stages, gennaker.Stage{
			ID: fmt.Sprintf("%s-S%d", r.ID, i+1), RefID: fmt.Sprint(i + 1), Type: typ, Name: name, Requires: []string{},
			Status: gennaker.NotStarted, Context: doc, Outputs: map[string]any{},
			Tasks: []gennaker.Task{{ID: "1", Name: typ + "Task", Status: gennaker.NotStarted}},
		})
	}
	w.runs = append(w.runs, r)
	r.plan(w, 0)
}

// plan makes the steps from stage i on.
func (r *run) plan(w *world, i int) {
	r.steps = []func(){func() { r.Status, r.StartTime = gennaker.Running, w.tick() }}
	for ; i < len(r.Stages); i++ {
		s := &r.Stages[i]
		r.steps = append(r.steps, func() {
			s.Status, s.StartTime = gennaker.Running, w.tick()
			s.Tasks[0].Status, s.Tasks[0].StartTime = gennaker.Running, s.StartTime
		})
		if s.Type == "manualJudgment" {
			return // a judgment plans the rest
		}
		r.steps = append(r.steps, func() {
			switch s.Type {
			case "fail":
				w.finish(r, s, gennaker.Terminal, "the artifact is missing", "build it first")
			default:
				w.finish(r, s, gennaker.Succeeded, "", "")
			}
		})
		if s.Type == "fail" {
			return
		}
	}
	r.steps = append(r.steps, func() { w.end(r) })
}

// finish ends a stage; a failure ends the execution too.
func (w *world) finish(r *run, s *gennaker.Stage, status gennaker.Status, reason, hint string) {
	at := w.tick()
	s.Status, s.EndTime = status, at
	s.Tasks[0].Status, s.Tasks[0].EndTime = status, at
	if status == gennaker.Succeeded {
		return
	}
	if reason != "" {
		s.Context["exception"] = map[string]any{
			"timestamp": at, "details": map[string]any{"error": "Unexpected Task Failure", "errors": []any{reason}, "hint": hint},
		}
	}
	r.Status, r.EndTime, r.steps = status, at, nil
}

func (w *world) end(r *run) {
	at := w.tick()
	r.Status, r.EndTime = gennaker.Succeeded, at
	if r.after == nil {
		return
	}
	if err := r.after(); err != nil {
		w.finish(r, &r.Stages[0], gennaker.Terminal, err.Error(), gennaker.HintOf(err))
	}
}

// step makes the next step of r, if there is one.
func (w *world) step(r *run) {
	if len(r.steps) == 0 || r.Status == gennaker.Paused {
		return
	}
	next := r.steps[0]
	r.steps = r.steps[1:]
	next()
	w.publish(r.ID)
}

func (w *world) run(id string) (*run, error) {
	for _, r := range w.runs {
		if r.ID == id {
			return r, nil
		}
	}
	return nil, gennaker.Errorf(gennaker.NotFound, "Pipeline not found (id: %s)", id)
}

func (w *world) startPipeline(r *http.Request) (any, error) {
	i := w.pipeline(r.PathValue("app"), r.PathValue("name"))
	if i < 0 {
		return nil, gennaker.Errorf(gennaker.NotFound, "Pipeline not found (nameOrId: %s)", r.PathValue("name"))
	}
	var trigger gennaker.Trigger
	if err := json.NewDecoder(r.Body).Decode(&trigger); err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "%v", err)
	}
	if trigger.Parameters["version"] == "bad" {
		return nil, gennaker.Errorf(gennaker.Invalid, "version %q cannot be deployed", "bad").WithHint("choose another")
	}
	p := w.pipelines[i]
	name, _ := p["name"].(string)
	id, _ := p["id"].(string)
	x := &run{Execution: gennaker.Execution{
		Type: gennaker.TypePipeline, ID: fmt.Sprintf("E%d", len(w.runs)+1), Application: "shop", Name: name, PipelineConfigID: id, Trigger: trigger,
	}}
	var stages []map[string]any
	text, _ := json.Marshal(p["stages"])
	_ = json.Unmarshal(text, &stages)
	w.start(x, stages)
	return map[string]any{"ref": "/pipelines/" + x.ID}, nil
}

func (w *world) getExecution(r *http.Request) (any, error) {
	x, err := w.run(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(x.Execution)
	w.step(x)
	return json.RawMessage(text), err
}

func (w *world) deleteExecution(r *http.Request) (any, error) {
	x, err := w.run(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if !x.Status.Complete() {
		return nil, gennaker.Errorf(gennaker.Conflict, "Execution %s is %s", x.ID, x.Status).WithHint("cancel it first")
	}
	w.runs = slices.DeleteFunc(w.runs, func(r *run) bool { return r == x })
	return nil, nil
}

func (w *world) steer(r *http.Request) (any, error) {
	x, err := w.run(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	switch r.PathValue("verb") {
	case "cancel":
		x.Status, x.Canceled, x.CanceledBy, x.CancelReason = gennaker.Canceled, true, "ann", r.FormValue("reason")
		x.EndTime, x.steps = w.tick(), nil
	case "pause":
		x.Status = gennaker.Paused
	case "resume":
		x.Status = gennaker.Running
	}
	w.publish(x.ID)
	return nil, nil
}

func (w *world) stage(r *http.Request) (*run, int, error) {
	x, err := w.run(r.PathValue("id"))
	if err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(x.Stages, func(s gennaker.Stage) bool { return s.ID == r.PathValue("stage") })
	if i < 0 {
		return nil, 0, gennaker.Errorf(gennaker.NotFound, "Stage not found (id: %s)", r.PathValue("stage"))
	}
	return x, i, nil
}

func (w *world) patchStage(r *http.Request) (any, error) {
	x, i, err := w.stage(r)
	if err != nil {
		return nil, err
	}
	s := &x.Stages[i]
	if err := json.NewDecoder(r.Body).Decode(&s.Context); err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "%v", err)
	}
	if s.Context["judgmentStatus"] == "stop" {
		w.finish(x, s, gennaker.Terminal, "", "")
	} else {
		w.finish(x, s, gennaker.Succeeded, "", "")
		x.plan(w, i+1)
		x.steps = x.steps[1:] // it runs already
	}
	w.publish(x.ID)
	return x.Execution, nil
}

func (w *world) restartStage(r *http.Request) (any, error) {
	x, i, err := w.stage(r)
	if err != nil {
		return nil, err
	}
	x.Status = gennaker.Running
	for j := range x.Stages[i:] {
		x.Stages[i+j].Status, x.Stages[i+j].Tasks[0].Status = gennaker.NotStarted, gennaker.NotStarted
		delete(x.Stages[i+j].Context, "exception")
	}
	x.plan(w, i)
	return x.Execution, nil
}

func (w *world) listExecutions(r *http.Request) (any, error) {
	if r.PathValue("app") != "" {
		if _, err := w.app(r); err != nil {
			return nil, err
		}
	}
	out := []gennaker.Execution{}
	for _, x := range w.runs {
		ids, statuses := r.FormValue("pipelineConfigIds"), r.FormValue("statuses")
		if x.Type == gennaker.TypePipeline && (ids == "" || ids == x.PipelineConfigID) &&
			(statuses == "" || slices.Contains(strings.Split(statuses, ","), string(x.Status))) {
			out = append(out, x.Execution)
		}
	}
	return out, nil
}

func (w *world) startTask(r *http.Request) (any, error) {
	var op struct {
		Application, Description string
		Job                      []map[string]any
	}
	if err := json.NewDecoder(r.Body).Decode(&op); err != nil || len(op.Job) != 1 {
		return nil, gennaker.Errorf(gennaker.Invalid, "a task has one job here: %v", err)
	}
	w.tasks++
	x := &run{Execution: gennaker.Execution{
		Type: gennaker.TypeOrchestration, ID: fmt.Sprintf("T%d", w.tasks), Application: op.Application, Description: op.Description,
	}}
	x.after = func() error { return w.apply(op.Job[0]) }
	w.start(x, op.Job)
	return map[string]any{"ref": "/tasks/" + x.ID}, nil
}

// apply does what a job says.
func (w *world) apply(job map[string]any) error {
	text := func(key string) string { s, _ := job[key].(string); return s }
	app, _ := job["application"].(map[string]any)
	name, _ := app["name"].(string)
	i := w.group(text("serverGroupName"))
	switch job["type"] {
	case "createApplication", "updateApplication":
		attrs := maps.Clone(w.apps[name])
		if attrs == nil {
			attrs = map[string]any{}
		}
		maps.Copy(attrs, app)
		maps.DeleteFunc(attrs, func(_ string, v any) bool { return v == nil })
		w.apps[name] = attrs
	case "upsertProject", "deleteProject":
		return w.applyProject(job)
	case "deleteApplication":
		delete(w.apps, name)
	case "upsertLoadBalancer":
		if text("listen") == "127.0.0.1:1" {
			return gennaker.Errorf(gennaker.Conflict, "127.0.0.1:1 is taken").WithHint("choose another port")
		}
		w.balancers = append(w.balancers, gennaker.LoadBalancer{
			Name: text("name"), Account: text("account"), Region: text("region"), Application: text("application"), Listen: text("listen"),
		})
	case "deleteLoadBalancer":
		w.balancers = slices.DeleteFunc(w.balancers, func(lb gennaker.LoadBalancer) bool { return lb.Name == text("loadBalancerName") })
	case "enableServerGroup", "disableServerGroup":
		w.groups[i].Disabled = job["type"] == "disableServerGroup"
	case "destroyServerGroup":
		w.groups = slices.Delete(w.groups, i, i+1)
	case "resizeServerGroup":
		body, _ := json.Marshal(job["capacity"])
		return json.Unmarshal(body, &w.groups[i].Capacity)
	case "rollbackCluster":
		w.groups[0].Disabled, w.groups[1].Disabled = false, true
	default:
		return gennaker.Errorf(gennaker.Invalid, "there is no stage type %q", job["type"])
	}
	return nil
}

func (w *world) getTask(r *http.Request) (any, error) {
	x, err := w.run(r.PathValue("id"))
	if err != nil {
		return nil, gennaker.Errorf(gennaker.NotFound, "Task not found (id: %s)", r.PathValue("id"))
	}
	text, err := json.Marshal(map[string]any{
		"id": x.ID, "name": x.Description, "application": x.Application, "status": x.Status,
		"variables": []any{}, "steps": []any{}, "buildTime": x.BuildTime, "startTime": x.StartTime, "endTime": x.EndTime,
		"execution": x.Execution,
	})
	w.step(x)
	return json.RawMessage(text), err
}
