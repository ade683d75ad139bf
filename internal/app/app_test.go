package app_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/oklog/ulid/v2"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/app"
	"github.com/gennaker/gennaker/internal/provider/fake"
)

func TestRefusesAddresses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		listen string
		kind   gennaker.Kind
		hint   string
	}{
		"all interfaces":      {"0.0.0.0:0", gennaker.Denied, "127.0.0.1"},
		"no interface named":  {":0", gennaker.Denied, "127.0.0.1"},
		"all, version 6":      {"[::]:0", gennaker.Denied, "127.0.0.1"},
		"an address outside":  {"192.0.2.1:0", gennaker.Denied, "127.0.0.1"},
		"a name":              {"localhost.example.com:0", gennaker.Denied, "127.0.0.1"},
		"nothing like that":   {"8084", gennaker.Invalid, ""},
		"a port that is none": {"127.0.0.1:nowhere", gennaker.Conflict, "--listen"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := app.New(t.Context(), app.Config{Data: t.TempDir(), Listen: tt.listen})
			refused(t, err, tt.kind, tt.listen)
			if hint := gennaker.HintOf(err); !strings.Contains(hint, tt.hint) {
				t.Errorf("the hint is %q", hint)
			}
		})
	}
}

func TestSecondServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := app.New(t.Context(), w.config())
	refused(t, err, gennaker.Conflict, w.data)
	if hint := gennaker.HintOf(err); !strings.Contains(hint, "stop that process") {
		t.Errorf("the hint is %q", hint)
	}
	if _, err := w.Version(w.ctx); err != nil {
		t.Errorf("the first one: %v", err)
	}
}

func TestAddressInUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	addr := strings.TrimPrefix(w.URL(), "http://")
	c := app.Config{Data: t.TempDir(), Listen: addr}
	_, err := app.New(t.Context(), c)
	refused(t, err, gennaker.Conflict, addr)
	if hint := gennaker.HintOf(err); !strings.Contains(hint, "--listen") {
		t.Errorf("the hint is %q", hint)
	}
	other := &world{t: t, data: c.Data, fake: fake.New(fake.Config{}), ctx: w.ctx, http: &http.Client{}}
	other.start() // what the failure left behind does not matter
	other.end()
}

func TestExecutionsGoOnInTheNextProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("judged", nil, stage(1, "manualJudgment", nil), stage(2, "wait", object{"waitTime": 0}))
	w.save("deploys", nil, deployment("prod", "redblack"))
	judged := w.begin("judged", nil)
	w.waiting(judged, "1")
	entered, release := w.fake.Block(fake.Create)
	deployed := w.begin("deploys", nil)
	<-entered
	w.end() // while a stage waits, and a task is in the middle of its work
	release()
	w.start()
	w.ended(deployed, gennaker.Succeeded)
	if n := len(created(w)); n != 1 {
		t.Errorf("%d server groups were created", n)
	}
	w.judge(judged, "1", true)
	w.ended(judged, gennaker.Succeeded)
}

func TestOldHistoryIsDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("short", nil, stage(1, "noop", nil))
	w.save("long", nil, stage(1, "wait", object{"waitTime": 3600}))
	waits := w.begin("long", nil)
	w.waiting(waits, "1")
	var ids []string
	for range 4 {
		ids = append(ids, w.begin("short", nil))
		w.ended(ids[len(ids)-1], gennaker.Succeeded)
	}
	w.end()
	w.keep = 2
	w.start()
	for _, id := range ids[:2] {
		for {
			_, err := w.Execution(w.ctx, id)
			if gennaker.KindOf(err) == gennaker.NotFound {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, id := range append(ids[2:], waits) {
		if _, err := w.Execution(w.ctx, id); err != nil {
			t.Errorf("what is to be kept: %v", err)
		}
	}
}

// deployment returns a deploy stage for the fake account.
func deployment(stack, strategy string) object {
	return stage(1, "deploy", object{"clusters": []object{{
		"cloudProvider": "fake", "account": "fake", "region": "local", "application": "demo", "stack": stack, "strategy": strategy,
		"capacity": object{"min": 2, "max": 2, "desired": 2}, "artifact": object{"reference": "/v1"},
	}}})
}

// created returns the server groups that were created on the fake account.
func created(w *world) []string {
	var out []string
	for _, e := range w.fake.Effects() {
		if e.Op == fake.Create {
			out = append(out, e.Target)
		}
	}
	return out
}

func TestSavedPipelineDeploys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("deploy", nil, deployment("prod", "redblack"))
	for range 2 {
		w.ended(w.begin("deploy", nil), gennaker.Succeeded)
	}
	groups, err := w.ServerGroups(w.ctx, "demo")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range groups {
		got = append(got, fmt.Sprintf("%s disabled=%t up=%d", g.Name, g.Disabled, g.InstanceCounts.Up))
	}
	slices.Sort(got)
	if want := []string{"demo-prod-v000 disabled=true up=0", "demo-prod-v001 disabled=false up=2"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("greets", object{"parameterConfig": []object{
		{"name": "who", "required": true}, {"name": "how", "default": "loudly"}, {"name": "seconds", "default": "0"},
	}}, stage(1, "wait", object{"name": "Greet ${parameters.who} ${parameters.how}", "waitTime": "${parameters.seconds}", "kept": "${ #unknown }"}))
	_, err := w.StartPipeline(w.ctx, "demo", "greets", client.Start{})
	refused(t, err, gennaker.Invalid, "Required parameter who is missing")
	x := w.ended(w.begin("greets", object{"who": "Ada", "extra": "kept"}), gennaker.Succeeded)
	if got := x.Stages[0].Name; got != "Greet Ada loudly" {
		t.Errorf("the stage's name is %q", got)
	}
	if got := x.Stages[0].Context["kept"]; got != "${ #unknown }" {
		t.Errorf("what is no reference became %v", got)
	}
	if got := fmt.Sprint(x.Trigger.Parameters); got != "map[extra:kept how:loudly seconds:0 who:Ada]" {
		t.Errorf("the parameters are %s", got)
	}
}

func TestChildPipelines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("child", object{"parameterConfig": []object{{"name": "from", "default": "nobody"}}},
		stage(1, "manualJudgment", object{"name": "Asked by ${parameters.from}"}))
	w.save("parent", nil, stage(1, "pipeline", object{
		"application": "demo", "pipeline": "child", "pipelineParameters": object{"from": "the parent"},
	}))
	for want, yes := range map[gennaker.Status]bool{gennaker.Succeeded: true, gennaker.Terminal: false} {
		parent := w.begin("parent", nil)
		child, _ := w.waiting(parent, "1").Context["executionId"].(string)
		w.judge(child, "1", yes)
		x := w.ended(child, want)
		if x.Stages[0].Name != "Asked by the parent" || x.Trigger.Type != "pipeline" || x.RootID != parent {
			t.Errorf("the child is %+v", x)
		}
		if above, _ := x.Trigger.Other["parentExecution"].(object); above["id"] != parent {
			t.Errorf("the child's parent is %v", above["id"])
		}
		p := w.ended(parent, want)
		if got := fmt.Sprint(p.Stages[0].Context["exception"]); !yes && !strings.Contains(got, "judged to stop") {
			t.Errorf("the parent does not say why: %s", got)
		}
	}
	parent := w.begin("parent", nil)
	child, _ := w.waiting(parent, "1").Context["executionId"].(string)
	if err := w.CancelExecution(w.ctx, parent, "enough"); err != nil {
		t.Fatal(err)
	}
	w.ended(parent, gennaker.Canceled)
	w.ended(child, gennaker.Canceled)
}

func TestApplications(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.task(gennaker.Succeeded, object{"type": "createApplication", "application": object{"name": "demo", "email": "a@example.com", "owner": "x"}})
	w.task(gennaker.Succeeded, object{"type": "updateApplication", "application": object{"name": "demo", "email": "b@example.com", "owner": nil}})
	_, got := w.call(http.MethodGet, "/applications/demo", object{})
	attrs, _ := got["attributes"].(object)
	if _, there := attrs["owner"]; attrs["email"] != "b@example.com" || there {
		t.Errorf("the application is %v", got)
	}
	w.save("deploy", nil, deployment("prod", "none"))
	w.ended(w.begin("deploy", nil), gennaker.Succeeded)
	gone := object{"type": "deleteApplication", "application": object{"name": "demo"}}
	w.task(gennaker.Terminal, gone) // there is a server group
	w.task(gennaker.Succeeded, object{"type": "destroyServerGroup", "credentials": "fake", "region": "local", "serverGroupName": "demo-prod-v000"})
	w.task(gennaker.Succeeded, gone)
	if _, err := w.Pipeline(w.ctx, "demo", "deploy"); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("a pipeline of a deleted application: %v", err)
	}
	if status, answer := w.call(http.MethodPost, "/tasks", object{"application": "demo", "job": []object{{"type": "nonsense"}}}); status != http.StatusBadRequest {
		t.Errorf("a job of no type got %d %v", status, answer)
	}
}

func TestCancelPauseResumeRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("two", nil, stage(1, "manualJudgment", nil), stage(2, "manualJudgment", nil))
	id := w.begin("two", nil)
	w.waiting(id, "1")
	refused(t, w.ResumeExecution(w.ctx, id), gennaker.Conflict, "not PAUSED")
	if err := w.PauseExecution(w.ctx, id); err != nil {
		t.Fatal(err)
	}
	if x := w.until(id, "paused", func(x gennaker.Execution) bool { return x.Status == gennaker.Paused }); x.Paused == nil {
		t.Error("it is not said who paused it")
	}
	if err := w.ResumeExecution(w.ctx, id); err != nil {
		t.Fatal(err)
	}
	w.judge(id, "1", false)
	failed := w.ended(id, gennaker.Terminal)
	if _, err := w.RestartStage(w.ctx, id, failed.Stages[0].ID); err != nil {
		t.Fatal(err)
	}
	w.judge(id, "1", true)
	w.waiting(id, "2")
	_, err := w.RestartStage(w.ctx, id, failed.Stages[0].ID)
	refused(t, err, gennaker.Conflict, "cannot be restarted")
	for range 2 { // the second is nothing
		if err := w.CancelExecution(w.ctx, id, "enough"); err != nil {
			t.Fatal(err)
		}
	}
	if x := w.ended(id, gennaker.Canceled); x.CancelReason != "enough" || x.CanceledBy == "" {
		t.Errorf("canceled by %q because %q", x.CanceledBy, x.CancelReason)
	}
	refused(t, w.PauseExecution(w.ctx, id), gennaker.Conflict, "CANCELED")
	refused(t, w.CancelExecution(w.ctx, ulid.Make().String(), ""), gennaker.NotFound, "not found")
}

// status waits until an execution has a status.
func (w *world) status(id string, want gennaker.Status) {
	w.t.Helper()
	w.until(id, string(want), func(x gennaker.Execution) bool { return x.Status == want })
}

func TestLimits(t *testing.T) {
	t.Parallel()
	const begun, queued, superseded = gennaker.Running, gennaker.NotStarted, gennaker.Canceled
	tests := map[string]struct {
		limits object
		want   []gennaker.Status // of executions that are started one behind the other
		next   []gennaker.Status // of them, when the first one has ended
	}{
		"one at a time, the newest waits": {
			object{"limitConcurrent": true}, []gennaker.Status{begun, queued, queued}, []gennaker.Status{gennaker.Succeeded, superseded, begun},
		},
		"one at a time, all wait": {
			object{"limitConcurrent": true, "keepWaitingPipelines": true},
			[]gennaker.Status{begun, queued, queued}, []gennaker.Status{gennaker.Succeeded, begun, queued},
		},
		"two at a time": {
			object{"maxConcurrentExecutions": 2, "keepWaitingPipelines": true},
			[]gennaker.Status{begun, begun, queued}, []gennaker.Status{gennaker.Succeeded, begun, begun},
		},
		"without limits": {object{}, []gennaker.Status{begun, begun, begun}, []gennaker.Status{gennaker.Succeeded, begun, begun}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.save("limited", tt.limits, stage(1, "manualJudgment", nil))
			var ids []string
			for _, want := range tt.want {
				id := w.begin("limited", nil)
				w.status(id, want)
				ids = append(ids, id)
			}
			w.judge(ids[0], "1", true)
			for i, want := range tt.next {
				w.status(ids[i], want)
			}
		})
	}
}

func TestDisabledPipeline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("off", object{"disabled": true}, stage(1, "wait", object{"waitTime": 0}))
	_, err := w.StartPipeline(w.ctx, "demo", "off", client.Start{})
	refused(t, err, gennaker.Invalid, "Pipeline is disabled and cannot be started.")
	w.save("parent", nil, stage(1, "pipeline", object{"application": "demo", "pipeline": "off"}))
	x := w.ended(w.begin("parent", nil), gennaker.Terminal)
	if got := fmt.Sprint(x.Stages[0].Context["exception"]); !strings.Contains(got, "The referenced pipeline is disabled") {
		t.Errorf("the parent says %s", got)
	}
}

// TestConditionsThatCannotBeObeyed: a stage that its author wanted left alone
// does not run because this version does not know how to leave it alone.
func TestExecutionIDStartsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("p", nil, stage(1, "wait", object{"waitTime": 0}))
	id := ulid.Make().String()
	start := func() { // whatever became of the first one
		status, answer := w.call(http.MethodPost, "/pipelines/demo/p", object{"type": "manual", "executionId": id})
		if status != http.StatusAccepted || answer["ref"] != "/pipelines/"+id {
			t.Errorf("got %d %v", status, answer)
		}
	}
	start()
	start()
	w.ended(id, gennaker.Succeeded)
	start()
	w.end()
	w.start()
	start()
	list, err := w.Executions(w.ctx, client.ExecutionQuery{Application: "demo", Limit: 10})
	if err != nil || len(list) != 1 {
		t.Errorf("%d executions, %v", len(list), err)
	}
	if status, answer := w.call(http.MethodPost, "/pipelines/demo/p", object{"executionId": "mine"}); status != http.StatusBadRequest {
		t.Errorf("an ID that is none got %d %v", status, answer)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("deploy", nil, deployment("prod", "none"))
	events, err := w.Events(w.ctx, client.EventQuery{Application: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	id := w.begin("deploy", nil)
	var last uint64
	running, group := false, false
	for ended := false; !ended || !group; {
		e, err := events.Next()
		if err != nil {
			t.Fatalf("%v; running %t, group %t, ended %t", err, running, group, ended)
		}
		if e.ID <= last || e.Application != "demo" && e.Application != "" {
			t.Errorf("event %+v behind %d", e, last)
		}
		last = e.ID
		switch {
		case e.Type == gennaker.ServerGroupChanged && e.Name == "demo-prod-v000":
			group = true
		case e.Execution == id && e.Stage == "" && e.Status == gennaker.Running:
			running = true
		case e.Execution == id && e.Stage == "" && e.Status == gennaker.Succeeded:
			ended = true
		}
	}
	if !running {
		t.Error("no event said that it runs")
	}
}

// TestFigures: what the server says of itself.
func TestFigures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("deploy", nil, stage(1, "wait", object{"waitTime": 0}))
	w.ended(w.begin("deploy", nil), gennaker.Succeeded)
	status, got := w.call(http.MethodGet, "/api/v1/server", nil)
	database, _ := got["database"].(object)
	memory, _ := got["memory"].(object)
	executions, _ := got["executions"].(object)
	events, _ := got["events"].(object)
	for what, n := range map[string]any{
		"pid": got["pid"], "bytes": database["bytes"], "heap": memory["heapBytes"], "stored": executions["stored"], "goroutines": got["goroutines"], "held": events["held"], "started": got["startedAt"],
	} {
		if f, _ := n.(float64); f < 1 {
			t.Errorf("%d: %s is %v of %v", status, what, n, got)
		}
	}
	if executions["running"] != 0.0 || got["dataDirectory"] == "" {
		t.Errorf("%v", got)
	}
}

func TestNoAccountOfThisMachineWithoutNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	status, _ := w.call(http.MethodGet, "/health", object{})
	if status != http.StatusOK {
		t.Errorf("health is %d", status)
	}
	if status, node := w.call(http.MethodGet, "/api/v1/node", nil); status != http.StatusOK || node["state"] != "OFF" {
		t.Errorf("the node: %d %v", status, node)
	}
	bad := deployment("prod", "none")
	clusters, _ := bad["clusters"].([]object)
	clusters[0]["account"] = app.LocalAccount
	w.save("deploy", nil, bad)
	x := w.ended(w.begin("deploy", nil), gennaker.Terminal)
	if got := fmt.Sprint(x.Stages[0].Context["exception"]); !strings.Contains(got, "fake") {
		t.Errorf("it does not say which accounts there are: %s", got)
	}
}
