package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/apitest"
	"github.com/gennaker/gennaker/internal/api/document"
	"github.com/gennaker/gennaker/internal/api/execution"
	"github.com/gennaker/gennaker/internal/api/fleet"
	"github.com/gennaker/gennaker/internal/api/meta"
	"github.com/gennaker/gennaker/internal/event"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/lint"
	"github.com/gennaker/gennaker/internal/provider"
)

// world is everything behind the API, in memory, and a record of what the API
// did to it.
type world struct {
	mu         sync.Mutex
	apps       []gennaker.Application
	pipelines  []gennaker.Pipeline
	executions []gennaker.Execution
	groups     []gennaker.ServerGroup
	balancers  []gennaker.LoadBalancer
	revisions  []gennaker.Revision
	log        string                                             // what Logs returns
	openLog    io.Reader                                          // what Logs goes on with when it follows
	fail       error                                              // what every call returns, if set
	refuse     error                                              // what every change returns, if set
	list       func(gennaker.ExecutionQuery) []gennaker.Execution // instead of executions, if set
	did        []string                                           // each change, one line
	queries    []gennaker.ExecutionQuery
	trigger    gennaker.Trigger
	events     event.Log

	operations []execution.Operation
	task       func() gennaker.Execution // the execution of the last operation; nil is one that succeeded
	prod       *cluster
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{log: "hello\n"}
	w.prod = &cluster{w: w, state: gennaker.AccountState{Connected: true}}
	w.apps = []gennaker.Application{{Name: "Demo", Email: "a@example.com", Attrs: map[string]any{"name": "Demo", "email": "a@example.com"}}}
	w.addPipeline(t, `{"id":"p1","application":"demo","name":"deploy it","index":5,"parameterConfig":[{"name":"tag","required":true},{"name":"where","required":true,"default":"here"}],"stages":[{"type":"wait","refId":"1","waitTime":1}],"extra":{"kept":1.50}}`)
	w.addPipeline(t, `{"id":"p2","application":"demo","name":"a/b","updateTs":"5","stages":[]}`)
	w.addPipeline(t, `{"id":"st1","application":"demo","name":"slowly","updateTs":"5","strategy":true}`)
	start := gennaker.At(time.Now().Add(-time.Hour))
	w.executions = []gennaker.Execution{
		{Type: gennaker.TypePipeline, ID: "01E2", Application: "demo", PipelineConfigID: "p1", Name: "deploy it", Status: gennaker.Running, BuildTime: start, StartTime: start, Stages: []gennaker.Stage{
			{ID: "01S1", RefID: "1", Type: "wait", Name: "wait", Status: gennaker.Running, Context: map[string]any{"waitTime": 1, "group": "g"}, Tasks: []gennaker.Task{{ID: "1", Name: "wait", Status: gennaker.Running}}},
		}},
		{Type: gennaker.TypeOrchestration, ID: "01T1", Application: "demo", Description: "Create Application: demo", Status: gennaker.Succeeded, Stages: []gennaker.Stage{
			{ID: "01S2", RefID: "0", Type: "createApplication", Context: map[string]any{"a": "x", "b": ""}, Tasks: []gennaker.Task{{ID: "1", Name: "create"}}},
			{ID: "01S3", RefID: "1", Type: "createApplication", Context: map[string]any{"a": "", "b": "y"}},
		}},
	}
	w.groups = []gennaker.ServerGroup{
		group("demo-prod-v001", 2, "front"), group("demo-prod-v000", 1, "front"), group("demo-test-v000", 3, "other"), group("shop-v000", 4, "front"),
	}
	w.balancers = []gennaker.LoadBalancer{
		{Name: "front", Account: "local", Region: "local", Application: "shop", Traffic: gennaker.Traffic{Requests: 7}, ServerGroups: []gennaker.LoadBalancerServerGroup{{Name: "demo-prod-v001", Region: "local"}}},
		{Name: "alone", Account: "local", Region: "local", Application: "shop"},
	}
	w.revisions = []gennaker.Revision{{Number: 1, Author: "ann", At: gennaker.Millis(5), Document: json.RawMessage(`{"name":"Demo"}`)}}
	return w
}

func group(name string, at int64, lb string) gennaker.ServerGroup {
	m := gennaker.ParseServerGroupName(name)
	return gennaker.ServerGroup{
		Name: name, Account: "local", Region: "local", CloudProvider: "local", Moniker: m, Cluster: m.Cluster,
		CreatedTime: gennaker.Millis(at), LoadBalancers: []string{lb}, LaunchConfig: &gennaker.ServerGroupSpec{Application: m.App},
	}
}

func (w *world) addPipeline(t testing.TB, text string) {
	t.Helper()
	p, err := gennaker.ParsePipeline([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	w.pipelines = append(w.pipelines, p)
}

// change records what the API did, and returns what every call returns.
func (w *world) change(format string, args ...any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse != nil {
		return w.refuse
	}
	if w.fail == nil {
		w.did = append(w.did, fmt.Sprintf(format, args...))
	}
	return w.fail
}

func (w *world) changes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.did)
}

// act is change for something done to an execution, which must exist.
func (w *world) act(id, format string, args ...any) error {
	if _, err := w.Execution(context.Background(), id); err != nil {
		return err
	}
	return w.change(format, append([]any{id}, args...)...)
}

func (w *world) Cancel(_ context.Context, id, user, reason string) error {
	return w.act(id, "cancel %s by %s: %s", user, reason)
}
func (w *world) Pause(_ context.Context, id, user string) error {
	return w.act(id, "pause %s by %s", user)
}
func (w *world) Resume(_ context.Context, id, user string) error {
	return w.act(id, "resume %s by %s", user)
}
func (w *world) Restart(_ context.Context, id, stage, user string, values map[string]map[string]any) error {
	if len(values) > 0 {
		return w.act(id, "restart %[2]s of %[1]s by %[3]s with %[4]v", stage, user, values)
	}
	return w.act(id, "restart %[2]s of %[1]s by %[3]s", stage, user)
}
func (w *world) Patch(_ context.Context, id, stage, user string, values map[string]any) error {
	return w.act(id, "patch %[2]s of %[1]s by %[3]s: %[4]v", stage, user, values)
}
func (w *world) Delete(_ context.Context, id string) error { return w.act(id, "delete execution %s") }

func (w *world) StartPipeline(_ context.Context, app, name string, tr gennaker.Trigger, id string) (string, error) {
	w.trigger = tr
	if id == "" {
		id = "01NEW"
	}
	return id, w.change("start %s of %s as %s by %s", name, app, id, tr.User)
}

func (w *world) Start(ctx context.Context, p gennaker.Pipeline, tr gennaker.Trigger, id string) (string, error) {
	return w.StartPipeline(ctx, p.Application, p.Name, tr, id)
}

func (w *world) Preview(_ context.Context, p gennaker.Pipeline, tr gennaker.Trigger) (map[string]any, error) {
	return map[string]any{"name": p.Name, "document": p.Doc.Value, "trigger": tr}, w.fail
}

func (w *world) StartTask(_ context.Context, op execution.Operation, user string) (string, error) {
	w.mu.Lock()
	w.operations = append(w.operations, op)
	w.mu.Unlock()
	return "01TASK", w.change("task of %s by %s: %s %v", op.Application, user, op.Description, op.Jobs)
}

var errNone = gennaker.Errorf(gennaker.NotFound, "no such thing")

func (w *world) Execution(_ context.Context, id string) (gennaker.Execution, error) {
	if id == "01TASK" && len(w.operations) > 0 {
		return w.lastTask(), w.fail
	}
	for _, e := range w.executions {
		if e.ID == id {
			return e, w.fail
		}
	}
	return gennaker.Execution{}, errNone
}

// Executions answers all executions of the type that are behind the one they are
// to be; which it was asked for is in queries.
func (w *world) Executions(_ context.Context, q gennaker.ExecutionQuery) ([]gennaker.Execution, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queries = append(w.queries, q)
	if w.list != nil {
		return w.list(q), w.fail
	}
	var out []gennaker.Execution
	behind := q.Before == ""
	for _, e := range w.executions {
		if e.Type == q.Type && behind && (len(q.IDs) == 0 || slices.Contains(q.IDs, e.ID)) {
			out = append(out, e)
		}
		behind = behind || e.ID == q.Before
	}
	if !behind {
		return nil, errNone
	}
	return out, w.fail
}

func (w *world) Applications(context.Context) ([]gennaker.Application, error) { return w.apps, w.fail }
func (w *world) Application(_ context.Context, name string) (gennaker.Application, error) {
	for _, a := range w.apps {
		if strings.EqualFold(a.Name, name) {
			return a, w.fail
		}
	}
	return gennaker.Application{}, errNone
}
func (w *world) ApplicationHistory(context.Context, string, int) ([]gennaker.Revision, error) {
	return w.revisions, w.fail
}
func (w *world) Pipelines(_ context.Context, app string) ([]gennaker.Pipeline, error) {
	return w.pipelines, w.fail
}
func (w *world) Pipeline(_ context.Context, app, name string) (gennaker.Pipeline, error) {
	for _, p := range w.pipelines {
		if p.Name == name || p.ID == name {
			return p, w.fail
		}
	}
	return gennaker.Pipeline{}, errNone
}
func (w *world) SavePipeline(_ context.Context, p gennaker.Pipeline, user string, stale bool) (gennaker.Pipeline, error) {
	return p, w.change("save %s/%s (%s) by %s, stale check %t", p.Application, p.Name, p.ID, user, stale)
}
func (w *world) ReplacePipeline(ctx context.Context, p gennaker.Pipeline, user, updateTs string) (gennaker.Pipeline, error) {
	if _, err := w.Pipeline(ctx, p.Application, p.ID); err != nil {
		return p, gennaker.Errorf(gennaker.Conflict, "there is no %s", p.ID)
	}
	if updateTs != "" && updateTs != "5" {
		return p, gennaker.Errorf(gennaker.Conflict, "The submitted pipeline is stale.")
	}
	return p, w.change("replace %s/%s (%s, %s) by %s", p.Application, p.Name, p.ID, updateTs, user)
}
func (w *world) DeletePipeline(ctx context.Context, app, name, user string) error {
	if _, err := w.Pipeline(ctx, app, name); err != nil {
		return err
	}
	return w.change("delete %s/%s by %s", app, name, user)
}
func (w *world) PipelineHistory(context.Context, string, int) ([]gennaker.Revision, error) {
	return w.revisions, w.fail
}

// guards refuse what leaves nothing in service, if the world refuses anything.
type guards struct{ w *world }

func (g guards) Check(_ context.Context, groups []gennaker.ServerGroup, loss map[string]int) error {
	left := 0
	for _, s := range groups {
		left += s.InstanceCounts.Up - loss[s.Name]
	}
	if left > 0 {
		return nil
	}
	return g.w.refuse
}

// demonstration is the demo of a world.
type demonstration struct{ w *world }

func (d demonstration) Status() gennaker.DemoStatus {
	return gennaker.DemoStatus{State: gennaker.DemoRunning, Rate: 100, Sent: 7, Versions: []gennaker.DemoVersion{{Version: "v1", Reference: "/x/v1"}}}
}
func (d demonstration) Start(context.Context) (gennaker.DemoStatus, error) {
	return d.Status(), d.w.change("start the demo")
}
func (d demonstration) Stop(context.Context) (gennaker.DemoStatus, error) {
	return d.Status(), d.w.change("stop the demo")
}

func (w *world) figures(context.Context) (meta.ServerBody, error) {
	return meta.ServerBody{Version: "1.2.3", PID: 7, StartedAt: gennaker.Millis(5)}, w.fail
}

// ran are the runs of everything.
func (w *world) ran() []gennaker.Run {
	var out []gennaker.Run
	for _, e := range w.executions {
		if e.Type == gennaker.TypePipeline {
			out = append(out, gennaker.Run{ID: e.ID, Name: e.Name, Status: e.Status, BuildTime: e.BuildTime, StartTime: e.StartTime, EndTime: e.EndTime})
		}
	}
	return out
}
func (w *world) Activities(_ context.Context, applications []string, n int) ([]gennaker.Activity, error) {
	out := make([]gennaker.Activity, len(applications))
	for i, name := range applications {
		if name == "demo" {
			out[i] = gennaker.Activity{Runs: w.ran()[:min(n, len(w.ran()))], Running: 1, Waiting: 1, LastDeployment: gennaker.Millis(7)}
		}
	}
	return out, w.fail
}
func (w *world) PipelineRuns(_ context.Context, application string, ids []string, n int) (map[string][]gennaker.Run, error) {
	out := map[string][]gennaker.Run{}
	if application == "demo" && slices.Contains(ids, "p1") {
		out["p1"] = w.ran()[:min(n, len(w.ran()))]
	}
	return out, w.fail
}

// Check knows two types, and that a wait is not negative.
func (w *world) Check(stages []gennaker.StageConfig) []gennaker.Problem {
	var out []gennaker.Problem
	for i, s := range stages {
		path := fmt.Sprintf("stages[%d]", i)
		if !slices.Contains([]string{"wait", "createApplication", "resizeServerGroup"}, s.Type) {
			out = append(out, gennaker.Problem{Path: path + ".type", Message: "there is no stage type " + s.Type})
		}
		if strings.HasPrefix(fmt.Sprint(s.Context["waitTime"]), "-") {
			out = append(out, gennaker.Problem{Path: path + ".waitTime", Message: "is negative"})
		}
	}
	return out
}

// Lint finds nothing but waits of 13, each twice.
func (w *world) Accounts() []document.ArtifactAccount {
	return []document.ArtifactAccount{{Name: "embedded-artifact", Types: []string{"embedded/base64"}}}
}

func (w *world) Fetch(context.Context, map[string]any) ([]byte, error) { return []byte(`"x"`), w.fail }

func (w *world) PlanPipeline(_ context.Context, p gennaker.Pipeline, trigger gennaker.Trigger) (gennaker.Plan, error) {
	return gennaker.Plan{Application: p.Application, Name: p.Name, Parameters: map[string]any{}, Stages: []gennaker.PlannedStage{}}, w.fail
}

func (w *world) Lint(_ context.Context, text []byte) ([]lint.Warning, error) {
	doc, err := gennaker.ParseDocument(text)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(string(text), "13") {
		return nil, w.fail
	}
	p := doc.Locate([]gennaker.Problem{{Path: "stages[0].waitTime", Message: "is unlucky"}})[0]
	return []lint.Warning{
		{Problem: p, Severity: lint.Suspect, Rule: "field-value", Hint: "wait 12"},
		{Problem: p, Severity: lint.Info, Rule: "field-value", Offset: 3},
	}, w.fail
}

// Evaluate evaluates with the place in the root, as it is asked for.
func (w *world) Evaluate(ctx context.Context, at execution.Place, text string, more map[string]any) (any, expr.Summary, error) {
	if _, err := w.Execution(ctx, at.Execution); err != nil {
		return nil, expr.Summary{}, err
	}
	if at.Stage != "" && at.Stage != "01S1" {
		return nil, expr.Summary{}, gennaker.Errorf(gennaker.NotFound, "there is no stage %s in it", at.Stage)
	}
	root := map[string]any{"at": at.Stage, "after": strings.Join(at.After, "+")}
	maps.Copy(root, more)
	v, summary := expr.Evaluate(text, expr.Env{Root: root, Now: time.UnixMilli(7)})
	return v, summary, w.fail
}

func (w *world) ServerGroups(_ context.Context, app string) ([]gennaker.ServerGroup, error) {
	var out []gennaker.ServerGroup
	for _, g := range w.groups {
		if app == "" || strings.EqualFold(g.Moniker.App, app) {
			out = append(out, g)
		}
	}
	return out, w.fail
}
func (w *world) ServerGroup(_ context.Context, region, name string) (gennaker.ServerGroup, error) {
	for _, g := range w.groups {
		if g.Name == name && g.Region == region {
			return g, w.fail
		}
	}
	return gennaker.ServerGroup{}, errNone
}
func (w *world) Clusters(ctx context.Context, app string) ([]provider.Cluster, error) {
	groups, err := w.ServerGroups(ctx, app)
	return provider.Clusters(groups), err
}
func (w *world) Search(ctx context.Context, text string, types []string) ([]provider.Item, error) {
	balancers, err := w.LoadBalancers(ctx)
	return provider.Search(text, types, w.groups, balancers), err
}
func (w *world) LoadBalancers(context.Context) ([]gennaker.LoadBalancer, error) {
	return w.balancers, w.fail
}
func (w *world) Watch(ctx context.Context, _ func(provider.Change)) { <-ctx.Done() }

func (w *world) Logs(ctx context.Context, ref gennaker.ServerGroupRef, instance string, tail int64, follow bool) (io.ReadCloser, error) {
	if _, err := w.ServerGroup(ctx, ref.Region, ref.Name); err != nil {
		return nil, err
	}
	r := io.Reader(strings.NewReader(fmt.Sprintf("%s%s %d\n", w.log, instance, tail)))
	if follow {
		r = io.MultiReader(r, w.openLog)
	}
	if c, ok := w.openLog.(io.Closer); ok {
		return struct {
			io.Reader
			io.Closer
		}{r, c}, nil
	}
	return io.NopCloser(r), nil
}

// config returns a server's configuration whose everything is w.
// rooms is what the routes of a world are made of.
type rooms struct {
	fleet     fleet.Config
	document  document.Config
	execution execution.Config
	meta      meta.Config
}

func (w *world) rooms() rooms {
	log, tasks := slog.New(slog.DiscardHandler), execution.Runner{Launcher: w, History: w, Events: &w.events}
	return rooms{
		fleet.Config{Log: log, Applications: w, Activities: w, Guards: guards{w}, Projects: w, Accounts: accounts{w}, Fleet: provider.NewFleet(provider.Provider{
			Account:   gennaker.Account{Name: "local", Type: "local", CloudProvider: "local", Regions: []string{"local"}},
			Inventory: w, Logs: w, Manifests: manifests{w: w},
		}, w.prod.provider())},
		document.Config{
			Catalog: w, Runs: w, Revisions: w, Templates: w, Projects: w, CanaryConfigs: w, Notifications: w, Planner: w, Linter: w, Artifacts: w,
			Inventory: running{w}, Access: api.Loopback{}, Tasks: tasks, YAML: yaml.Marshal,
		},
		execution.Config{Runner: tasks, Executions: w, Checker: w, Expressions: w, Pipelines: w, Access: api.Loopback{}},
		meta.Config{Accounts: func() []string { return []string{"local", "prod"} }, Stages: stageTypes, Server: w.figures, Demo: demonstration{w}, Origins: []string{"https://deck.example.com"}},
	}
}

func (r rooms) config() api.Config {
	return api.Config{
		Log: r.fleet.Log, Version: "1.2.3", Metrics: func() (string, error) { return "up 1\n", nil },
		Routes: slices.Concat(fleet.Routes(r.fleet), document.Routes(r.document), execution.Routes(r.execution), meta.Routes(r.meta)),
	}
}

func (w *world) config() api.Config { return w.rooms().config() }

// call sends a request from this machine to s.
func call(s http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost:8084"+target, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:1234"
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	out := httptest.NewRecorder()
	s.ServeHTTP(out, r)
	return out
}

// conforming calls s, and fails the test for an answer that is not as described.
func conforming(t *testing.T, s http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	var out *httptest.ResponseRecorder
	transport := apitest.Transport(t, answered(func(*http.Request) *http.Response {
		out = call(s, method, target, body, header...)
		return out.Result()
	}))
	res, err := transport.RoundTrip(httptest.NewRequest(method, "http://localhost:8084"+target, nil))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return out
}

type answered func(*http.Request) *http.Response

func (f answered) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// failure reads the body of an error and checks what every one must hold.
func failure(t *testing.T, res *httptest.ResponseRecorder, status int) api.ErrorBody {
	t.Helper()
	var b api.ErrorBody
	if err := json.Unmarshal(res.Body.Bytes(), &b); err != nil {
		t.Fatalf("status %d, body %q: %v", res.Code, res.Body, err)
	}
	if res.Code != status || b.Status != status || b.Error != http.StatusText(status) || b.Message == "" || b.Timestamp.IsZero() {
		t.Fatalf("got status %d, body %s, want status %d everywhere and a message", res.Code, res.Body, status)
	}
	if got := res.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("content type of an error is %q", got)
	}
	return b
}
