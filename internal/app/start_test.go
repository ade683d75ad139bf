package app_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/oklog/ulid/v2"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
)

// startAs starts a pipeline of "demo" as Deck does, and returns what came of it.
func (w *world) startAs(pipeline string, trigger object) (id, event string) {
	w.t.Helper()
	status, answer := w.call(http.MethodPost, "/pipelines/v2/demo/"+pipeline, trigger)
	ref, _ := answer["ref"].(string)
	event, _ = answer["eventId"].(string)
	if id = strings.TrimPrefix(ref, "/pipelines/"); status != http.StatusAccepted || id == ref || event == "" {
		w.t.Fatalf("start %s: %d %v", pipeline, status, answer)
	}
	return id, event
}

// TestStartsThatAreTheSame holds that starts with one correlation ID, or one
// execution ID, are one: as long as it runs, for the former, and whatever dies
// meanwhile.
func TestStartsThatAreTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("judged", nil, stage(1, "manualJudgment", nil))
	first, event := w.startAs("judged", object{"correlationId": "build-7"})
	if x, err := w.Execution(w.ctx, first); err != nil || x.Trigger.Other["eventId"] != event {
		t.Errorf("it does not exist, or has no event: %v, %v", err, x.Trigger.Other)
	}
	same := func(what string) {
		t.Helper()
		if id, _ := w.startAs("judged", object{"correlationId": "build-7"}); id != first {
			t.Errorf("%s another one was started", what)
		}
	}
	same("while it runs")
	if id, _ := w.startAs("judged", object{"correlationId": "build-8"}); id == first {
		t.Error("another correlation ID is the same")
	}
	w.end()
	w.start()
	same("after a restart of the server")
	w.judge(first, "1", true)
	w.ended(first, gennaker.Succeeded)
	next, _ := w.startAs("judged", object{"correlationId": "build-7"})
	if next == first {
		t.Error("one that ended is started again")
	}

	own := ulid.Make().String()
	for range 2 {
		if id, _ := w.startAs("judged", object{"executionId": own}); id != own {
			t.Errorf("got %s for the execution ID %s", id, own)
		}
	}
	elsewhere := object{"application": "other", "name": "judged", "stages": []object{}, "executionId": own}
	if status, answer := w.call(http.MethodPost, "/pipelines/start", elsewhere); status != http.StatusConflict {
		t.Errorf("the ID in another application: %d %v", status, answer)
	}
	task := w.task(gennaker.Succeeded, object{"type": "createApplication", "application": object{"name": "demo", "email": "a@example.com"}})
	if status, answer := w.call(http.MethodPost, "/pipelines/demo/judged", object{"executionId": task.ID}); status != http.StatusConflict {
		t.Errorf("the ID of a task: %d %v", status, answer)
	}
}

// TestDryStart holds that a dry run asked for as Deck does touches nothing.
func TestDryStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("deploys", nil, deployment("prod", "redblack"), stage(2, "wait", object{"waitTime": 3600}))
	id, _ := w.startAs("deploys", object{"dryRun": true})
	if x := w.ended(id, gennaker.Succeeded); !x.Trigger.DryRun || len(created(w)) > 0 {
		t.Errorf("it created %v", created(w))
	}
}

func TestStartOfAPipelineThatIsNotSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	given := object{
		"application": "demo", "name": "once", "stages": []object{stage(1, "noop", nil)},
		"parameterConfig": []object{{"name": "tag", "default": "7"}}, "notifications": []object{{"type": "slack"}},
		"trigger": object{"type": "manual", "notifications": []object{{"type": "email"}}, "correlationId": "c"},
	}
	given["plan"] = true
	status, planned := w.call(http.MethodPost, "/pipelines/start", given)
	trigger, _ := planned["trigger"].(object)
	parameters, _ := trigger["parameters"].(object)
	if status != http.StatusOK || parameters["tag"] != "7" || planned["name"] != "once" || planned["plan"] != nil {
		t.Errorf("planned: %d %v", status, planned)
	}
	delete(given, "plan")
	status, answer := w.call(http.MethodPost, "/pipelines/start", given)
	ref, _ := answer["ref"].(string)
	if status != http.StatusOK {
		t.Fatalf("started: %d %v", status, answer)
	}
	x := w.ended(strings.TrimPrefix(ref, "/pipelines/"), gennaker.Succeeded)
	if x.Trigger.Parameters["tag"] != "7" || len(x.Notifications) != 2 || x.Name != "once" {
		t.Errorf("it ran as %+v", x)
	}
	list, err := w.Executions(w.ctx, client.ExecutionQuery{Application: "demo"})
	if err != nil || len(list) != 0 {
		t.Errorf("it is listed with the pipelines: %v, %v", list, err)
	}
	given["stages"] = []object{stage(1, "nothing like that", nil)}
	if status, answer = w.call(http.MethodPost, "/pipelines/start", given); status != http.StatusBadRequest {
		t.Errorf("with an unknown stage: %d %v", status, answer)
	}
}

// TestRestartTakesThePreconditionsOfNow holds that a restart obeys a precondition
// that was corrected since.
func TestRestartTakesThePreconditionsOfNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	check := func(expression string) object {
		return stage(2, "checkPreconditions", object{"preconditions": []object{{"type": "expression", "failPipeline": true, "context": object{"expression": expression}}}})
	}
	w.save("checked", nil, stage(1, "noop", nil), check("false"))
	id := w.begin("checked", nil)
	x := w.ended(id, gennaker.Terminal)
	saved, err := w.Pipeline(w.ctx, "demo", "checked")
	if err != nil {
		t.Fatal(err)
	}
	w.save("checked", object{"id": saved.ID}, stage(1, "noop", nil), check("true"))
	if _, err := w.RestartStage(w.ctx, id, x.Stages[1].ID); err != nil {
		t.Fatal(err)
	}
	w.ended(id, gennaker.Succeeded)
}

// found returns the names and tags of the executions at a path.
func (w *world) found(path string) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.URL()+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var list []gennaker.Execution
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil || res.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %d, %v", path, res.StatusCode, err)
	}
	var out []string
	for _, x := range list {
		tag, _ := x.Trigger.Parameters["tag"].(string)
		out = append(out, x.Name+tag)
	}
	return strings.Join(out, " ")
}

func base64Of(text string) string {
	return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(text)))
}

// TestSearch finds executions by what triggered them.
func TestSearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("a", nil, stage(1, "noop", nil))
	w.save("b", nil, stage(1, "noop", nil))
	for _, tag := range []string{"1.0", "1.1", "2.0"} {
		w.ended(w.begin("a", object{"tag": tag}), gennaker.Succeeded)
	}
	b, event := w.startAs("b", object{"type": "webhook", "payload": object{"ref": "main"}})
	w.ended(b, gennaker.Succeeded)
	for query, want := range map[string]string{
		"":                                  "b a2.0 a1.1 a1.0",
		"reverse=true&size=2":               "a1.0 a1.1",
		"size=2&startIndex=1":               "a2.0 a1.1",
		"startIndex=9":                      "",
		"pipelineName=a&statuses=SUCCEEDED": "a2.0 a1.1 a1.0",
		"pipelineName=A":                    "",
		"statuses=RUNNING":                  "",
		"triggerTypes=webhook,jenkins":      "b",
		"triggerTypes=*&pipelineName=b":     "b",
		"eventId=" + event:                  "b",
		"eventId=none":                      "",
		"trigger=" + base64Of(`{"parameters":{"tag":"1\\..*"}}`): "a1.1 a1.0",
		"trigger=" + base64Of(`{"payload":{"ref":"MAIN"}}`):      "b",
		"triggerTimeEndBoundary=1":                               "",
		"triggerTimeStartBoundary=1&expand=true":                 "b a2.0 a1.1 a1.0",
		"triggerTimeEndBoundary=9223372036854775807":             "b a2.0 a1.1 a1.0",
	} {
		for _, application := range []string{"demo", "*"} {
			if got := w.found("/applications/" + application + "/executions/search?" + query); got != want {
				t.Errorf("%s, %s: got %q, not %q", application, query, got, want)
			}
		}
	}
	// Pages of ours.
	var all []string
	after := ""
	for range 10 {
		status, page := w.call(http.MethodGet, "/api/v1/executions?application=demo&limit=3&after="+after, nil)
		if status != http.StatusOK {
			t.Fatalf("a page: %d %v", status, page)
		}
		items, _ := page["items"].([]any)
		for _, it := range items {
			x, _ := it.(object)
			all = append(all, x["name"].(string))
		}
		if after, _ = page["next"].(string); after == "" {
			break
		}
	}
	if got := strings.Join(all, " "); got != "b a a a" {
		t.Errorf("the pages hold %s", got)
	}
	if status, page := w.call(http.MethodGet, "/api/v1/executions?name=B&limit=1", nil); status != http.StatusOK || len(page["items"].([]any)) != 1 || page["next"] != nil {
		t.Errorf("by name: %d %v", status, page)
	}
}

// TestEventsOfTheNextProcess holds that a client that comes back after a restart
// of the server is told to read anew.
func TestEventsOfTheNextProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("short", nil, stage(1, "noop", nil))
	events, err := w.Events(w.ctx, client.EventQuery{})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	w.ended(w.begin("short", nil), gennaker.Succeeded)
	first, err := events.Next()
	if err != nil || first.Type != gennaker.ExecutionChanged {
		t.Fatalf("got %v, %v", first, err)
	}
	last := events.LastID()
	resumed, err := w.Events(w.ctx, client.EventQuery{After: last})
	if err != nil {
		t.Fatal(err)
	}
	defer resumed.Close()
	if e, err := resumed.Next(); err != nil || e.ID != first.ID+1 {
		t.Errorf("behind the first event comes %v, %v", e, err)
	}
	w.end()
	for err == nil {
		_, err = events.Next()
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("the stream ended with %v", err)
	}
	w.start()
	anew, err := w.Events(w.ctx, client.EventQuery{After: last})
	if err != nil {
		t.Fatal(err)
	}
	defer anew.Close()
	if e, err := anew.Next(); err != nil || e.Type != gennaker.Reset {
		t.Errorf("after a restart of the server comes %v, %v", e, err)
	}
}
