package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/app"
	"github.com/gennaker/gennaker/internal/provider/fake"
	"github.com/gennaker/gennaker/internal/stage/remote"
)

// receiver is a service that webhooks ask: POST /start begins what GET /status
// tells of.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	status   string
	requests []string // method, path, Authorization and body of all but GET
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: "RUNNING"}
	r.Server = httptest.NewServer(http.HandlerFunc(r.answer))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answer(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.Method != http.MethodGet {
		r.requests = append(r.requests, strings.Join(strings.Fields(req.Method+" "+req.URL.Path+" "+req.Header.Get("Authorization")+" "+string(body)), " "))
	}
	w.Header().Set("Content-Type", "application/json")
	if req.URL.Path == "/busy" {
		w.WriteHeader(http.StatusGatewayTimeout)
	}
	fmt.Fprintf(w, `{"state": %q, "progress": "half of it", "url": %q}`, r.status, r.URL+"/status")
}

// become sets what the service tells of itself.
func (r *receiver) become(status string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// watched is a webhook stage that starts something and watches it.
func (r *receiver) watched() object {
	return object{
		"url": r.URL + "/start", "payload": object{"build": "${ parameters.build }"}, "waitForCompletion": true,
		"statusUrlResolution": "webhookResponse", "statusUrlJsonPath": "$.url", "statusJsonPath": "$.state", "progressJsonPath": "$.progress",
		"successStatuses": "DONE", "canceledStatuses": "GONE", "terminalStatuses": "BROKEN", "cancelEndpoint": r.URL + "/cancel",
	}
}

// monitored waits until the status of a webhook was looked at.
func (w *world) monitored(id string) {
	w.t.Helper()
	w.look(id, func(x gennaker.Execution) bool {
		hook, _ := x.Stages[0].Context["webhook"].(map[string]any)
		look, _ := hook["monitor"].(map[string]any)
		return look["progressMessage"] == "half of it"
	})
}

// look looks at an execution until ok: what only changes a context is no event.
func (w *world) look(id string, ok func(gennaker.Execution) bool) {
	w.t.Helper()
	for {
		x, err := w.Execution(w.ctx, id)
		if err != nil {
			w.t.Fatal(err)
		}
		if ok(x) {
			return
		}
	}
}

// failure returns the errors of a stage as they are shown.
func failure(st gennaker.Stage) string {
	exception, _ := st.Context["exception"].(map[string]any)
	details, _ := exception["details"].(map[string]any)
	return fmt.Sprint(details["errors"])
}

func TestWebhookEndsAsItsServiceSays(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status string // "" cancels the execution
		want   gennaker.Status
		asked  []string
		says   string
	}{
		"done":     {"DONE", gennaker.Succeeded, []string{`POST /start {"build":7}`}, "<nil>"},
		"broken":   {"BROKEN", gennaker.Terminal, []string{`POST /start {"build":7}`, "POST /cancel"}, "[the webhook's status is BROKEN, one of its terminalStatuses]"},
		"canceled": {"", gennaker.Canceled, []string{`POST /start {"build":7}`, "POST /cancel"}, "<nil>"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, r := newWorld(t), newReceiver(t)
			w.save("p", nil, stage(1, "webhook", r.watched()))
			id := w.begin("p", object{"build": 7})
			w.monitored(id)
			if r.become(tt.status); tt.status == "" {
				if err := w.CancelExecution(w.ctx, id, "enough"); err != nil {
					t.Fatal(err)
				}
			}
			x := w.ended(id, tt.want)
			w.end() // what was begun for the cancellation has ended
			if got := r.seen(); !slices.Equal(got, tt.asked) {
				t.Errorf("the service was asked %q, want %q", got, tt.asked)
			}
			if got := failure(x.Stages[0]); got != tt.says {
				t.Errorf("the stage says %s, want %s", got, tt.says)
			}
		})
	}
}

func TestWebhookFailsFast(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t), newReceiver(t)
	w.save("p", nil, stage(1, "webhook", object{"url": r.URL + "/busy"}))
	x := w.ended(w.begin("p", nil), gennaker.Terminal)
	if got := failure(x.Stages[0]); !strings.Contains(got, "Received status code 504, which is configured to fail fast") {
		t.Errorf("the stage says %s", got)
	}
	if got := r.seen(); len(got) != 1 {
		t.Errorf("the service was asked %q", got)
	}
}

// A restart of the server in the middle of everything that lasts repeats
// nothing, and loses nothing.
func TestWhatLastsGoesOnInTheNextProcess(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t), newReceiver(t)
	w.end()
	w.fake = fake.New(fake.Config{Job: func(gennaker.JobSpec) fake.JobScript {
		return fake.JobScript{Pace: fake.OnCommand(), Files: map[string]string{"out.properties": "version=42"}}
	}})
	w.start()
	w.save("webhook", nil, stage(1, "webhook", r.watched()))
	w.save("job", nil, runsJob(), stage(2, "wait", object{"waitTime": 0, "comments": "made ${version}"}))
	w.save("child", object{"id": "child"}, stage(1, "manualJudgment", nil))
	w.save("parent", nil, stage(1, "pipeline", object{"application": "demo", "pipeline": "child"}))
	w.save("wait", nil, stage(1, "wait", object{"waitTime": 3600}))
	hooked, job, parent, wait := w.begin("webhook", object{"build": 1}), w.begin("job", nil), w.begin("parent", nil), w.begin("wait", nil)
	w.monitored(hooked)
	name := w.jobOf(job)
	child := w.childOf(parent)
	w.waiting(child, "1")
	w.waiting(wait, "1")

	for range 2 {
		w.end()
		w.start()
	}
	r.become("DONE")
	w.fake.FinishJob(name)
	w.judge(child, "1", true)
	if _, err := w.PatchStage(w.ctx, wait, w.waiting(wait, "1").ID, object{"skipRemainingWait": true}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{hooked, child, parent, wait} {
		w.ended(id, gennaker.Succeeded)
	}
	if got := w.ended(job, gennaker.Succeeded).Stages[1].Context["comments"]; got != "made 42" {
		t.Errorf("the stage behind the job has %v", got)
	}
	if got := r.seen(); !slices.Equal(got, []string{`POST /start {"build":1}`}) {
		t.Errorf("the service was asked %q", got)
	}
	if n := w.effects(fake.RunJob); n != 1 {
		t.Errorf("%d jobs ran", n)
	}
	list, err := w.Executions(w.ctx, client.ExecutionQuery{Application: "demo", Limit: 20})
	if err != nil || len(list) != 5 {
		t.Errorf("there are %d executions, %v; want the four and the child", len(list), err)
	}
}

func runsJob() object {
	return stage(1, "runJob", object{"account": "fake", "command": "make", "propertyFile": "out.properties"})
}

// jobOf waits for the job of an execution's first stage, and returns its name.
func (w *world) jobOf(id string) string {
	w.t.Helper()
	var name string
	w.until(id, "running its job", func(x gennaker.Execution) bool {
		jobs, _ := x.Stages[0].Context["deploy.jobs"].(map[string]any)
		for _, names := range jobs { // of each region
			if names, _ := names.([]any); len(names) == 1 {
				name, _ = names[0].(string)
			}
		}
		return name != ""
	})
	return name
}

// childOf waits for the execution that an execution's first stage starts.
func (w *world) childOf(id string) string {
	w.t.Helper()
	var child string
	w.until(id, "with a child", func(x gennaker.Execution) bool {
		child, _ = x.Stages[0].Context["executionId"].(string)
		return child != ""
	})
	return child
}

// effects returns how often the account did op.
func (w *world) effects(op fake.Op) int {
	n := 0
	for _, e := range w.fake.Effects() {
		if e.Op == op {
			n++
		}
	}
	return n
}

func TestCancelEndsTheJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.end()
	w.fake = fake.New(fake.Config{Job: func(gennaker.JobSpec) fake.JobScript { return fake.JobScript{Pace: fake.OnCommand()} }})
	w.start()
	w.save("p", nil, runsJob())
	id := w.begin("p", nil)
	w.jobOf(id)
	if err := w.CancelExecution(w.ctx, id, "enough"); err != nil {
		t.Fatal(err)
	}
	w.ended(id, gennaker.Canceled)
	w.end()
	if n := w.effects(fake.CancelJob); n != 1 {
		t.Errorf("the job was canceled %d times", n)
	}
}

// A job that fails says why, and runs again when its stage is restarted.
func TestRestartOfAJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.end()
	var mu sync.Mutex
	exits := []int{3, 0}
	w.fake = fake.New(fake.Config{Job: func(gennaker.JobSpec) fake.JobScript {
		mu.Lock()
		defer mu.Unlock()
		exit := exits[0]
		exits = exits[1:]
		return fake.JobScript{ExitCode: exit, Files: map[string]string{"out.properties": "version=42"}}
	}})
	w.start()
	w.save("p", nil, runsJob(), stage(2, "wait", object{"waitTime": 0}))
	id := w.begin("p", nil)
	x := w.ended(id, gennaker.Terminal)
	if got := failure(x.Stages[0]); !strings.Contains(got, "failed. Reason: it exited with another status than 0") {
		t.Errorf("the stage says %s", got)
	}
	if _, err := w.RestartStage(w.ctx, id, x.Stages[0].ID); err != nil {
		t.Fatal(err)
	}
	x = w.ended(id, gennaker.Succeeded)
	if got := x.Stages[0].Outputs["version"]; got != "42" {
		t.Errorf("the outputs are %v", x.Stages[0].Outputs)
	}
}

// A secret of the configuration is sent, and shown nowhere.
func TestPreconfiguredWebhookKeepsItsSecret(t *testing.T) {
	t.Parallel()
	const secret = "correct-horse"
	w, r := newWorld(t), newReceiver(t)
	w.end()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	w.settings = app.Settings{Webhook: app.WebhookSettings{Config: remote.Config{Preconfigured: []remote.Preconfigured{{
		Type: "notify", Label: "Notify", URL: r.URL + "/notify", Method: "POST", Payload: `{"who": "${parameterValues.who}"}`,
		CustomHeaders: object{"Authorization": []any{"file:" + file}}, Parameters: []remote.Parameter{{Name: "who", DefaultValue: "all"}},
	}}}}}
	w.start()
	w.save("p", nil, stage(1, "notify", object{"parameterValues": object{"who": "${ parameters.who }"}}))
	x := w.ended(w.begin("p", object{"who": "eve"}), gennaker.Succeeded)
	if got, want := r.seen(), []string{`POST /notify ` + secret + ` {"who": "eve"}`}; !slices.Equal(got, want) {
		t.Errorf("the service was asked %q, want %q", got, want)
	}
	if text, err := json.Marshal(x); err != nil || strings.Contains(string(text), secret) || strings.Contains(string(text), file) {
		t.Errorf("the execution shows the secret: %s, %v", text, err)
	}
}

// A closed window shows when it opens, outlives a restart, and is skipped by hand.
func TestWindowIsSkippedByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day := int(time.Now().UTC().AddDate(0, 0, 3).Weekday()) + 1 // not today, wherever the window is
	w.save("p", nil, stage(1, "wait", object{
		"waitTime": 0, "restrictExecutionDuringTimeWindow": true,
		"restrictedExecutionWindow": object{"days": []int{day}, "whitelist": []object{{"startHour": 3, "startMin": 0, "endHour": 4, "endMin": 0}}},
	}))
	id := w.begin("p", nil)
	opens := func() any { return w.waiting(id, "1<0").Context["scheduledTime"] }
	var first any
	w.look(id, func(gennaker.Execution) bool { first = opens(); return first != nil })
	w.end()
	w.start()
	if again := opens(); again != first {
		t.Errorf("the window opened at %v, and after a restart at %v", first, again)
	}
	if _, err := w.PatchStage(w.ctx, id, w.waiting(id, "1<0").ID, object{"skipRemainingWait": true}); err != nil {
		t.Fatal(err)
	}
	w.ended(id, gennaker.Succeeded)
}

// A child's failure is told by its parent, in the words of the stage that failed.
func TestFailureOfAChildIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("child", object{"id": "child"}, stage(1, "checkPreconditions", object{"preconditions": []object{
		{"type": "expression", "failPipeline": true, "context": object{"expression": "parameters.tag == 'v2'", "failureMessage": "wrong tag"}},
		{"type": "clusterSize", "failPipeline": true, "context": object{"cluster": "demo-prod", "credentials": "fake", "regions": []string{"local"}, "expected": 0}},
	}}))
	w.save("parent", nil,
		stage(1, "evaluateVariables", object{"variables": []object{{"key": "tag", "value": "v${ parameters.number }"}}}),
		stage(2, "pipeline", object{"application": "demo", "pipeline": "child", "pipelineParameters": object{"tag": "${ tag }"}}))
	w.ended(w.begin("parent", object{"number": 2}), gennaker.Succeeded)
	x := w.ended(w.begin("parent", object{"number": 3}), gennaker.Terminal)
	if got := failure(x.Stages[1]); !strings.Contains(got, "Exception in child pipeline stage (child: Check precondition (expression)): wrong tag") {
		t.Errorf("the parent says %s", got)
	}
}

// The answer of a judgment steers what is behind it.
func TestJudgmentSteers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("p", nil, stage(1, "manualJudgment", object{"name": "Where", "judgmentInputs": []object{{"value": "left"}, {"value": "right"}}}),
		stage(2, "noop", object{"stageEnabled": object{"type": "expression", "expression": "#judgment('Where') == 'left'"}}),
		stage(3, "noop", object{"stageEnabled": object{"type": "expression", "expression": "#judgment('Where') == 'right'"}, "comments": "to the ${#judgment('Where')}"}))
	id := w.begin("p", nil)
	if _, err := w.Judge(w.ctx, id, w.waiting(id, "1").ID, client.Judgment{Continue: true, Input: "right"}); err != nil {
		t.Fatal(err)
	}
	x := w.ended(id, gennaker.Succeeded)
	if x.Stages[1].Status != gennaker.Skipped || x.Stages[2].Status != gennaker.Succeeded || x.Stages[2].Context["comments"] != "to the right" {
		t.Errorf("%s\n%v", show(x), x.Stages[2].Context)
	}
}

// Only a child that says so is skipped by hand; what it does goes on.
func TestChildIsSkippedByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("child", object{"id": "child"}, stage(1, "manualJudgment", nil))
	for _, skippable := range []bool{true, false} {
		name := fmt.Sprint("skippable ", skippable)
		w.save(name, nil, stage(1, "pipeline", object{"application": "demo", "pipeline": "child", "skippable": skippable}), stage(2, "noop", nil))
		id := w.begin(name, nil)
		child := w.childOf(id)
		_, err := w.PatchStage(w.ctx, id, w.waiting(id, "1").ID, object{"manualSkip": true})
		if !skippable {
			if err == nil {
				t.Error("a stage that is not skippable was skipped")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if x := w.ended(id, gennaker.Succeeded); x.Stages[0].Status != gennaker.Skipped {
			t.Errorf("%s", show(x))
		}
		w.judge(child, "1", true)
		w.ended(child, gennaker.Succeeded)
	}
}

// What cannot run is saved and shown; its start is refused, naming
// first what was perhaps meant, and listed.
func TestUnknownStageType(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("p", nil, stage(1, "manualJudgmnt", nil))
	_, err := w.StartPipeline(w.ctx, "demo", "p", client.Start{})
	refused(t, err, gennaker.Invalid, `there is no stage type "manualJudgmnt"; known are manualJudgment, bakeManifest, `)
	refused(t, err, gennaker.Invalid, " more")
	list, err := w.Executions(w.ctx, client.ExecutionQuery{Application: "demo", Limit: 10})
	if err != nil || len(list) != 1 || list[0].Status != gennaker.Terminal || !strings.HasPrefix(list[0].CancelReason, "Failed on startup: ") {
		t.Errorf("listed are %+v, %v", list, err)
	}
}
