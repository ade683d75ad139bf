package remote_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/egress"
	"github.com/gennaker/gennaker/internal/stage/remote"
)

// stored returns v as it is after it was stored and read.
func stored(t *testing.T, v any) any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCreate: what a request's answer means.
//
// Source: rows marked * are from Spinnaker orca CreateWebhookTaskSpec, in our
// words; the others from stages.md §2.
func TestCreate(t *testing.T) {
	t.Parallel()
	const (
		failed  = "TERMINAL: Error submitting webhook for pipeline EXEC to URL with status code %d."
		again   = "Error submitting webhook for pipeline EXEC to URL with status code %d, will retry."
		failFst = "TERMINAL: Received status code %d, which is configured to fail fast, terminating stage for pipeline EXEC to URL"
	)
	type fields = map[string]any
	object := fields{"success": true}
	for name, tt := range map[string]struct {
		status      int
		contentType string
		body        string
		fields      fields
		want        string // URL stands for the server's
		wantError   string // webhook.error of what is tried again
		wantBody    any
	}{
		"200 with an empty object *":                 {200, jsonType, `{}`, nil, "SUCCEEDED", "", fields{}},
		"200 without a body":                         {200, jsonType, ``, nil, "SUCCEEDED", "", nil},
		"200 with a page *":                          {200, "text/html", `<html></html>`, nil, "SUCCEEDED", "", "<html></html>"},
		"200 with a list":                            {200, jsonType, `[1,"a"]`, nil, "SUCCEEDED", "", []any{1.0, "a"}},
		"200 with a text in JSON":                    {200, jsonType, `"a"`, nil, "SUCCEEDED", "", "a"},
		"200 with null":                              {200, jsonType, `null`, nil, "SUCCEEDED", "", nil},
		"200 with a vendor's JSON":                   {200, "application/vnd.api+json; charset=utf-8", `{"a":1}`, nil, "SUCCEEDED", "", fields{"a": 1.0}},
		"200 with JSON that says it is text":         {200, textType, `{"a":1}`, nil, "SUCCEEDED", "", `{"a":1}`},
		"200 with what is no JSON":                   {200, jsonType, `{"a"`, nil, "TERMINAL: An exception occurred for pipeline EXEC performing a POST request to URL. its answer says that it is JSON, and is not: unexpected EOF", "", nil},
		"200 with more than JSON":                    {200, jsonType, `{} x`, nil, "TERMINAL: An exception occurred for pipeline EXEC performing a POST request to URL. its answer says that it is JSON, and is not: something follows the first value", "", nil},
		"200 nested too deep":                        {200, jsonType, strings.Repeat("[", 70) + strings.Repeat("]", 70), nil, "TERMINAL: An exception occurred for pipeline EXEC performing a POST request to URL. its answer says that it is JSON, and is not: it is nested more than 64 deep", "", nil},
		"201":                                        {201, jsonType, `{"success":true}`, nil, "SUCCEEDED", "", object},
		"204":                                        {204, "", ``, nil, "SUCCEEDED", "", nil},
		"304, which redirects nowhere":               {304, "", ``, nil, "SUCCEEDED", "", nil},
		"300 without a Location":                     {300, textType, `choose`, nil, "SUCCEEDED", "", "choose"},
		"400 *":                                      {400, textType, `Oh noes`, nil, fmt.Sprintf(failed, 400), "", "Oh noes"},
		"400 with true *":                            {400, jsonType, `true`, nil, fmt.Sprintf(failed, 400), "", "true"},
		"400 with a number *":                        {400, jsonType, `123`, nil, fmt.Sprintf(failed, 400), "", "123"},
		"400 with bad JSON *":                        {400, jsonType, `{"bad json":`, nil, fmt.Sprintf(failed, 400), "", `{"bad json":`},
		"400 with an object *":                       {400, jsonType, `{"key" : {"subkey" : "subval"}}`, nil, fmt.Sprintf(failed, 400), "", fields{"key": fields{"subkey": "subval"}}},
		"400 with an object that says it is text":    {400, textType, `{"a":1}`, nil, fmt.Sprintf(failed, 400), "", fields{"a": 1.0}},
		"400 with a list *":                          {400, jsonType, `["1", {"k": "v"}, 2]`, nil, fmt.Sprintf(failed, 400), "", []any{"1", fields{"k": "v"}, 2.0}},
		"400 without a body":                         {400, jsonType, ``, nil, fmt.Sprintf(failed, 400), "", nil},
		"401":                                        {401, textType, `no`, nil, fmt.Sprintf(failed, 401), "", "no"},
		"404":                                        {404, textType, `no`, nil, fmt.Sprintf(failed, 404), "", "no"},
		"401 in webhookRetryStatusCodes *":           {401, textType, `no`, fields{"webhookRetryStatusCodes": []any{404.0, 401.0}}, "RUNNING", fmt.Sprintf(again, 401), "no"},
		"404 in webhookRetryStatusCodes, as texts":   {404, textType, `no`, fields{"webhookRetryStatusCodes": []any{"404"}}, "RUNNING", fmt.Sprintf(again, 404), "no"},
		"404 in retryStatusCodes, of the monitor":    {404, textType, `no`, fields{"retryStatusCodes": []any{404.0}}, fmt.Sprintf(failed, 404), "", "no"},
		"404 in retries, of the monitor":             {404, textType, `no`, fields{"retries": fields{"404": fields{"maxAttempts": 3.0}}}, fmt.Sprintf(failed, 404), "", "no"},
		"429, the server's default *":                {429, textType, `slow`, nil, "RUNNING", fmt.Sprintf(again, 429), "slow"},
		"429 in failFastStatusCodes":                 {429, textType, `slow`, fields{"failFastStatusCodes": []any{429.0}}, fmt.Sprintf(failFst, 429), "", "slow"},
		"500":                                        {500, textType, `oops`, nil, "RUNNING", fmt.Sprintf(again, 500), "oops"},
		"502":                                        {502, textType, `oops`, nil, "RUNNING", fmt.Sprintf(again, 502), "oops"},
		"503 with JSON":                              {503, jsonType, `{"later":true}`, nil, "RUNNING", fmt.Sprintf(again, 503), fields{"later": true}},
		"503 in failFastStatusCodes *":               {503, textType, `Fail fast, ok?`, fields{"failFastStatusCodes": []any{503.0}}, fmt.Sprintf(failFst, 503), "", "Fail fast, ok?"},
		"503 in failFastStatusCodes, a single one":   {503, textType, `x`, fields{"failFastStatusCodes": 503.0}, fmt.Sprintf(failFst, 503), "", "x"},
		"503 in both lists":                          {503, textType, `x`, fields{"failFastStatusCodes": []any{503.0}, "webhookRetryStatusCodes": []any{503.0}}, fmt.Sprintf(failFst, 503), "", "x"},
		"504 fails fast by default":                  {504, textType, `x`, nil, fmt.Sprintf(failFst, 504), "", "x"},
		"504 with other failFastStatusCodes":         {504, textType, `x`, fields{"failFastStatusCodes": []any{500.0}}, "RUNNING", fmt.Sprintf(again, 504), "x"},
		"504 with failFastStatusCodes null":          {504, textType, `x`, fields{"failFastStatusCodes": nil}, "RUNNING", fmt.Sprintf(again, 504), "x"},
		"504 with failFastStatusCodes empty":         {504, textType, `x`, fields{"failFastStatusCodes": []any{}}, "RUNNING", fmt.Sprintf(again, 504), "x"},
		"599":                                        {599, textType, `x`, nil, "RUNNING", fmt.Sprintf(again, 599), "x"},
		"600":                                        {600, textType, `x`, nil, fmt.Sprintf(failed, 600), "", "x"},
		"url missing":                                {200, textType, ``, fields{"url": ""}, "error invalid: url is missing", "", nil},
		"url that is none":                           {200, textType, ``, fields{"url": "http://a b"}, "TERMINAL: An exception occurred for pipeline EXEC performing a POST request to http://a b. read the URL of the webhook: the text is no URL", "", nil},
		"scheme *":                                   {200, textType, ``, fields{"url": "wrong://my-service.example/api/"}, "TERMINAL: An exception occurred for pipeline EXEC performing a POST request to wrong://my-service.example/api/. the scheme of wrong://my-service.example is not one of http, https", "", nil},
		"metadata of the cloud":                      {200, textType, ``, fields{"url": "http://169.254.169.254/latest/"}, "TERMINAL: An exception occurred for pipeline EXEC performing a POST request to http://169.254.169.254/latest/. the address 169.254.169.254 is link-local, or serves the metadata of a machine", "", nil},
		"method in small letters *":                  {400, textType, `x`, fields{"method": "delete"}, fmt.Sprintf(failed, 400), "", "x"},
		"method that is none":                        {200, textType, ``, fields{"method": "FETCH"}, `error invalid: method "FETCH" is no method of HTTP`, "", nil},
		"cancelMethod that is none":                  {200, textType, ``, fields{"cancelMethod": "FETCH"}, `error invalid: cancelMethod "FETCH" is no method of HTTP`, "", nil},
		"statusUrlResolution that is none":           {200, textType, ``, fields{"statusUrlResolution": "guess"}, `error invalid: statusUrlResolution "guess" is none of getMethod, locationHeader and webhookResponse`, "", nil},
		"monitorOnly without waitForCompletion":      {200, textType, ``, fields{"monitorOnly": true}, "error invalid: Can't specify monitorOnly = true and waitForCompletion = false at the same time", "", nil},
		"artifacts *":                                {200, jsonType, `{"artifacts":[{"name":"overrides"}]}`, fields{"expectedArtifacts": []any{fields{}}}, "SUCCEEDED", "", fields{"artifacts": []any{fields{"name": "overrides"}}}},
		"artifacts absent":                           {200, jsonType, `{}`, fields{"expectedArtifacts": []any{fields{}}}, "TERMINAL: Expected artifacts in webhook response couldn't be parsed: No results for path: $['artifacts']", "", fields{}},
		"artifacts in a text":                        {200, textType, `{"artifacts":[]}`, fields{"expectedArtifacts": []any{fields{}}}, "TERMINAL: Expected artifacts in webhook response couldn't be parsed: No results for path: $['artifacts']", "", `{"artifacts":[]}`},
		"artifacts not expected":                     {200, jsonType, `{}`, fields{"expectedArtifacts": []any{}}, "SUCCEEDED", "", fields{}},
		"status URL: same *":                         {201, jsonType, `{"success":true}`, fields{"waitForCompletion": "true", "statusUrlResolution": "getMethod"}, "SUCCEEDED", "", object},
		"status URL: header absent":                  {200, jsonType, `{}`, fields{"waitForCompletion": true, "statusUrlResolution": "locationHeader"}, "TERMINAL: The status URL couldn't be resolved, but 'Wait for completion' is configured", "", fields{}},
		"status URL: path leads nowhere":             {200, jsonType, `{}`, fields{"waitForCompletion": true, "statusUrlResolution": "webhookResponse", "statusUrlJsonPath": "$.location"}, "TERMINAL: Exception while resolving status check URL: $.location: no results for the path", "", fields{}},
		"status URL: null":                           {200, jsonType, `{"location":null}`, fields{"waitForCompletion": true, "statusUrlResolution": "webhookResponse", "statusUrlJsonPath": "$.location"}, "TERMINAL: The status URL couldn't be resolved, but 'Wait for completion' is configured", "", fields{"location": nil}},
		"status URL: list *":                         {201, jsonType, `{"location":["this","is","a"]}`, fields{"waitForCompletion": true, "statusUrlResolution": "webhookResponse", "statusUrlJsonPath": "$.location"}, `TERMINAL: Exception while resolving status check URL: $.location is no text, but ["this","is","a"]`, "", fields{"location": []any{"this", "is", "a"}}},
		"status URL: path missing":                   {200, jsonType, `{}`, fields{"waitForCompletion": true, "statusUrlResolution": "webhookResponse"}, "TERMINAL: Exception while resolving status check URL: statusUrlJsonPath is missing", "", fields{}},
		"waitForCompletion does not look for others": {200, jsonType, `{}`, fields{"waitForCompletion": true, "expectedArtifacts": []any{fields{}}}, "SUCCEEDED", "", fields{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, replies(tt.status, tt.contentType, tt.body))
			values := map[string]any{"url": s.URL, "payload": map[string]any{}}
			maps.Copy(values, tt.fields)
			w := newWorld(t, remote.Config{}, "webhook", values)
			o, err := w.run("createWebhook")
			got := strings.ReplaceAll(said(o, err), s.URL, "URL")
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if err != nil {
				return
			}
			wantError := tt.wantError
			if reason, _, _ := o.Reason(); reason != "" {
				wantError = strings.ReplaceAll(reason, s.URL, "URL")
			}
			if e, _ := w.at("webhook", "error").(string); strings.ReplaceAll(e, s.URL, "URL") != wantError {
				t.Errorf("webhook.error is %q, want %q", e, wantError)
			}
			if diff := cmp.Diff(tt.wantBody, w.at("webhook", "body")); diff != "" {
				t.Errorf("webhook.body (-want +got):\n%s", diff)
			}
			if o.Status() == gennaker.Running && !o.Due(start).Equal(start.Add(10*time.Second)) {
				t.Errorf("again at %v", o.Due(start))
			}
		})
	}
}

// TestCreateContext: all that the context says of an answer.
func TestCreateContext(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		w.Header().Set("X-Request", "7")
		w.Header().Add("X-Many", "first")
		w.Header().Add("X-Many", "second")
		w.Header().Set("Set-Cookie", "session=secret")
		w.Header().Set("Location", "/status/123")
		replies(http.StatusAccepted, jsonType, `{"id":12345678901234567,"big":123456789012345678901234567890,"f":1.0}`)(w, r)
	})
	w := newWorld(t, remote.Config{}, "webhook", map[string]any{"url": s.URL + "/api/?q=1", "waitForCompletion": true, "statusUrlResolution": "locationHeader"})
	o, err := w.run("createWebhook")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(o.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`{"statusEndpoint":"URL/status/123","webhook":{"body":{"big":123456789012345678901234567890,"f":1,"id":12345678901234567},`+
		`"headers":{"Content-Length":"69","Content-Type":"application/json","Location":"/status/123","Set-Cookie":"***","X-Many":"first","X-Request":"7"},`+
		`"statusCode":"ACCEPTED","statusCodeValue":202,"statusEndpoint":"URL/status/123"}}`, "URL", s.URL)
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("context (-want +got):\n%s", diff)
	}
}

// TestCreateArtifacts: the artifacts of the answer stand where the step that
// binds them looks.
func TestCreateArtifacts(t *testing.T) {
	t.Parallel()
	s := newServer(t, replies(200, jsonType, `{"artifacts":[{"type":"github/file","name":"a"}]}`))
	w := newWorld(t, remote.Config{}, "webhook", map[string]any{"url": s.URL, "expectedArtifacts": []any{map[string]any{"id": "x"}}})
	if got, want := w.prepare(), []string{"createWebhook", "bindProducedArtifacts"}; !cmp.Equal(got, want) {
		t.Errorf("steps are %v", got)
	}
	if _, err := w.run("createWebhook"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{map[string]any{"type": "github/file", "name": "a"}}, w.at("artifacts")); diff != "" {
		t.Errorf("artifacts (-want +got):\n%s", diff)
	}
}

// TestStatusURL: the webhook's scheme holds for the status on the same host.
//
// Source: rows marked * are from Spinnaker orca CreateWebhookTaskSpec.
func TestStatusURL(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		resolution, path string
		location, body   string
		want             string
	}{
		"same URL *":                     {"getMethod", "", "https://blah.example", "", "URL/api"},
		"by default":                     {"", "", "https://blah.example", "", "URL/api"},
		"header, other host *":           {"locationHeader", "", "https://blah.example/api/status/123", "", "https://blah.example/api/status/123"},
		"header, same host, scheme *":    {"locationHeader", "", "https://HOST/api/status/123", "", "URL/api/status/123"},
		"header, path only":              {"locationHeader", "", "/status?a=1", "", "URL/status?a=1"},
		"header, relative":               {"locationHeader", "", "status", "", "URL/status"},
		"body, other host *":             {"webhookResponse", "$.url", "", "https://blah.example", "https://blah.example"},
		"body, same host, scheme *":      {"webhookResponse", "$.url", "", "https://HOST/s", "URL/s"},
		"body, path without dollar":      {"webhookResponse", "url", "", "https://blah.example", "https://blah.example"},
		"body, joined, issue 2163 *":     {"webhookResponse", `concat("https://my.example/api/id/", $.id)`, "", "", "https://my.example/api/id/1"},
		"body, joined of texts in lists": {"webhookResponse", `$.parts.concat("/", $.n)`, "", "", "URL/api/7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var host string
			s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
				if tt.location != "" {
					w.Header().Set("Location", strings.ReplaceAll(tt.location, "HOST", host))
				}
				u, _ := json.Marshal(strings.ReplaceAll(tt.body, "HOST", host))
				replies(201, jsonType, fmt.Sprintf(`{"url":%s,"id":"1","n":7,"parts":[%q,"/api"]}`, u, "http://"+host))(w, r)
			})
			host = strings.TrimPrefix(s.URL, "http://")
			w := newWorld(t, remote.Config{}, "webhook", map[string]any{
				"url": s.URL + "/api", "waitForCompletion": "true", "statusUrlResolution": tt.resolution, "statusUrlJsonPath": tt.path,
			})
			if o, err := w.run("createWebhook"); said(o, err) != "SUCCEEDED" {
				t.Fatal(said(o, err))
			}
			want := strings.ReplaceAll(tt.want, "URL", s.URL)
			if w.at("statusEndpoint") != want || w.at("webhook", "statusEndpoint") != want {
				t.Errorf("got %v and %v, want %s", w.at("statusEndpoint"), w.at("webhook", "statusEndpoint"), want)
			}
		})
	}
}

// TestRequest: what is sent.
func TestRequest(t *testing.T) {
	t.Parallel()
	type fields = map[string]any
	for name, tt := range map[string]struct {
		fields  fields
		method  string
		body    string
		headers map[string][]string
	}{
		"nothing said":           {nil, "POST", "", map[string][]string{"Content-Type": nil, "Accept": {"application/json, application/*+json, text/plain, */*"}}},
		"object":                 {fields{"payload": fields{"b": 1.0, "a": "<x>"}}, "POST", `{"a":"<x>","b":1}`, map[string][]string{"Content-Type": {"application/json"}}},
		"list":                   {fields{"payload": []any{1.0}, "method": "put"}, "PUT", `[1]`, map[string][]string{"Content-Type": {"application/json"}}},
		"number":                 {fields{"payload": 1.5}, "POST", `1.5`, nil},
		"text":                   {fields{"payload": `{"as": "is" }`, "method": "PATCH"}, "PATCH", `{"as": "is" }`, map[string][]string{"Content-Type": {"application/json"}}},
		"text of another type":   {fields{"payload": "<a/>", "customHeaders": fields{"content-type": "application/xml"}}, "POST", "<a/>", map[string][]string{"Content-Type": {"application/xml"}}},
		"form":                   {fields{"payload": fields{"a": "x y", "n": 1.0}, "customHeaders": fields{"Content-Type": "application/x-www-form-urlencoded"}}, "POST", "a=x+y&n=1", nil},
		"form that is a text":    {fields{"payload": "a=b", "customHeaders": fields{"Content-Type": "application/x-www-form-urlencoded"}}, "POST", "a=b", nil},
		"GET has no body":        {fields{"payload": fields{"a": 1.0}, "method": "get"}, "GET", "", map[string][]string{"Content-Type": nil}},
		"DELETE has one":         {fields{"payload": fields{"a": 1.0}, "method": "DELETE"}, "DELETE", `{"a":1}`, nil},
		"headers":                {fields{"customHeaders": fields{"x-one": "1", "X-List": []any{"a", "b"}, "X-Number": 5.0, "X-Null": nil, "Accept": "text/x"}}, "POST", "", map[string][]string{"X-One": {"1"}, "X-List": {"a", "b"}, "X-Number": {"5"}, "X-Null": nil, "Accept": {"text/x"}}},
		"headers of Spinnaker":   {fields{"customHeaders": fields{"x-spinnaker-user": "admin", "X-SPINNAKER-EXECUTION-ID": "1", "X-Spinnaker-Foo": "kept"}}, "POST", "", map[string][]string{"X-Spinnaker-User": nil, "X-Spinnaker-Execution-Id": nil, "X-Spinnaker-Foo": {"kept"}}},
		"key of its own":         {fields{"customHeaders": fields{"idempotency-key": "mine"}}, "POST", "", map[string][]string{"Idempotency-Key": {"mine"}}},
		"length that is made up": {fields{"payload": "x", "customHeaders": fields{"Content-Length": "100"}}, "POST", "x", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, replies(200, textType, "ok"))
			values := map[string]any{"url": s.URL + "/p"}
			maps.Copy(values, tt.fields)
			w := newWorld(t, remote.Config{}, "webhook", values)
			if o, err := w.run("createWebhook"); said(o, err) != "SUCCEEDED" {
				t.Fatal(said(o, err))
			}
			got := s.requests()[0]
			if got.Method != tt.method || got.Body != tt.body || got.Path != "/p" {
				t.Errorf("sent %s %s %q", got.Method, got.Path, got.Body)
			}
			for name, want := range tt.headers {
				if !cmp.Equal(got.Header[name], want) {
					t.Errorf("header %s is %q, want %q", name, got.Header[name], want)
				}
			}
		})
	}
}

// TestHost: a header Host is the host that is asked for.
func TestHost(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host) })
	w := newWorld(t, remote.Config{}, "webhook", map[string]any{"url": s.URL, "customHeaders": map[string]any{"host": "virtual.example"}})
	if o, err := w.run("createWebhook"); said(o, err) != "SUCCEEDED" || w.at("webhook", "body") != "virtual.example" {
		t.Errorf("%s, %v", said(o, err), w.at("webhook", "body"))
	}
}

// TestUnanswered: what there is no answer to.
//
// Source: Spinnaker orca CreateWebhookTaskSpec, "should retry on name resolution
// failure", "on timeout", "when configured to do so".
func TestUnanswered(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	slow := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(hang) })
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	large := newServer(t, replies(200, textType, strings.Repeat("x", 2000)))
	loop := newServer(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) })
	allow := func(safe bool) []remote.AllowedRequest {
		return []remote.AllowedRequest{{Methods: []string{"post"}, URLPrefix: slow.URL, SafeToRetry: safe}}
	}
	const exception = "TERMINAL: An exception occurred for pipeline EXEC performing a %s request to %s. "
	for name, tt := range map[string]struct {
		cfg         remote.Config
		method, url string
		want        string // beginning
		wantError   string
	}{
		"unknown host":           {remote.Config{}, "POST", "https://nobody.example/api", "RUNNING", "Remote host resolution failure in webhook for pipeline EXEC to https://nobody.example/api, will retry."},
		"unknown host and user":  {remote.Config{}, "POST", "https://ann:secret@nobody.example/api", "RUNNING", "Remote host resolution failure in webhook for pipeline EXEC to https://nobody.example/api, will retry."},
		"timeout of GET":         {remote.Config{}, "get", slow.URL, "RUNNING", "Socket timeout in webhook on GET request for pipeline EXEC to " + slow.URL + ", will retry."},
		"timeout of POST":        {remote.Config{}, "post", slow.URL, fmt.Sprintf(exception, "POST", slow.URL) + slow.URL + " did not answer in time", ""},
		"timeout of what is not": {remote.Config{Restrict: true, Allowed: allow(false)}, "post", slow.URL, fmt.Sprintf(exception, "POST", slow.URL), ""},
		"timeout of what is":     {remote.Config{Restrict: true, Allowed: allow(true)}, "post", slow.URL, "RUNNING", "Socket timeout in webhook on POST request for pipeline EXEC to " + slow.URL + ", will retry."},
		"nobody listens":         {remote.Config{}, "GET", closed.URL, fmt.Sprintf(exception, "GET", closed.URL) + closed.URL + " refuses connections", ""},
		"certificate":            {remote.Config{}, "POST", secure.URL, fmt.Sprintf(exception, "POST", secure.URL) + secure.URL + " could not be connected to securely: ", ""},
		"too large":              {remote.Config{MaxResponseBytes: 1000}, "POST", large.URL, fmt.Sprintf(exception, "POST", large.URL) + "the answer of " + large.URL + " has more than 1000 bytes", ""},
		"redirects in a circle":  {remote.Config{}, "POST", loop.URL, fmt.Sprintf(exception, "POST", loop.URL) + loop.URL + " redirects more than 10 times", ""},
		"request not allowed":    {remote.Config{Restrict: true, Allowed: allow(true)}, "PUT", slow.URL, "error denied: http method 'PUT', uri: '" + slow.URL + "' not allowed", ""},
		"nothing is allowed":     {remote.Config{Restrict: true}, "GET", slow.URL, "error denied: http method 'GET', uri: '" + slow.URL + "' not allowed", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.cfg.Client = newClient(t, egress.Options{ReadTimeout: 200 * time.Millisecond})
			w := newWorld(t, tt.cfg, "webhook", map[string]any{"url": tt.url, "method": tt.method})
			o, err := w.run("createWebhook")
			if got := said(o, err); !strings.HasPrefix(got, tt.want) || tt.want == "RUNNING" && got != "RUNNING" {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if got, _ := w.at("webhook", "error").(string); tt.wantError != "" && got != tt.wantError {
				t.Errorf("webhook.error is %q, want %q", got, tt.wantError)
			}
		})
	}
}

// TestAllowedPattern: a pattern holds for the whole URL.
func TestAllowedPattern(t *testing.T) {
	t.Parallel()
	s := newServer(t, replies(200, textType, "ok"))
	cfg := remote.Config{Restrict: true, Allowed: []remote.AllowedRequest{{Methods: []string{"POST"}, URLPattern: `http://127\.0\.0\.1:\d+/ok`}}}
	for path, want := range map[string]string{"/ok": "SUCCEEDED", "/ok/more": "error denied"} {
		w := newWorld(t, cfg, "webhook", map[string]any{"url": s.URL + path})
		if o, err := w.run("createWebhook"); !strings.HasPrefix(said(o, err), want) {
			t.Errorf("%s: %s", path, said(o, err))
		}
	}
}

// TestCrash: an answer that was lost before it was stored is asked for again,
// under the same key; another run of the stage has another.
func TestCrash(t *testing.T) {
	t.Parallel()
	s := newServer(t, replies(503, textType, "later"))
	w := newWorld(t, remote.Config{}, "webhook", map[string]any{"url": s.URL})
	before := w.in
	for range 2 {
		w.in = before // as if nothing had been stored
		if o, err := w.run("createWebhook"); said(o, err) != "RUNNING" {
			t.Fatal(said(o, err))
		}
	}
	if o, err := w.run("createWebhook"); said(o, err) != "RUNNING" { // tried again
		t.Fatal(said(o, err))
	}
	w.in.Key = "EXEC/STAGE/1/createWebhook"
	if _, err := w.def.Step("createWebhook").Task.Run(t.Context(), w.in); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, r := range s.requests() {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
	}
	if len(keys) != 4 || keys[0] == "" || keys[1] != keys[0] || keys[2] != keys[0] || keys[3] == keys[0] {
		t.Errorf("keys are %q", keys)
	}
}

// TestInterrupted: a task whose context ends says nothing about the webhook.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	stopped := errors.New("stopped")
	ctx, stop := context.WithCancelCause(t.Context())
	s := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
		stop(stopped)
		<-r.Context().Done()
	})
	w := newWorld(t, remote.Config{}, "webhook", map[string]any{"url": s.URL, "monitorOnly": true, "waitForCompletion": true})
	for _, step := range []string{"createWebhook", "monitorWebhook"} {
		in := w.in
		if step == "createWebhook" {
			in.Stage.Context = map[string]any{"url": s.URL}
		}
		if o, err := w.def.Step(step).Task.Run(ctx, in); !errors.Is(err, stopped) || o.Status() != "" {
			t.Errorf("%s: %s", step, said(o, err))
		}
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	s := newServer(t, replies(503, textType, "later"))
	for _, tt := range []struct {
		ms   any
		want time.Duration
	}{{nil, 10 * time.Second}, {1000.0, 10 * time.Second}, {"60000", time.Minute}, {1e300, 24 * time.Hour}} {
		w := newWorld(t, remote.Config{}, "webhook", map[string]any{"url": s.URL, "backoffPeriodMs": tt.ms})
		if o, err := w.run("createWebhook"); err != nil || o.Due(start).Sub(start) != tt.want {
			t.Errorf("%v: again after %v, %v", tt.ms, o.Due(start).Sub(start), err)
		}
	}
}

func TestWaitBefore(t *testing.T) {
	t.Parallel()
	type fields = map[string]any
	for name, tt := range map[string]struct {
		fields fields
		after  time.Duration
		want   string
		due    time.Duration
	}{
		"begins":            {fields{"waitBeforeMonitor": 30.0}, 0, "RUNNING", 30 * time.Second},
		"goes on":           {fields{"waitBeforeMonitor": "30"}, 29 * time.Second, "RUNNING", 30 * time.Second},
		"ends":              {fields{"waitBeforeMonitor": 30.0}, 30 * time.Second, "SUCCEEDED", 0},
		"is skipped":        {fields{"waitBeforeMonitor": 30.0, "skipRemainingWait": true}, 0, "SUCCEEDED", 0},
		"waitTime is first": {fields{"waitBeforeMonitor": 30.0, "waitTime": "60"}, 45 * time.Second, "RUNNING", time.Minute},
		"waitTime is none":  {fields{"waitBeforeMonitor": 30.0, "waitTime": "soon"}, 0, `error invalid: waitTime "soon" is no number of seconds`, 0},
		"forever":           {fields{"waitBeforeMonitor": 1e12}, 0, "error invalid: waiting for 1e+12 seconds is not between 0 and 3.1536e+08", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, remote.Config{}, "webhook", tt.fields)
			w.in.Now = start.Add(tt.after)
			o, err := w.run("waitBeforeMonitorWebhook")
			if said(o, err) != tt.want {
				t.Fatalf("got %s, want %s", said(o, err), tt.want)
			}
			if tt.due > 0 && !o.Due(w.in.Now).Equal(start.Add(tt.due)) {
				t.Errorf("due at %v", o.Due(w.in.Now))
			}
			if err == nil && w.at("waitTime") == nil {
				t.Error("the context does not say how long")
			}
		})
	}
}

// TestSteps: which tasks a stage has.
//
// Source: Spinnaker orca WebhookStageSpec.
func TestSteps(t *testing.T) {
	t.Parallel()
	type fields = map[string]any
	for name, tt := range map[string]struct {
		fields fields
		want   string
	}{
		"request":                    {fields{}, "createWebhook"},
		"request, false":             {fields{"waitForCompletion": "false"}, "createWebhook"},
		"request and monitor":        {fields{"waitForCompletion": true}, "createWebhook monitorWebhook"},
		"request and monitor, text":  {fields{"waitForCompletion": "true"}, "createWebhook monitorWebhook"},
		"wait":                       {fields{"waitForCompletion": true, "waitBeforeMonitor": 10.0}, "createWebhook waitBeforeMonitorWebhook monitorWebhook"},
		"wait, text":                 {fields{"waitForCompletion": "true", "waitBeforeMonitor": "10"}, "createWebhook waitBeforeMonitorWebhook monitorWebhook"},
		"wait, zero":                 {fields{"waitForCompletion": true, "waitBeforeMonitor": 0.0}, "createWebhook monitorWebhook"},
		"wait, negative":             {fields{"waitForCompletion": true, "waitBeforeMonitor": -1.0}, "createWebhook monitorWebhook"},
		"wait without monitor":       {fields{"waitBeforeMonitor": 10.0}, "createWebhook"},
		"monitor only":               {fields{"waitForCompletion": true, "monitorOnly": true}, "monitorWebhook"},
		"monitor only, without wait": {fields{"monitorOnly": true}, "createWebhook"},
		"artifacts":                  {fields{"expectedArtifacts": []any{fields{}}}, "createWebhook bindProducedArtifacts"},
		"artifacts, none":            {fields{"expectedArtifacts": []any{}}, "createWebhook"},
		"artifacts and monitor":      {fields{"expectedArtifacts": []any{fields{}}, "waitForCompletion": true}, "createWebhook monitorWebhook bindProducedArtifacts"},
		"what cannot be read":        {fields{"retries": "x"}, "createWebhook"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(newWorld(t, remote.Config{}, "webhook", tt.fields).prepare(), " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	d := newWorld(t, remote.Config{}, "webhook", nil).def
	for step, want := range map[string]time.Duration{"createWebhook": 5 * time.Minute, "waitBeforeMonitorWebhook": 0, "monitorWebhook": time.Hour} {
		if got := d.Step(step).Timeout; got != want {
			t.Errorf("%s may take %v", step, got)
		}
	}
}

// TestCheck: what is said when a pipeline is saved.
func TestCheck(t *testing.T) {
	t.Parallel()
	r := registry(t, remote.Config{})
	for name, tt := range map[string]struct {
		context map[string]any
		want    string
	}{
		"fine":        {map[string]any{"url": "u", "customHeaders": map[string]any{"a": []any{"b"}}, "retries": map[string]any{"404": map[string]any{"maxAttempts": 2.0}}}, ""},
		"expressions": {map[string]any{"waitForCompletion": "${ true }", "retryStatusCodes": "${ {404} }", "payload": "${ x }"}, ""},
		"headers":     {map[string]any{"customHeaders": "x"}, "stages[0].customHeaders"},
		"codes":       {map[string]any{"failFastStatusCodes": []any{"many"}}, "stages[0].failFastStatusCodes[0]"},
	} {
		var paths []string
		for _, p := range r.Check([]gennaker.StageConfig{{Type: "webhook", Context: tt.context}}) {
			paths = append(paths, p.Path)
		}
		if got := strings.Join(paths, " "); got != tt.want {
			t.Errorf("%s: problems at %q, want %q", name, got, tt.want)
		}
	}
}

// TestRestart: a restart takes out what the run before put there.
func TestRestart(t *testing.T) {
	t.Parallel()
	d := newWorld(t, remote.Config{}, "webhook", nil).def
	ran := map[string]any{"url": "u", "webhook": map[string]any{}, "statusEndpoint": "s"}
	d.Restart(ran)
	if diff := cmp.Diff(map[string]any{"url": "u"}, ran); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	watched := map[string]any{"monitorOnly": true, "webhook": map[string]any{}, "statusEndpoint": "s"}
	d.Restart(watched)
	if diff := cmp.Diff(map[string]any{"monitorOnly": true, "statusEndpoint": "s"}, watched); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestVerbatim: what a server answers is not evaluated, what the user wrote is.
func TestVerbatim(t *testing.T) {
	t.Parallel()
	w := newWorld(t, remote.Config{}, "webhook", map[string]any{
		"url": "${ 'u' }", "statusEndpoint": "${ 's' }", "webhook": map[string]any{"body": "${ 1 + 1 }"}, "artifacts": []any{"${ 1 }"},
	}).evaluating()
	got, unresolved := w.def.Evaluate(w.in)
	want := map[string]any{"url": "u", "statusEndpoint": "${ 's' }", "webhook": map[string]any{"body": "${ 1 + 1 }"}, "artifacts": []any{"${ 1 }"}}
	if diff := cmp.Diff(want, got); diff != "" || unresolved {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w = newWorld(t, remote.Config{}, "webhook", map[string]any{"statusEndpoint": "${ 's' }", "monitorOnly": true}).evaluating()
	if got, _ := w.def.Evaluate(w.in); got["statusEndpoint"] != "s" {
		t.Errorf("got %v", got)
	}
}
