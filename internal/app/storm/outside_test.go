package storm

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/gennaker/gennaker"
)

// outside is what a pipeline changes beyond the server: a system that takes
// orders by webhook, and a file in which each job writes that it ran.
type outside struct {
	system *httptest.Server
	runs   string // path of the file

	mu     sync.Mutex
	orders map[string]*order          // by execution
	ended  map[string]gennaker.Status // executions
}

// order is what the system was asked for by one execution.
type order struct {
	requests int
	keys     map[string]bool // of the requests: those with the same one are one order
	looks    int
}

func newOutside(w *world) *outside {
	o := &outside{runs: filepath.Join(w.t.TempDir(), "runs"), orders: map[string]*order{}, ended: map[string]gennaker.Status{}}
	o.system = httptest.NewServer(http.HandlerFunc(o.answer))
	w.t.Cleanup(o.system.Close)
	return o
}

// answer takes an order, or tells its status: it is done when it is looked at
// for the second time.
func (o *outside) answer(rw http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	id := strings.TrimPrefix(r.URL.Path, "/orders/")
	it := o.orders[id]
	answer := object{"state": "RUNNING"}
	switch {
	case r.Method == http.MethodPost:
		if it == nil {
			it = &order{keys: map[string]bool{}}
			o.orders[id] = it
		}
		it.requests++
		it.keys[r.Header.Get("Idempotency-Key")] = true
	case it == nil:
		http.NotFound(rw, r)
		return
	default:
		if it.looks++; it.looks > 1 {
			answer["state"] = "DONE"
		}
	}
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(answer)
}

// stages are those of the pipeline "Outside": a job, a webhook that is watched,
// a wait and a child pipeline at once.
func (o *outside) stages() []object {
	return []object{
		{"refId": "1", "type": "runJob", "credentials": "local", "script": "echo ${execution.id} >> " + o.runs + "; sleep 1"},
		{
			"refId": "2", "type": "webhook", "url": o.system.URL + "/orders/${execution.id}", "payload": object{"n": 1},
			"waitForCompletion": true, "statusJsonPath": "$.state", "successStatuses": "DONE", "terminalStatuses": "LOST",
		},
		{"refId": "3", "type": "wait", "waitTime": 1},
		{"refId": "4", "type": "pipeline", "application": application, "pipeline": "Child"},
		{"refId": "5", "requisiteStageRefIds": []string{"1", "2", "3", "4"}, "type": "wait", "waitTime": 0},
	}
}

// outsider runs the pipeline; every third one is canceled in its midst.
func (w *world) outsider(o *outside) script {
	return func(ctx context.Context, round int) error {
		want := gennaker.Succeeded
		if round%3 == 2 {
			want = gennaker.Canceled
		}
		x, err := w.run(ctx, "Outside", object{}, want, func(x gennaker.Execution) error {
			for _, st := range x.Stages {
				if want == gennaker.Canceled && st.Type == "runJob" && st.Context["deploy.jobs"] != nil && !x.Canceled {
					return w.retry(ctx, func() error { return w.client.CancelExecution(ctx, x.ID, "a storm") })
				}
			}
			return nil
		})
		o.mu.Lock()
		defer o.mu.Unlock()
		o.ended[x.ID] = x.Status
		return err
	}
}

// check demands that each execution ran one job and gave one order, and one that
// was canceled no more than that.
func (o *outside) check(w *world) {
	o.mu.Lock()
	defer o.mu.Unlock()
	text, err := os.ReadFile(o.runs)
	if err != nil {
		w.t.Error(err)
	}
	runs := map[string]int{}
	for id := range strings.Lines(string(text)) {
		runs[strings.TrimSpace(id)]++
	}
	requests := 0
	for id, status := range o.ended {
		keys := 0
		if it := o.orders[id]; it != nil {
			keys, requests = len(it.keys), requests+it.requests
		}
		for what, n := range map[string]int{"jobs": runs[id], "orders": keys} {
			if least := map[gennaker.Status]int{gennaker.Succeeded: 1}[status]; n < least || n > 1 {
				w.t.Errorf("execution %s, which ended as %s, has %d %s", id, status, n, what)
			}
		}
		delete(runs, id)
		delete(o.orders, id)
	}
	for id := range runs {
		w.t.Errorf("a job ran for %s, which is no execution of ours", id)
	}
	for id := range o.orders {
		w.t.Errorf("an order was given for %s, which is no execution of ours", id)
	}
	w.t.Logf("%d executions ran a job and gave an order, in %d requests", len(o.ended), requests)
}
