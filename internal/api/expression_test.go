package api_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/gennaker/gennaker/internal/api"
)

func TestEvaluateExpression(t *testing.T) {
	t.Parallel()
	const whole, stage = "/pipelines/01E2/evaluateExpression", "/pipelines/01E2/01S1/evaluateExpression"
	get := func(target, text string) string { return target + "?expression=" + url.QueryEscape(text) }
	for name, tt := range map[string]struct {
		method, target, body, kind string
		want                       string
		status                     int
	}{
		"a number":          {"GET", get(whole, "${1 + 1}"), "", "", `{"result":2}`, 0},
		"a text":            {"GET", get(whole, "<${'a'}>"), "", "", `{"result":"<a>"}`, 0},
		"at a stage":        {"GET", get(stage, "${at}"), "", "", `{"result":"01S1"}`, 0},
		"body of text":      {"POST", whole, "${'a' + at}", "text/plain", `{"result":"a"}`, 0},
		"body of no type":   {"POST", whole, "${at.length()}", "", `{"result":0}`, 0},
		"body of JSON":      {"POST", whole, `{"expression":"${1}"}`, "application/json; charset=utf-8", `{"result":1}`, 0},
		"null":              {"GET", get(whole, "a ${x.y} b"), "", "", `{"result":"a ${x.y} b","detail":{"a x.y b":[{"level":"ERROR"`, 0},
		"findings":          {"GET", get(whole, "a ${#nope()}"), "", "", `"findings":[{"expression":"a #nope()","offset":4,"level":"ERROR","message":"there is no function #nope"}]}`, 0},
		"nothing":           {"GET", whole, "", "", "", 400},
		"empty body":        {"POST", whole, " ", "text/plain", "", 400},
		"no expression":     {"POST", whole, "{}", "application/json", "", 400},
		"a list":            {"POST", whole, "[]", "application/json", "", 400},
		"of a number":       {"POST", whole, `{"expression":1}`, "application/json", "", 400},
		"unknown execution": {"GET", get("/pipelines/01E9/evaluateExpression", "a"), "", "", "", 404},
		"unknown stage":     {"GET", get("/pipelines/01E2/01S9/evaluateExpression", "a"), "", "", "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := call(api.New(newWorld(t).config()), tt.method, tt.target, tt.body, "Content-Type", tt.kind)
			if tt.status > 0 {
				b := failure(t, res, tt.status)
				if tt.status == 404 && !strings.Contains(b.Message, "01") {
					t.Errorf("message %q does not say what was not found", b.Message)
				}
				return
			}
			if got := strings.TrimSpace(res.Body.String()); res.Code != 200 || !strings.Contains(got, tt.want) {
				t.Errorf("status %d, body %s, want %s", res.Code, got, tt.want)
			}
		})
	}
}

func TestEvaluateVariables(t *testing.T) {
	t.Parallel()
	const list = `[{"key":"a","value":"${1 + 1}"},{"key":"b","value":"${a * 2}","description":"twice"},{"key":"c","value":7}]`
	for name, tt := range map[string]struct {
		query, body string
		want        string
		status      int
	}{
		"in order":      {"?spelVersion=v4", list, `{"result":[{"key":"a","value":2,"sourceValue":"{1 + 1}"},{"key":"b","value":4,"sourceValue":"{a * 2}","description":"twice"},{"key":"c","value":7}]}`, 0},
		"each alone":    {"?spelVersion=v3", list, `"findings":[{"path":"b",`, 0},
		"by default":    {"", list, `"findings":[{"path":"b",`, 0},
		"behind stages": {"?requisiteStageRefIds=1,2", `[{"key":"a","value":"${after}"}]`, `"value":"1+2"`, 0},
		"other ID":      {"?executionId=01E9", "[]", "", 404},
		"none":          {"", "[]", `{"result":[]}`, 0},
		"no list":       {"", "{}", "", 400},
		"no JSON":       {"", "[", "", 400},
		"other version": {"?spelVersion=v9", "[]", "", 400},
		"too many":      {"", "[" + strings.Repeat("{},", 1000) + "{}]", "", 413},
		"an operation":  {"?executionId=01T1", "[]", "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := call(api.New(newWorld(t).config()), "POST", "/pipelines/01E2/evaluateVariables"+tt.query, tt.body)
			if tt.status > 0 {
				failure(t, res, tt.status)
				return
			}
			if got := strings.TrimSpace(res.Body.String()); res.Code != 200 || !strings.Contains(got, tt.want) {
				t.Errorf("status %d, body %s, want %s", res.Code, got, tt.want)
			}
		})
	}
}
