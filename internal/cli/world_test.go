package cli_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gennaker/gennaker"
)

// world is a server in memory that answers as the HTTP contract says. It has no
// clock and does nothing by itself: an execution makes its next step after it
// was read, so whoever follows it sees every step.
type world struct {
	mu          sync.Mutex
	now         time.Time
	apps        map[string]map[string]any
	pipelines   []map[string]any
	runs        []*run
	groups      []gennaker.ServerGroup
	balancers   []gennaker.LoadBalancer
	subscribers map[chan gennaker.Event]string
	templates   map[string]map[string]any // by ID or ID:tag
	projects    []map[string]any
	canaries    []map[string]any
	tasks       int
	pipes       int
}

// run is an execution and the steps that it has yet to make.
type run struct {
	gennaker.Execution
	steps []func()
	after func() error // what a task does when it succeeded
}

func newWorld() *world {
	w := &world{
		now:         time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		apps:        map[string]map[string]any{"shop": {"name": "shop", "email": "shop@example.com", "cloudProviders": "local"}},
		subscribers: map[chan gennaker.Event]string{},
		templates:   map[string]map[string]any{},
	}
	w.pipelines = []map[string]any{
		pipelineDoc("p1", "Deploy to prod", map[string]any{"type": "wait", "refId": "1", "name": "Warm up"},
			map[string]any{"type": "deploy", "refId": "2", "name": "Deploy", "requisiteStageRefIds": []any{"1"}}),
		pipelineDoc("p2", "Broken", map[string]any{"type": "fail", "refId": "1", "name": "Fetch"}),
		pipelineDoc("p3", "Ask", map[string]any{"type": "manualJudgment", "refId": "1", "name": "Go live?"}),
	}
	w.pipes = len(w.pipelines)
	for i, disabled := range []bool{true, false} {
		w.groups = append(w.groups, gennaker.ServerGroup{
			Name: gennaker.ServerGroupName("shop-prod", i), Account: "local", Region: "local", CloudProvider: "local",
			Moniker: gennaker.Moniker{App: "shop", Stack: "prod", Cluster: "shop-prod", Sequence: new(i)}, Cluster: "shop-prod",
			CreatedTime: gennaker.At(w.now), Disabled: disabled, Capacity: gennaker.Capacity{Min: 2, Max: 2, Desired: 2},
			Instances: []gennaker.Instance{
				{Name: fmt.Sprintf("shop-prod-v%03d-1", i), HealthState: gennaker.Up, Address: "127.0.0.1:9001", LaunchTime: gennaker.At(w.now)},
				{Name: fmt.Sprintf("shop-prod-v%03d-2", i), HealthState: gennaker.Down, Restarts: 3, Reason: "it exited with code 1"},
			},
			InstanceCounts: gennaker.InstanceCounts{Total: 2, Up: 1, Down: 1}, LoadBalancers: []string{"shop"},
			Traffic: gennaker.Traffic{Requests: int64(100 * i)},
		})
	}
	w.balancers = []gennaker.LoadBalancer{{
		Name: "shop", Account: "local", Region: "local", CloudProvider: "local", Application: "shop", Listen: "127.0.0.1:8080",
		ServerGroups: []gennaker.LoadBalancerServerGroup{{
			Name: "shop-prod-v001", Account: "local", Region: "local", Weight: 100, InService: 1,
			Traffic: gennaker.Traffic{Requests: 100, Errors: 1, LatencyMS: 2.5},
		}},
		Traffic: gennaker.Traffic{Requests: 100, Errors: 1},
	}}
	return w
}

func pipelineDoc(id, name string, stages ...any) map[string]any {
	return map[string]any{
		"id": id, "application": "shop", "name": name, "stages": stages,
		"updateTs": "1767323045000", "lastModifiedBy": "ann", "ours": "kept",
	}
}

func (w *world) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]func(*http.Request) (any, error){
		"GET /version":                                        func(*http.Request) (any, error) { return map[string]any{"version": "9.9"}, nil },
		"GET /applications":                                   w.listApplications,
		"GET /applications/{app}":                             w.getApplication,
		"GET /applications/{app}/history":                     w.applicationHistory,
		"GET /applications/{app}/pipelineConfigs":             w.listPipelines,
		"GET /applications/{app}/pipelineConfigs/{name}":      w.getPipeline,
		"POST /pipelines":                                     w.savePipeline,
		"DELETE /pipelines/{app}/{name}":                      w.deletePipeline,
		"POST /pipelines/{app}/{name}":                        w.startPipeline,
		"GET /pipelines/{id}":                                 w.getExecution,
		"DELETE /pipelines/{id}":                              w.deleteExecution,
		"PUT /pipelines/{id}/{verb}":                          w.steer,
		"PATCH /pipelines/{id}/stages/{stage}":                w.patchStage,
		"PUT /pipelines/{id}/stages/{stage}/restart":          w.restartStage,
		"POST /api/v1/pipelines/lint":                         w.lint,
		"GET /api/v1/expressions":                             w.language,
		"POST /pipelines/{id}/evaluateExpression":             w.evaluate,
		"GET /pipelines/{id}/{stage}/evaluateExpression":      w.evaluate,
		"GET /executions":                                     w.listExecutions,
		"GET /applications/{app}/pipelines":                   w.listExecutions,
		"POST /tasks":                                         w.startTask,
		"GET /tasks/{id}":                                     w.getTask,
		"GET /applications/{app}/serverGroups":                w.listGroups,
		"GET /applications/{app}/serverGroups/{a}/{r}/{name}": w.getGroup,
		"GET /applications/{app}/loadBalancers":               w.listBalancers,
		"GET /api/v1/load-balancers":                          w.listBalancers,
	} {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) { w.answer(rw, r, h) })
	}
	w.handleTemplates(mux)
	w.handleClusters(mux)
	w.handleDocuments(mux)
	mux.HandleFunc("GET /api/v1/events", w.events)
	mux.HandleFunc("GET /api/v1/server-groups/{a}/{r}/{name}/logs", w.logs)
	return mux
}

func (w *world) answer(rw http.ResponseWriter, r *http.Request, h func(*http.Request) (any, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v, err := h(r)
	rw.Header().Set("Content-Type", "application/json")
	if err != nil {
		e, _ := errors.AsType[*gennaker.Error](err)
		status := map[gennaker.Kind]int{gennaker.Invalid: 400, gennaker.NotFound: 404, gennaker.Conflict: 409}[e.Kind]
		rw.WriteHeader(status)
		v = map[string]any{
			"timestamp": 1, "status": status, "error": http.StatusText(status), "message": e.Message, "hint": e.Hint, "problems": e.Problems,
		}
	}
	if m, ok := v.(map[string]any); ok && m["ref"] != nil && r.URL.Path != "/tasks" {
		rw.WriteHeader(http.StatusAccepted)
	}
	if v != nil {
		_ = json.NewEncoder(rw).Encode(v)
	}
}

func (w *world) tick() gennaker.Time {
	w.now = w.now.Add(time.Second)
	return gennaker.At(w.now)
}

func (w *world) app(r *http.Request) (map[string]any, error) {
	a := w.apps[strings.ToLower(r.PathValue("app"))]
	if a == nil {
		return nil, gennaker.Errorf(gennaker.NotFound, "Application not found (id: %s)", r.PathValue("app"))
	}
	return a, nil
}

func (w *world) listApplications(*http.Request) (any, error) {
	out := []any{}
	for _, name := range slices.Sorted(maps.Keys(w.apps)) {
		out = append(out, w.apps[name])
	}
	return out, nil
}

func (w *world) getApplication(r *http.Request) (any, error) {
	a, err := w.app(r)
	if err != nil {
		return nil, err
	}
	clusters := map[string]any{}
	for _, g := range w.groups {
		if g.Moniker.App == a["name"] {
			clusters[g.Account] = []any{map[string]any{"name": g.Cluster, "provider": g.CloudProvider}}
		}
	}
	return map[string]any{"name": a["name"], "attributes": a, "clusters": clusters}, nil
}

func (w *world) applicationHistory(r *http.Request) (any, error) {
	a, err := w.app(r)
	if err != nil {
		return nil, err
	}
	a = maps.Clone(a)
	a["lastModifiedBy"], a["updateTs"] = "ann", "1767323045000"
	return []any{a}, nil
}

func (w *world) listPipelines(r *http.Request) (any, error) {
	if _, err := w.app(r); err != nil {
		return nil, err
	}
	out := []any{}
	for _, p := range w.pipelines {
		if p["application"] == r.PathValue("app") {
			out = append(out, p)
		}
	}
	return out, nil
}

func (w *world) pipeline(app, name string) int {
	for _, key := range []string{"name", "id"} {
		for i, p := range w.pipelines {
			if p["application"] == app && p[key] == name {
				return i
			}
		}
	}
	return -1
}

func (w *world) getPipeline(r *http.Request) (any, error) {
	i := w.pipeline(r.PathValue("app"), r.PathValue("name"))
	if i < 0 {
		return nil, gennaker.Errorf(gennaker.NotFound, "Pipeline configuration not found (nameOrId: %s)", r.PathValue("name"))
	}
	return w.pipelines[i], nil
}

func (w *world) savePipeline(r *http.Request) (any, error) {
	text, _ := io.ReadAll(r.Body)
	p, err := gennaker.ParsePipeline(text)
	if err != nil {
		return nil, err
	}
	for i, s := range p.Stages {
		if !slices.Contains([]string{"wait", "deploy", "fail", "manualJudgment"}, s.Type) {
			return nil, p.Doc.Invalid([]gennaker.Problem{{
				Path: fmt.Sprintf("stages[%d].type", i), Message: fmt.Sprintf("there is no stage type %q", s.Type),
			}})
		}
	}
	if all := found(text); r.FormValue("strict") == "true" && len(all) > 0 {
		return nil, p.Doc.Invalid([]gennaker.Problem{{Path: "stages[0].comments", Message: "is wrong"}})
	}
	var doc map[string]any
	_ = json.Unmarshal(text, &doc)
	i := w.pipeline(p.Application, p.Name)
	switch {
	case i >= 0 && w.pipelines[i]["id"] != doc["id"]:
		return nil, gennaker.Errorf(gennaker.Conflict, "A pipeline with name %s already exists in application %s", p.Name, p.Application)
	case i >= 0:
		w.pipelines[i] = doc
	default:
		w.pipes++
		doc["id"] = fmt.Sprintf("p%d", w.pipes)
		w.pipelines = append(w.pipelines, doc)
	}
	if all := found(text); len(all) > 0 {
		return map[string]any{"warnings": all}, nil
	}
	return nil, nil
}

// found returns a warning for each comment of a stage that says what to find:
// its severity, and the text to point at.
func found(text []byte) []any {
	p, _ := gennaker.ParsePipeline(text)
	out := []any{}
	for i, s := range p.Stages {
		comment, _ := s.Context["comments"].(string)
		severity, rest, _ := strings.Cut(comment, " ")
		if !slices.Contains([]string{"error", "warning", "info"}, severity) {
			continue
		}
		offset := max(strings.Index(comment, "${"), 0)
		path := fmt.Sprintf("stages[%d].comments", i)
		line, column := p.Doc.Within(path, offset)
		out = append(out, map[string]any{
			"path": path, "line": line, "column": column, "offset": offset, "severity": severity, "rule": "some-rule",
			"message": strings.Fields(rest)[0] + " is wrong", "hint": "write another",
		})
	}
	return out
}

func (w *world) lint(r *http.Request) (any, error) {
	text, _ := io.ReadAll(r.Body)
	if _, err := gennaker.ParseDocument(text); err != nil {
		return nil, err
	}
	all := found(text)
	for _, f := range all {
		if f := f.(map[string]any); r.FormValue("strict") == "true" && f["severity"] == "warning" {
			f["severity"] = "error"
		}
	}
	return map[string]any{"warnings": all}, nil
}

func (w *world) language(*http.Request) (any, error) {
	return map[string]any{
		"functions": []any{
			map[string]any{"name": "deployedServerGroups", "min": 0, "max": -1},
			map[string]any{"name": "stage", "min": 1, "max": 1},
			map[string]any{"name": "ours", "min": 1, "max": 2},
		},
		"types": []any{"Math", "java.util.UUID"},
	}, nil
}

// evaluate knows a few expressions.
func (w *world) evaluate(r *http.Request) (any, error) {
	if _, err := w.run(r.PathValue("id")); err != nil {
		return nil, err
	}
	text := r.URL.Query().Get("expression")
	if r.Method == http.MethodPost {
		var body struct{ Expression string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		text = body.Expression
	}
	values := map[string]any{
		"${1 + 1}": 2, "<${'a'}>": "<a>", "${name}": r.PathValue("stage"), "${{'a': {1}}}": map[string]any{"a": []any{1}}, "${!true}": false,
	}
	if v, ok := values[text]; ok {
		return map[string]any{"result": v}, nil
	}
	return map[string]any{"result": text, "findings": []any{map[string]any{
		"expression": text, "offset": max(strings.Index(text, "#"), 0), "level": "ERROR", "message": "there is no such function", "hint": "write another",
	}}}, nil
}

func (w *world) deletePipeline(r *http.Request) (any, error) {
	if i := w.pipeline(r.PathValue("app"), r.PathValue("name")); i >= 0 {
		w.pipelines = slices.Delete(w.pipelines, i, i+1)
	}
	return nil, nil
}

func (w *world) listGroups(r *http.Request) (any, error) {
	if r.PathValue("app") == "web" {
		return podGroups(), nil
	}
	if _, err := w.app(r); err != nil {
		return nil, err
	}
	return w.groups, nil
}

func (w *world) group(name string) int {
	return slices.IndexFunc(w.groups, func(g gennaker.ServerGroup) bool { return g.Name == name })
}

func (w *world) getGroup(r *http.Request) (any, error) {
	for _, g := range podGroups() {
		if g.Name == r.PathValue("name") && g.Account == r.PathValue("a") && g.Region == r.PathValue("r") {
			return g, nil
		}
	}
	i := w.group(r.PathValue("name"))
	if i < 0 || r.PathValue("a") != "local" {
		return nil, gennaker.Errorf(gennaker.NotFound, "Server group not found (id: %s)", r.PathValue("name"))
	}
	return w.groups[i], nil
}

func (w *world) listBalancers(r *http.Request) (any, error) {
	if r.PathValue("app") != "" {
		if _, err := w.app(r); err != nil {
			return nil, err
		}
	}
	return w.balancers, nil
}

func (w *world) logs(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "text/plain")
	name := r.PathValue("name")
	if i := r.FormValue("instance"); i != "" {
		_, _ = fmt.Fprintf(rw, "listening\n")
	} else {
		_, _ = fmt.Fprintf(rw, "%s-1 listening\n%s-2 panic\n", name, name)
	}
	if r.FormValue("follow") == "true" {
		_ = http.NewResponseController(rw).Flush()
		<-r.Context().Done()
	}
}

func (w *world) events(rw http.ResponseWriter, r *http.Request) {
	events := make(chan gennaker.Event, 100)
	w.mu.Lock()
	w.subscribers[events] = r.FormValue("execution")
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.subscribers, events)
	}()
	rw.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(rw, "retry: 1000\n\n")
	for {
		_ = http.NewResponseController(rw).Flush()
		select {
		case <-r.Context().Done():
			return
		case e := <-events:
			data, _ := json.Marshal(e)
			_, _ = fmt.Fprintf(rw, "id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Type, data)
		}
	}
}

func (w *world) publish(id string) {
	for ch, want := range w.subscribers {
		if want == "" || want == id {
			ch <- gennaker.Event{Type: gennaker.ExecutionChanged, Execution: id}
		}
	}
}
