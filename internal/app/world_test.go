package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/api/apitest"
	"github.com/gennaker/gennaker/internal/app"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/fake"
)

// patience bounds everything that is waited for.
const patience = 2 * time.Minute

// object is a JSON object.
type object = map[string]any

// world is a server in this process, with a fake account.
type world struct {
	*client.Client
	t        *testing.T
	data     string
	fake     *fake.Provider
	fleet    []provider.Provider // besides fake
	ctx      context.Context
	http     *http.Client
	keep     int          // as in app.Config.KeepNewest, of what is older than a moment; 0 keeps all
	settings app.Settings // of the next start
	end      func()       // of the server; the world can be started again
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	w := &world{t: t, data: t.TempDir(), fake: fake.New(fake.Config{}), ctx: ctx, http: &http.Client{Transport: apitest.Transport(t, &http.Transport{})}}
	w.start()
	t.Cleanup(func() { w.end() })
	return w
}

func (w *world) config() app.Config {
	c := app.Config{
		Data: w.data, Listen: "127.0.0.1:0", Version: "test", Bake: []string{os.Args[0], "bake"}, Log: slog.New(slog.NewTextHandler(w.t.Output(), nil)),
		Fleet: append([]provider.Provider{w.fake.Provider()}, w.fleet...), Settings: w.settings,
	}
	if w.keep > 0 {
		c.KeepFor, c.KeepNewest = time.Nanosecond, w.keep
	}
	return c
}

// start starts the server on the data of the last one.
func (w *world) start() {
	w.t.Helper()
	a, err := app.New(w.ctx, w.config())
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	w.end = func() {
		w.end = func() {}
		w.http.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			w.t.Errorf("the server ended with %v", err)
		}
	}
	if w.Client, err = client.New(client.Config{URL: "http://" + a.Addr().String(), HTTP: w.http}); err != nil {
		w.t.Fatal(err)
	}
}

// call sends JSON and returns the status and the answer.
func (w *world) call(method, path string, body any) (int, object) {
	w.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	status, answer := w.send(method, path, text)
	out := object{}
	if len(bytes.TrimSpace(answer)) > 0 {
		if err := json.Unmarshal(answer, &out); err != nil {
			w.t.Fatalf("%s %s answered %q: %v", method, path, answer, err)
		}
	}
	return status, out
}

// send sends a body of JSON and returns the status and the body of the answer.
func (w *world) send(method, path string, body []byte) (int, []byte) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx, method, w.URL()+path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, answer
}

// save saves a pipeline of the application "demo".
func (w *world) save(name string, more object, stages ...object) {
	w.t.Helper()
	doc := object{"application": "demo", "name": name, "stages": stages}
	maps.Copy(doc, more)
	text, err := json.Marshal(doc)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.SavePipeline(w.ctx, text); err != nil {
		w.t.Fatalf("save %s: %v", name, err)
	}
}

// stage returns a stage; the first one's refId is "1".
func stage(ref int, typ string, more object) object {
	s := object{"refId": fmt.Sprint(ref), "type": typ, "name": typ, "requisiteStageRefIds": []string{}}
	if ref > 1 {
		s["requisiteStageRefIds"] = []string{fmt.Sprint(ref - 1)}
	}
	maps.Copy(s, more)
	return s
}

// begin starts a pipeline and returns the execution's ID.
func (w *world) begin(pipeline string, parameters object) string {
	w.t.Helper()
	id, err := w.StartPipeline(w.ctx, "demo", pipeline, client.Start{Parameters: parameters})
	if err != nil {
		w.t.Fatalf("start %s: %v", pipeline, err)
	}
	return id
}

// until waits until an execution satisfies ok.
func (w *world) until(id, what string, ok func(gennaker.Execution) bool) gennaker.Execution {
	w.t.Helper()
	var last gennaker.Execution
	for x, err := range w.Watch(w.ctx, id) {
		if err != nil {
			w.t.Fatalf("wait until %s: %v\n%s", what, err, show(last))
		}
		if last = x; ok(x) {
			return x
		}
	}
	w.t.Fatalf("it is never %s:\n%s", what, show(last))
	return last
}

// ended waits for the end of an execution.
func (w *world) ended(id string, want gennaker.Status) gennaker.Execution {
	w.t.Helper()
	x := w.until(id, "at its end", func(x gennaker.Execution) bool { return x.Status.Complete() })
	if x.Status != want {
		w.t.Errorf("%s ended as %s, not %s:\n%s", x.Name, x.Status, want, show(x))
	}
	return x
}

// waiting waits until a stage's task runs.
func (w *world) waiting(id, ref string) gennaker.Stage {
	w.t.Helper()
	var out gennaker.Stage
	w.until(id, "at stage "+ref, func(x gennaker.Execution) bool {
		for _, st := range x.Stages {
			if st.RefID == ref && len(st.Tasks) > 0 && st.Tasks[len(st.Tasks)-1].Status == gennaker.Running {
				out = st
				return true
			}
		}
		return false
	})
	return out
}

// judge answers a judgment.
func (w *world) judge(id, ref string, yes bool) {
	w.t.Helper()
	if _, err := w.Judge(w.ctx, id, w.waiting(id, ref).ID, client.Judgment{Continue: yes}); err != nil {
		w.t.Fatal(err)
	}
}

// task runs an operation to its end.
func (w *world) task(want gennaker.Status, job object) client.Task {
	w.t.Helper()
	id, err := w.Submit(w.ctx, client.Operation{Application: "demo", Description: "test", Job: []map[string]any{job}})
	if err != nil {
		w.t.Fatal(err)
	}
	var last client.Task
	for t, err := range w.WatchTask(w.ctx, id) {
		if err != nil {
			w.t.Fatal(err)
		}
		last = t
	}
	if last.Status != want {
		w.t.Errorf("the task ended as %s, not %s:\n%s", last.Status, want, show(last.Execution))
	}
	return last
}

// refused demands that a request was refused, and says why.
func refused(t *testing.T, err error, kind gennaker.Kind, message string) {
	t.Helper()
	if err == nil || gennaker.KindOf(err) != kind || !strings.Contains(err.Error(), message) {
		t.Errorf("got %v (%s), not %q (%s)", err, gennaker.KindOf(err), message, kind)
	}
}

func show(x gennaker.Execution) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", x.ID, x.Status)
	for _, st := range x.Stages {
		fmt.Fprintf(&b, "\n  %s %q: %s", st.RefID, st.Name, st.Status)
		if e := st.Context["exception"]; e != nil {
			fmt.Fprintf(&b, " %v", e)
		}
	}
	return b.String()
}
