package remote_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/egress"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/remote"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// newClient returns a client that asks this machine without a proxy. Names
// under .example resolve to nothing.
func newClient(t *testing.T, o egress.Options) *egress.Client {
	t.Helper()
	o.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	o.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server")
	}}
	c, err := egress.New(egress.ForWebhooks(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// bind stands for the step that the app gives.
func bind() stage.Step {
	return stage.Step{Name: "bindProducedArtifacts", Task: stage.TaskFunc(func(context.Context, stage.Input) (stage.Outcome, error) { return stage.Done(), nil })}
}

func registry(t *testing.T, cfg remote.Config) *stage.Registry {
	t.Helper()
	if cfg.Client == nil {
		cfg.Client = newClient(t, egress.Options{})
	}
	if cfg.BindProduced.Task == nil {
		cfg.BindProduced = bind()
	}
	r := &stage.Registry{}
	if err := remote.Register(r, cfg); err != nil {
		t.Fatal(err)
	}
	return r
}

// world runs stages as an engine would.
type world struct {
	t   *testing.T
	def *stage.Definition
	in  stage.Input
}

func newWorld(t *testing.T, cfg remote.Config, kind string, values map[string]any) *world {
	t.Helper()
	d, err := registry(t, cfg).Find(kind)
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, def: d, in: stage.Input{
		Execution: gennaker.Execution{
			ID: "EXEC", Type: gennaker.TypePipeline, Application: "demo",
			Authentication: gennaker.Authentication{User: "ann"},
		},
		Stage: gennaker.Stage{ID: "STAGE", Type: kind, Name: "Call", Context: values},
		Key:   "EXEC/STAGE/0/" + kind, Now: start, TaskStart: start, Attempt: 1,
	}}
}

// evaluating lets the stage's expressions see its own context.
func (w *world) evaluating() *world {
	w.in.Evaluate = func(v any, more map[string]any) (any, expr.Summary) {
		root := maps.Clone(w.in.Stage.Context)
		maps.Copy(root, more)
		return expr.Evaluate(v, expr.Env{Root: root, Now: start})
	}
	return w
}

// prepare plans the stage and returns the names of its steps.
func (w *world) prepare() []string {
	w.t.Helper()
	p, err := w.def.Prepare(w.t.Context(), w.in)
	if err != nil {
		w.t.Fatal(err)
	}
	w.in.Stage.Context = p.Context
	var names []string
	for _, s := range p.Steps {
		names = append(names, s.Name)
	}
	return names
}

// run runs a step once, and keeps what it puts into the context.
func (w *world) run(step string) (stage.Outcome, error) {
	w.t.Helper()
	w.in.Task, w.in.Key = step, "EXEC/STAGE/0/"+step
	if w.in.Evaluate != nil { // what had no value when it was planned may have one now
		w.in.Stage.Context, _ = w.def.Evaluate(w.in)
	}
	o, err := w.def.Step(step).Task.Run(w.t.Context(), w.in)
	w.keep(o)
	return o, err
}

func (w *world) keep(o stage.Outcome) {
	w.in.Stage.Context = maps.Clone(w.in.Stage.Context)
	if w.in.Stage.Context == nil {
		w.in.Stage.Context = map[string]any{}
	}
	for k, v := range o.Context() {
		w.in.Stage.Context[k] = stored(w.t, v)
	}
}

// at returns what the context has under keys, nil if nothing.
func (w *world) at(keys ...string) any {
	var v any = w.in.Stage.Context
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

// request is what a server saw.
type request struct {
	Method, Path, Body string
	Header             http.Header
}

// server answers as told, and remembers what it was asked.
type server struct {
	*httptest.Server
	mu   sync.Mutex
	seen []request
}

func newServer(t *testing.T, answer http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.seen = append(s.seen, request{r.Method, r.URL.Path, string(body), r.Header.Clone()})
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.seen...)
}

// replies returns a handler that answers with a status, a type and a body.
func replies(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

const (
	jsonType = "application/json"
	textType = "text/plain"
)

// said returns an Outcome as a table can name it: its status and its reason.
func said(o stage.Outcome, err error) string {
	if err != nil {
		return "error " + string(gennaker.KindOf(err)) + ": " + err.Error()
	}
	reason, _, _ := o.Reason()
	return strings.TrimSuffix(string(o.Status())+": "+reason, ": ")
}

// newFuzzServer returns the URL of a server for a fuzz test.
func newFuzzServer(f *testing.F, h http.HandlerFunc) string {
	f.Helper()
	s := httptest.NewServer(h)
	f.Cleanup(s.Close)
	return s.URL
}
