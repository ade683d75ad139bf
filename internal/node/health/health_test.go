package health_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node/health"
)

func portOf(t *testing.T, a net.Addr) int {
	t.Helper()
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		t.Fatalf("address %v", a)
	}
	return tcp.Port
}

func TestCheck(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/well", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ill", http.StatusFound) })
	mux.HandleFunc("/ill", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	open := portOf(t, srv.Listener.Addr())
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := portOf(t, ln.Addr())
	ln.Close()
	sh := func(script string) []string { return []string{"sh", "-c", script} }
	tests := map[string]struct {
		check gennaker.HealthCheck
		port  int
		want  string // a part of the reason; "" for well
	}{
		"none":             {check: gennaker.HealthCheck{Type: "none"}, port: closed},
		"tcp":              {port: open},
		"tcp closed":       {port: closed, want: "does not listen on port "},
		"http":             {check: gennaker.HealthCheck{Path: "/well"}, port: open},
		"http redirect":    {check: gennaker.HealthCheck{Path: "/moved"}, port: open},
		"http ill":         {check: gennaker.HealthCheck{Path: "/ill"}, port: open, want: "GET /ill answered 503"},
		"http closed":      {check: gennaker.HealthCheck{Path: "/well"}, port: closed, want: "does not listen on port "},
		"http hangs":       {check: gennaker.HealthCheck{Path: "/hang", TimeoutMS: 50}, port: open, want: "GET /hang was not answered in 50 ms"},
		"command":          {check: gennaker.HealthCheck{Command: sh("test $PORT = 1")}},
		"command ill":      {check: gennaker.HealthCheck{Command: sh("exit 3")}, want: "the health command sh exited with status 3"},
		"command missing":  {check: gennaker.HealthCheck{Command: []string{"no-such-command"}}, want: "the health command no-such-command failed"},
		"command hangs":    {check: gennaker.HealthCheck{Command: sh("while :; do :; done"), TimeoutMS: 50}, want: "was not answered in 50 ms"},
		"command is local": {check: gennaker.HealthCheck{Command: []string{"check.sh"}}},
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/check.sh", []byte("#!/bin/sh\nexit 0\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hc := tt.check
			if hc.TimeoutMS == 0 {
				hc.TimeoutMS = 60_000
			}
			got := health.Check(t.Context(), health.WithDefaults(hc), health.Target{
				Port: tt.port, Dir: dir, Env: []string{"PORT=1", "PATH=" + os.Getenv("PATH")},
			})
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCheckEndsWithContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	hc := health.WithDefaults(gennaker.HealthCheck{Command: []string{"sleep", "600"}, TimeoutMS: 600_000})
	if got := health.Check(ctx, hc, health.Target{Dir: "/"}); got == "" {
		t.Error("it was well without having been asked")
	}
}

func TestTracker(t *testing.T) {
	t.Parallel()
	check := gennaker.HealthCheck{HealthyThreshold: 2, UnhealthyThreshold: 3, GraceSeconds: 10}
	// Each answer is + or -, asked every two seconds from the start.
	tests := map[string]struct {
		known   health.Verdict
		answers string
		want    string // p, h or u for each verdict
	}{
		"comes up":              {known: health.Pending, answers: "--++", want: "ppph"},
		"not two in a row":      {known: health.Pending, answers: "+-+-+", want: "ppppp"},
		"never":                 {known: health.Pending, answers: "---------", want: "pppppppuu"},
		"falls ill":             {known: health.Pending, answers: "++--+---", want: "phhhhhhu"},
		"recovers":              {known: health.Healthy, answers: "---+++", want: "hhuuhh"},
		"adopted, healthy":      {known: health.Healthy, answers: "+", want: "h"},
		"adopted, and ill soon": {known: health.Healthy, answers: "---", want: "hhu"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			launched := time.Unix(1000, 0)
			tr := health.NewTracker(check, launched, tt.known)
			var got strings.Builder
			for i, a := range tt.answers {
				answer := ""
				if a == '-' {
					answer = "is ill"
				}
				v, reason := tr.Observe(answer, launched.Add(time.Duration(2*i)*time.Second))
				got.WriteString(string(v[0]))
				if v == health.Healthy && reason != "" || v == health.Unhealthy && reason == "" {
					t.Errorf("answer %d: %s because %q", i, v, reason)
				}
			}
			if got.String() != tt.want {
				t.Errorf("verdicts %s, want %s", got.String(), tt.want)
			}
		})
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	launched := time.Unix(1000, 0)
	tr := health.NewTracker(gennaker.HealthCheck{IntervalMS: 5000}, launched, health.Pending)
	for age, want := range map[time.Duration]time.Duration{
		0: 25 * time.Millisecond, 8 * time.Second: time.Second, time.Hour: 5 * time.Second,
	} {
		if got := tr.Next(launched.Add(age)); got != want {
			t.Errorf("after %s: %s, want %s", age, got, want)
		}
	}
	tr.Observe("", launched)
	if got := tr.Next(launched); got != 5*time.Second {
		t.Errorf("when healthy: %s", got)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for name, hc := range map[string]gennaker.HealthCheck{
		"type":          {Type: "magic"},
		"path":          {Path: "health"},
		"path with EOL": {Path: "/a\r\nHost: b"},
		"long path":     {Path: "/" + strings.Repeat("a", 5000)},
		"no command":    {Type: "command"},
		"interval":      {IntervalMS: -1},
		"busy":          {IntervalMS: 1},
		"timeout":       {TimeoutMS: -5},
		"threshold":     {HealthyThreshold: -1},
		"threshold up":  {UnhealthyThreshold: 10_000},
		"grace":         {GraceSeconds: -1},
	} {
		if err := health.Validate(hc); gennaker.KindOf(err) != gennaker.Invalid || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, hc := range map[string]gennaker.HealthCheck{
		"nothing": {}, "http": {Path: "/x"}, "command": {Command: []string{"true"}}, "none": {Type: "none"},
	} {
		if err := health.Validate(hc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
