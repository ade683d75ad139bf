package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gennaker/gennaker"
)

// Route is one row of the table of routes.
//
// The application that a permission is asked for is the path's {app}.
type Route struct {
	Method     string
	Pattern    string // of http.ServeMux, without method and host
	Permission Permission

	body   bool // read it, up to gennaker.MaxDocumentBytes; otherwise it is ignored
	handle func(*Server, *request) (any, error)
}

// Routes returns the table of routes.
func (*Server) Routes() []Route { return routes() }

func routes() []Route { return slices.Concat(gate(), infrastructure(), own()) }

// gate are the routes of Spinnaker's Gate about what users write and run.
func gate() []Route {
	return []Route{
		{"GET", "/{$}", Public, false, (*Server).root},
		{"GET", "/ui", Public, false, (*Server).ui},
		{"GET", "/health", Public, false, (*Server).health},
		{"GET", "/version", Public, false, (*Server).version},
		{"GET", "/auth/user", Read, false, (*Server).user},

		{"GET", "/applications", Read, false, (*Server).applications},
		{"GET", "/applications/{app}", Read, false, (*Server).application},
		{"GET", "/applications/{app}/history", Read, false, (*Server).applicationHistory},

		{"GET", "/applications/{app}/pipelineConfigs", Read, false, (*Server).pipelines},
		{"GET", "/applications/{app}/pipelineConfigs/{name}", Read, false, (*Server).pipeline},
		{"GET", "/pipelineConfigs/{id}/history", Read, false, (*Server).pipelineHistory},
		{"POST", "/pipelines", Write, true, (*Server).savePipeline},
		{"PUT", "/pipelines/{id}", Write, true, (*Server).updatePipeline},
		{"DELETE", "/pipelines/{app}/{name}", Write, false, (*Server).deletePipeline},

		{"POST", "/pipelines/{app}/{name}", Execute, true, (*Server).startPipeline},
		{"GET", "/pipelines/{id}", Read, false, (*Server).execution},
		{"DELETE", "/pipelines/{id}", Execute, false, (*Server).deleteExecution},
		{"PUT", "/pipelines/{id}/cancel", Execute, false, (*Server).cancelExecution},
		{"PUT", "/pipelines/{id}/pause", Execute, false, (*Server).pauseExecution},
		{"PUT", "/pipelines/{id}/resume", Execute, false, (*Server).resumeExecution},
		{"PATCH", "/pipelines/{id}/stages/{stage}", Execute, true, (*Server).patchStage},
		{"PUT", "/pipelines/{id}/stages/{stage}/restart", Execute, false, (*Server).restartStage},
		{"GET", "/pipelines/{id}/evaluateExpression", Execute, false, (*Server).evaluateExpression},
		{"GET", "/pipelines/{id}/{stage}/evaluateExpression", Execute, false, (*Server).evaluateExpression},
		{"POST", "/pipelines/{id}/evaluateExpression", Execute, true, (*Server).evaluateBody},
		{"POST", "/pipelines/{id}/evaluateVariables", Execute, true, (*Server).evaluateVariables},
		{"GET", "/executions", Read, false, (*Server).executions},
		{"GET", "/applications/{app}/pipelines", Read, false, (*Server).applicationExecutions},
		// spin sends the words "{application}" for the application.
		{"PUT", "/applications/{ignored}/pipelines/{id}/cancel", Execute, false, (*Server).cancelExecution},

		{"GET", "/v2/pipelineTemplates", Read, false, (*Server).templates},
		{"GET", "/v2/pipelineTemplates/versions", Read, false, (*Server).templateVersions},
		{"GET", "/v2/pipelineTemplates/{id}", Read, false, (*Server).template},
		{"GET", "/v2/pipelineTemplates/{id}/dependents", Read, false, (*Server).templateDependents},
		{"POST", "/v2/pipelineTemplates/create", Write, true, (*Server).createTemplate},
		{"POST", "/v2/pipelineTemplates/update/{id}", Write, true, (*Server).updateTemplate},
		{"POST", "/v2/pipelineTemplates/plan", Execute, true, (*Server).planTemplate},
		{"DELETE", "/v2/pipelineTemplates/{id}", Write, false, (*Server).deleteTemplate},
		{"POST", "/actions/pipelines/reorder", Write, true, (*Server).reorderPipelines},
		{"POST", "/actions/strategies/reorder", Write, true, (*Server).reorderStrategies},

		{"GET", "/artifacts/credentials", Read, false, (*Server).artifactAccounts},
		{"PUT", "/artifacts/fetch", Execute, true, (*Server).fetchArtifact},
		{"GET", "/webhooks/preconfigured", Read, false, (*Server).preconfiguredWebhooks},
		{"GET", "/jobs/preconfigured", Read, false, (*Server).preconfiguredJobs},

		{"POST", "/tasks", Write, true, (*Server).startTask},
		{"GET", "/tasks/{id}", Read, false, (*Server).task},
		{"PUT", "/tasks/{id}/cancel", Execute, false, (*Server).cancelExecution},
		{"GET", "/applications/{app}/tasks", Read, false, (*Server).applicationTasks},
	}
}

// infrastructure are the routes of Spinnaker's Gate about what runs.
func infrastructure() []Route {
	return []Route{
		{"GET", "/applications/{app}/clusters", Read, false, (*Server).clusterNames},
		{"GET", "/applications/{app}/clusters/{account}", Read, false, (*Server).clusters},
		{"GET", "/applications/{app}/clusters/{account}/{cluster}", Read, false, (*Server).cluster},
		{"GET", "/applications/{app}/serverGroups", Read, false, (*Server).serverGroups},
		{"GET", "/applications/{app}/serverGroups/{account}/{region}/{name}", Read, false, (*Server).serverGroup},
		{"GET", "/applications/{app}/loadBalancers", Read, false, (*Server).loadBalancers},
		{"GET", "/applications/{app}/serverGroupManagers", Read, false, (*Server).managers},
		{"GET", "/applications/{app}/rawResources", Read, false, (*Server).rawResources},
		{"GET", "/loadBalancers", Read, false, (*Server).loadBalancerSummaries},
		{"GET", "/loadBalancers/{account}/{region}/{name}", Read, false, (*Server).loadBalancer},
		{"GET", "/securityGroups", Read, false, (*Server).securityGroups},
		{"GET", "/securityGroups/{account}", Read, false, (*Server).accountSecurityGroups},
		{"GET", "/securityGroups/{account}/{region}/{name}", Read, false, (*Server).securityGroup},
		{"GET", "/firewalls", Read, false, (*Server).securityGroups},
		{"GET", "/firewalls/{account}", Read, false, (*Server).accountSecurityGroups},
		{"GET", "/firewalls/{account}/{region}/{name}", Read, false, (*Server).securityGroup},
		{"GET", "/instances/{account}/{region}/{id}", Read, false, (*Server).instance},
		{"GET", "/instances/{account}/{region}/{id}/console", Read, false, (*Server).console},
		{"GET", "/manifests/{account}/{location}/{name}", Read, false, (*Server).showManifest},
		{"GET", "/manifests/{account}/{location}/{kind}/cluster/{app}/{cluster}/dynamic/{criteria}", Read, false, (*Server).dynamicManifest},
		{"GET", "/credentials", Read, false, (*Server).accounts},
		{"GET", "/credentials/{account}", Read, false, (*Server).account},
	}
}

// own are ours.
func own() []Route {
	return []Route{
		{"GET", "/api/v1/events", Read, false, (*Server).events},
		{"GET", "/api/v1/expressions", Read, false, (*Server).language},
		{"POST", "/api/v1/pipelines/lint", Write, true, (*Server).lintPipeline},
		{"POST", "/api/v1/pipelines/plan", Execute, true, (*Server).planPipeline},
		{"GET", "/api/v1/accounts", Admin, false, (*Server).accountViews},
		{"GET", "/api/v1/accounts/{account}", Admin, false, (*Server).accountView},
		{"PUT", "/api/v1/accounts/{account}", Admin, true, (*Server).saveAccount},
		{"DELETE", "/api/v1/accounts/{account}", Admin, false, (*Server).deleteAccount},
		{"POST", "/api/v1/accounts/check", Admin, true, (*Server).checkAccount},
		{"POST", "/api/v1/accounts/{account}/check", Admin, false, (*Server).diagnoseAccount},
		{"GET", "/api/v1/load-balancers", Read, false, (*Server).loadBalancers},
		{"GET", "/api/v1/manifests/{account}/{location}/{name}/events", Read, false, (*Server).manifestEvents},
		{"GET", "/api/v1/manifests/{account}/{location}/{name}/logs", Read, false, (*Server).manifestLogs},
		{"GET", "/api/v1/server-groups/{account}/{region}/{name}/logs", Read, false, (*Server).logs},
	}
}

// answer is a value with a status other than 200.
type answer struct {
	status int
	value  any
}

// withHeader is an answer with more headers.
type withHeader struct {
	header http.Header
	value  any
}

// content is an answer that is not JSON.
type content struct {
	status int
	header http.Header
	text   string
}

// ServeHTTP answers one request. A panic of a handler becomes an answer with
// status 500 and a line in the log.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	out := &writer{ResponseWriter: w}
	var route string
	defer func() {
		if v := recover(); v != nil {
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			err := fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			if out.status != 0 { // too late for another answer than a torn one
				s.Log.ErrorContext(r.Context(), "request failed", "route", route, "error", err)
				panic(http.ErrAbortHandler)
			}
			s.fail(out, r, err)
		}
		if s.Observe != nil {
			s.Observe(route, out.status, time.Since(began))
		}
	}()
	if r.ContentLength != 0 { // also for a body that nobody reads: the server looks for its end
		_ = http.NewResponseController(w).SetReadDeadline(began.Add(bodyTimeout))
	}
	out.Header().Set("X-Content-Type-Options", "nosniff")
	out.Header().Set("Cache-Control", "no-store")
	r, err := s.admit(r)
	if err != nil {
		s.fail(out, r, err)
		return
	}
	h, pattern := s.mux.Handler(r)
	if pattern == "" {
		s.unrouted(out, r, h)
		return
	}
	route = pattern
	s.mux.ServeHTTP(out, r)
}

// admit checks what must hold for every request, and returns r with a path
// that does not end in a slash.
func (s *Server) admit(r *http.Request) (*http.Request, error) {
	if err := s.checkHost(r); err != nil {
		return r, err
	}
	if err := s.origin.Check(r); err != nil {
		return r, errDenied().WithHint("a page of another site may not change anything here")
	}
	raw := r.URL.EscapedPath()
	trimmed := strings.TrimRight(raw, "/")
	path, err := url.PathUnescape(trimmed)
	if err != nil || !utf8.ValidString(path) {
		return r, gennaker.Errorf(gennaker.Invalid, "the path is not percent-encoded UTF-8")
	}
	for i, segment := range strings.Split(trimmed, "/") {
		if (segment == "") != (i == 0) || segment == "." || segment == ".." || r.Method == http.MethodConnect {
			return r, errNoRoute()
		}
	}
	if trimmed == "" {
		path, trimmed = "/", "/"
	}
	if trimmed != raw {
		clone, u := *r, *r.URL
		u.Path, u.RawPath = path, trimmed
		clone.URL = &u
		r = &clone
	}
	return r, nil
}

func errNoRoute() *gennaker.Error {
	return gennaker.Errorf(gennaker.NotFound, "There is nothing at this path")
}

// unrouted answers a request that no route is for; h is what the mux would.
func (s *Server) unrouted(w http.ResponseWriter, r *http.Request, h http.Handler) {
	scratch := &writer{ResponseWriter: discard{}}
	h.ServeHTTP(scratch, r)
	if scratch.status != http.StatusMethodNotAllowed {
		s.fail(w, r, errNoRoute())
		return
	}
	allow := scratch.Header().Get("Allow")
	w.Header().Set("Allow", allow)
	s.failWith(w, http.StatusMethodNotAllowed, ErrorBody{Message: "This path does not know " + r.Method, Hint: "it knows " + allow})
}

// handler makes a row's handler: permission, body, answer.
func (s *Server) handler(row Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		r := &request{Request: hr}
		v, err := s.call(w, r, row)
		if err != nil {
			s.fail(w, hr, err)
			return
		}
		for _, v := range r.freshness() {
			w.Header().Add(StaleHeader, v)
		}
		s.write(w, r, v)
	})
}

func (s *Server) call(w http.ResponseWriter, r *request, row Route) (any, error) {
	if row.Permission != Public {
		var err error
		if r.caller, err = s.Access.Caller(r.Request); err != nil {
			return nil, err
		}
		if err := s.Access.Allow(r.caller, row.Permission, r.PathValue("app")); err != nil {
			return nil, err
		}
	}
	if row.body {
		var err error
		if r.text, err = readBody(w, r.Request); err != nil {
			return nil, err
		}
	}
	return row.handle(s, r)
}

// write answers with v, which a handler returned.
func (s *Server) write(w http.ResponseWriter, r *request, v any) {
	if a, ok := v.(withHeader); ok {
		maps.Copy(w.Header(), a.header)
		v = a.value
	}
	status := http.StatusOK
	switch a := v.(type) {
	case nil:
		writeAll(w, status, nil)
		return
	case *stream:
		s.writeStream(w, r, a)
		return
	case content:
		maps.Copy(w.Header(), a.header)
		writeAll(w, a.status, []byte(a.text))
		return
	case answer:
		status, v = a.status, a.value
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		s.fail(w, r.Request, fmt.Errorf("encode answer: %w", err))
		return
	}
	writeJSON(w, status, text.Bytes())
}

func writeJSON(w http.ResponseWriter, status int, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	writeAll(w, status, text)
}

// writeAll writes an answer. A client that went away is not worth a word.
func writeAll(w http.ResponseWriter, status int, text []byte) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// writer remembers the status.
type writer struct {
	http.ResponseWriter
	status int
}

func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find the connection.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// discard keeps headers only.
type discard http.Header

func (d discard) Header() http.Header       { return http.Header(d) }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}
