package app_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oklog/ulid/v2"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/app"
)

// TestObserved: what operators see of a pipeline that ran, and that what is
// configured is obeyed.
func TestObserved(t *testing.T) {
	t.Parallel()
	bodies := make(chan []byte, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer of a file" {
			t.Errorf("the collector is sent %q", got)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies <- body
	}))
	t.Cleanup(collector.Close)
	token, config := filepath.Join(t.TempDir(), "token"), filepath.Join(t.TempDir(), "config.yaml")
	for path, text := range map[string]string{
		token: "Bearer of a file\n",
		config: fmt.Sprintf(`
api: {origins: ["https://deck.example.com"], hosts: [box.example.com], rateLimit: {perSecond: 0.001, burst: 100}}
telemetry: {otlp: {endpoint: %q, headers: {Authorization: "file:%s"}}}`, collector.URL, token),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t)
	w.save("observed", nil, stage(1, "wait", object{"waitTime": 0}))
	w.end()
	var err error
	if w.settings, err = app.ReadSettings(config, false); err != nil {
		t.Fatal(err)
	}
	w.start()
	id := w.begin("observed", nil)
	w.ended(id, gennaker.Succeeded)
	trace, err := ulid.Parse(id)
	if err != nil {
		t.Fatal(err)
	}
	if body := <-bodies; !bytes.Contains(body, trace[:]) || !bytes.Contains(body, []byte("observed")) {
		t.Errorf("the trace of %s has %q", id, body)
	}
	metrics := w.text("/metrics")
	for _, want := range []string{
		`executions_started_total{application="demo"} 1`, `executions_completed_total{application="demo",status="SUCCEEDED"} 1`,
		`stage_duration_seconds_count{status="SUCCEEDED",type="wait"} 1`, `gate_requests_seconds_count{route="POST /pipelines/{app}/{name}",status="202"} 1`,
		`cache_age_seconds{account=`, `gennaker_build_info{version="test"} 1`, `traces_lost_total 0`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("there is no %s in\n%s", want, metrics)
		}
	}
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.URL()+"/applications", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "box.example.com"
	req.Header.Set("Origin", "https://deck.example.com")
	for range 101 {
		res, err := w.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != "https://deck.example.com" {
			t.Fatalf("status %d, allowed is %q", res.StatusCode, got)
		}
		if res.StatusCode == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("there is no end of requests")
}

// text returns what a GET answers with 200.
func (w *world) text(path string) string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.URL()+path, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		w.t.Fatalf("GET %s: status %d, %v: %s", path, res.StatusCode, err, text)
	}
	return string(text)
}
