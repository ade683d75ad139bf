package lab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Request says what a client asked for, in the words of RBAC; as a pattern,
// what is empty matches everything.
type Request struct {
	Verb      string // get, list, watch, create, update, patch, delete, deletecollection
	Resource  string // as "deployments" or "pods/log"; "" is not about objects
	Namespace string
	Name      string
}

// covers returns whether the request matches the pattern.
func (r Request) covers(other Request) bool {
	same := func(pattern, s string) bool { return pattern == "" || pattern == s }
	return same(r.Verb, other.Verb) && same(r.Resource, other.Resource) && same(r.Namespace, other.Namespace) && same(r.Name, other.Name)
}

// parse reads /api/v1/… and /apis/group/version/…, with or without
// namespaces/name/ before the resource.
func parse(r *http.Request) Request {
	out := Request{Verb: strings.ToLower(r.Method)}
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case path[0] == "api" && len(path) > 2:
		path = path[2:]
	case path[0] == "apis" && len(path) > 3:
		path = path[3:]
	default:
		return out
	}
	if path[0] == "namespaces" && len(path) > 2 && !slices.Contains([]string{"status", "finalize"}, path[2]) {
		out.Namespace, path = path[1], path[2:]
	}
	out.Resource = path[0]
	if len(path) > 1 {
		out.Name = path[1]
	}
	if len(path) > 2 {
		out.Resource += "/" + path[2]
	}
	out.Verb = verb(r, out.Name != "")
	return out
}

func verb(r *http.Request, named bool) string {
	switch r.Method {
	case http.MethodGet:
		watch, _ := strconv.ParseBool(r.URL.Query().Get("watch"))
		switch {
		case watch:
			return "watch"
		case named:
			return "get"
		}
		return "list"
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodDelete:
		if !named {
			return "deletecollection"
		}
	}
	return strings.ToLower(r.Method)
}

// An Effect is what happens to a request instead of being forwarded, or with
// it. Tests may write their own; it runs on the request's goroutine.
type Effect func(w http.ResponseWriter, r *http.Request, forward http.Handler)

type fault struct {
	match  Request
	left   int // negative: without end
	effect Effect
}

// Inject lets the effect happen to the next n requests that match, or to all if
// n is negative. Of several faults that match, the first one is due.
func (p *Proxy) Inject(match Request, n int, effect Effect) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, &fault{match, n, effect})
}

// Heal removes all faults.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

// due counts the request, and returns the effect that it is to have, or nil.
func (p *Proxy) due(r Request) Effect {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts[r]++
	for _, f := range p.faults {
		if f.left != 0 && f.match.covers(r) {
			f.left--
			return f.effect
		}
	}
	return nil
}

// TooManyRequests answers 429, as API Priority and Fairness does.
func TooManyRequests(retryAfter time.Duration) Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
		writeStatus(w, http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests)
	}
}

// Fail answers with an error of the API, as (500, "InternalError").
func Fail(code int, reason metav1.StatusReason) Effect {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { writeStatus(w, code, reason) }
}

// Expire answers a watch with the event that its resource version is too old,
// and anything else with 410.
func Expire() Effect {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		if parse(r).Verb != "watch" {
			writeStatus(w, http.StatusGone, metav1.StatusReasonExpired)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"type": "ERROR", "object": status(http.StatusGone, metav1.StatusReasonExpired)})
	}
}

// Slow forwards the request after a while.
func Slow(d time.Duration) Effect {
	return func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
		wait := time.NewTimer(d)
		defer wait.Stop()
		select {
		case <-wait.C:
			forward.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}
}

// Hold says on arrived that there is a request, and forwards it when release
// is closed.
func Hold(arrived chan<- Request, release <-chan struct{}) Effect {
	return func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
		select {
		case arrived <- parse(r):
		case <-r.Context().Done():
			return
		}
		select {
		case <-release:
			forward.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}
}

// Drop breaks the connection; the API server never sees the request.
func Drop() Effect {
	return func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }
}

// Lose forwards the request, which has its effect, and breaks the connection
// instead of answering. It isn't for watches.
func Lose() Effect {
	return func(_ http.ResponseWriter, r *http.Request, forward http.Handler) {
		forward.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
}

func writeStatus(w http.ResponseWriter, code int, reason metav1.StatusReason) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(status(code, reason))
}

func status(code int, reason metav1.StatusReason) metav1.Status {
	return metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure,
		Code:     int32(code),
		Reason:   reason,
		Message:  fmt.Sprintf("a fault that the test wants: %s", reason),
	}
}
