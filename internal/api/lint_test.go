package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/document"
	"github.com/gennaker/gennaker/internal/lint"
)

// unlucky is a pipeline in which the world finds something.
const unlucky = "{\"id\":\"p1\",\"application\":\"demo\",\"name\":\"new\",\n\"stages\":[{\"type\":\"nope\",\"waitTime\":13}]}"

func unluckyWarnings() []lint.Warning {
	p := gennaker.Problem{Path: "stages[0].waitTime", Line: 2, Column: 37, Message: "is unlucky"}
	return []lint.Warning{
		{Problem: p, Severity: lint.Suspect, Rule: "field-value", Hint: "wait 12"},
		{Problem: p, Severity: lint.Info, Rule: "field-value", Offset: 3},
	}
}

func TestSaveAnswersWithWarnings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := api.New(w.config())
	res := call(s, "POST", "/pipelines", unlucky)
	var got document.LintBody
	if err := json.Unmarshal(res.Body.Bytes(), &got); err != nil || res.Code != 200 {
		t.Fatalf("status %d, body %q: %v", res.Code, res.Body, err)
	}
	if diff := cmp.Diff(unluckyWarnings(), got.Warnings); diff != "" {
		t.Error(diff)
	}
	if n, kind := res.Header().Get(document.WarningsHeader), res.Header().Get("Content-Type"); n != "1" || kind != "application/json" {
		t.Errorf("%s warnings, content type %s", n, kind)
	}
	res = call(s, "PUT", "/pipelines/p1", unlucky)
	var doc map[string]any
	if err := json.Unmarshal(res.Body.Bytes(), &doc); err != nil || doc["name"] != "new" || res.Header().Get(document.WarningsHeader) != "1" {
		t.Errorf("PUT: status %d, body %s, %s warnings", res.Code, res.Body, res.Header().Get(document.WarningsHeader))
	}
	res = call(s, "POST", "/pipelines", `{"application":"demo","name":"new"}`)
	if res.Code != 200 || res.Body.Len() > 0 || res.Header().Get(document.WarningsHeader) != "0" {
		t.Errorf("without warnings: status %d, body %q, %s warnings", res.Code, res.Body, res.Header().Get(document.WarningsHeader))
	}
	if n := len(w.changes()); n != 3 {
		t.Errorf("%d changes: %v", n, w.changes())
	}
}

func TestStrictSaveIsRefusedForWarnings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := api.New(w.config())
	for method, target := range map[string]string{"POST": "/pipelines?strict=true", "PUT": "/pipelines/p1?strict=true"} {
		b := failure(t, call(s, method, target, unlucky), http.StatusBadRequest)
		if len(b.Problems) != 1 || b.Problems[0].Line != 2 || b.Problems[0].Path != "stages[0].waitTime" {
			t.Errorf("%s: %+v", method, b)
		}
		failure(t, call(s, method, target+"ish", unlucky), http.StatusBadRequest)
	}
	if len(w.changes()) > 0 {
		t.Errorf("changed %v", w.changes())
	}
	if res := call(s, "POST", "/pipelines?strict=true", `{"application":"demo","name":"new"}`); res.Code != 200 || len(w.changes()) != 1 {
		t.Errorf("without warnings: status %d, %s", res.Code, res.Body)
	}
}

func TestLintEndpoint(t *testing.T) {
	t.Parallel()
	strict := unluckyWarnings()
	strict[0].Severity = lint.Error
	for name, tt := range map[string]struct {
		query, body string
		want        []lint.Warning
		status      int
	}{
		"warnings":     {"", unlucky, unluckyWarnings(), 200},
		"strict":       {"?strict=true", unlucky, strict, 200},
		"none":         {"", `{"name":"x"}`, []lint.Warning{}, 200},
		"no object":    {"", `[]`, nil, 400},
		"empty":        {"", ``, nil, 400},
		"other strict": {"?strict=very", unlucky, nil, 400},
		"cut off":      {"", `{"name":`, nil, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			res := call(api.New(w.config()), "POST", "/api/v1/pipelines/lint"+tt.query, tt.body)
			if tt.status != 200 {
				failure(t, res, tt.status)
				return
			}
			var got document.LintBody
			if err := json.Unmarshal(res.Body.Bytes(), &got); err != nil || res.Code != 200 {
				t.Fatalf("status %d, body %q: %v", res.Code, res.Body, err)
			}
			if diff := cmp.Diff(tt.want, got.Warnings); diff != "" {
				t.Error(diff)
			}
			if len(w.changes()) > 0 {
				t.Errorf("changed %v", w.changes())
			}
		})
	}
}
