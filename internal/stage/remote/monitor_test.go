package remote_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/egress"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/remote"
)

// TestMonitor: what the answer about a status means.
//
// Source: rows marked * are from Spinnaker orca MonitorWebhookTaskSpec, in our
// words; the others from stages.md §2.
func TestMonitor(t *testing.T) {
	t.Parallel()
	type fields = map[string]any
	lists := fields{"statusJsonPath": "$.status", "successStatuses": "SUCCESS, done", "canceledStatuses": "CANCELED", "terminalStatuses": "TERMINAL,FAILED"}
	with := func(more fields) fields {
		out := maps.Clone(lists)
		maps.Copy(out, more)
		return out
	}
	past := func(codes ...any) fields {
		return with(fields{"retries": fields{"404": fields{"maxAttempts": 2.0}, "504": fields{"maxAttempts": 0.0}}, "webhook": fields{"monitor": fields{"pastStatusCodes": append([]any{}, codes...)}}})
	}
	for name, tt := range map[string]struct {
		status      int
		contentType string
		body        string
		fields      fields
		want        string // URL stands for the server's
		wantMonitor fields // of webhook.monitor; what is nil here must not be there
	}{
		"429, the server's default *":              {429, textType, "", lists, "RUNNING", fields{"pastStatusCodes": []any{429.0}, "statusCode": nil, "error": nil}},
		"404 in retryStatusCodes *":                {404, textType, "", with(fields{"retryStatusCodes": []any{404.0, 405.0}}), "RUNNING", fields{"pastStatusCodes": []any{404.0}}},
		"405 in retryStatusCodes, a text *":        {405, textType, "", with(fields{"retryStatusCodes": []any{"405"}}), "RUNNING", nil},
		"404 in webhookRetryStatusCodes":           {404, textType, "", with(fields{"webhookRetryStatusCodes": []any{404.0}}), "TERMINAL: an exception occurred in webhook monitor to URL: 404 Not Found", nil},
		"500 *":                                    {500, textType, "", lists, "RUNNING", fields{"pastStatusCodes": []any{500.0}}},
		"503":                                      {503, textType, "", lists, "RUNNING", nil},
		"504 does not fail fast":                   {504, textType, "", lists, "RUNNING", nil},
		"503 in failFastStatusCodes":               {503, textType, "", with(fields{"failFastStatusCodes": []any{503.0}}), "RUNNING", nil},
		"406 *":                                    {406, jsonType, "{}", lists, "TERMINAL: an exception occurred in webhook monitor to URL: 406 Not Acceptable", fields{"statusCode": "NOT_ACCEPTABLE", "statusCodeValue": 406.0, "body": nil, "error": "an exception occurred in webhook monitor to URL: 406 Not Acceptable"}},
		"600":                                      {600, textType, "", lists, "TERMINAL: an exception occurred in webhook monitor to URL: 600 (unknown)", fields{"statusCode": "600"}},
		"limit: 404 for the first time *":          {404, textType, "", past(), "RUNNING", fields{"pastStatusCodes": []any{404.0}}},
		"limit: 404 for the second time *":         {404, textType, "", past(404.0), "RUNNING", fields{"pastStatusCodes": []any{404.0, 404.0}}},
		"limit: 404 for the third time *":          {404, textType, "", past(404.0, 404.0), "TERMINAL: an exception occurred in webhook monitor to URL: 404 Not Found", fields{"pastStatusCodes": []any{404.0, 404.0}}},
		"limit: 404 with another between *":        {404, textType, "", past(404.0, 429.0, 404.0), "TERMINAL: an exception occurred in webhook monitor to URL: 404 Not Found", nil},
		"limit: 504 never *":                       {504, textType, "", past(), "TERMINAL: an exception occurred in webhook monitor to URL: 504 Gateway Timeout", nil},
		"limit: 429 has none *":                    {429, textType, "", past(), "RUNNING", fields{"pastStatusCodes": []any{429.0}}},
		"limit: what came is kept":                 {200, jsonType, `{"status":"x"}`, past(404.0), "RUNNING", fields{"pastStatusCodes": []any{404.0}}},
		"no path: first good answer":               {200, textType, "whatever", nil, "SUCCEEDED", fields{"body": "whatever", "statusCode": "OK", "statusCodeValue": 200.0}},
		"no path: no body":                         {204, "", "", nil, "SUCCEEDED", fields{"statusCode": "NO_CONTENT"}},
		"no path: what is no JSON":                 {200, jsonType, "{", nil, "TERMINAL: an exception occurred in webhook monitor to URL: its answer says that it is JSON, and is not: unexpected EOF", nil},
		"path leads nowhere *":                     {200, jsonType, `{"status":"SUCCESS"}`, with(fields{"statusJsonPath": "$.doesnt.exist"}), "TERMINAL: Unable to parse status: JSON property '$.doesnt.exist' not found in response body", fields{"body": fields{"status": "SUCCESS"}}},
		"path in a text":                           {200, textType, `{"status":"SUCCESS"}`, lists, "TERMINAL: Unable to parse status: JSON property '$.status' not found in response body", nil},
		"path without a body":                      {200, jsonType, ``, lists, "TERMINAL: Unable to parse status: JSON property '$.status' not found in response body", nil},
		"path that is none":                        {200, jsonType, `{}`, with(fields{"statusJsonPath": "$.a["}), `TERMINAL: Unable to parse status: '$.a[' is not a JSON path: the '[' is not closed`, nil},
		"list *":                                   {200, jsonType, `{"status":["some","complex","list"]}`, lists, "TERMINAL: The json path '$.status' did not resolve to a single value", fields{"resolvedValue": []any{"some", "complex", "list"}}},
		"object":                                   {200, jsonType, `{"status":{"a":1}}`, lists, "TERMINAL: The json path '$.status' did not resolve to a single value", fields{"resolvedValue": fields{"a": 1.0}}},
		"null":                                     {200, jsonType, `{"status":null}`, lists, "TERMINAL: The json path '$.status' did not resolve to a single value", fields{"resolvedValue": nil}},
		"path that may find several":               {200, jsonType, `{"status":"SUCCESS"}`, with(fields{"statusJsonPath": "$..status"}), "TERMINAL: The json path '$..status' did not resolve to a single value", fields{"resolvedValue": []any{"SUCCESS"}}},
		"filter may find several":                  {200, jsonType, `{"s":[{"n":"a","v":"SUCCESS"}]}`, with(fields{"statusJsonPath": "$.s[?(@.n=='a')].v"}), "TERMINAL: The json path '$.s[?(@.n=='a')].v' did not resolve to a single value", nil},
		"filter, and the first of it":              {200, jsonType, `{"s":[{"n":"a","v":"SUCCESS"}]}`, with(fields{"statusJsonPath": "$.s[?(@.n=='a')].v.first()"}), "SUCCEEDED", nil},
		"good":                                     {200, jsonType, `{"status":"SUCCESS"}`, lists, "SUCCEEDED", fields{"statusCode": "OK", "body": fields{"status": "SUCCESS"}}},
		"good in small letters":                    {200, jsonType, `{"status":"success"}`, lists, "SUCCEEDED", nil},
		"good, listed in small letters":            {200, jsonType, `{"status":"DONE"}`, lists, "SUCCEEDED", nil},
		"good, accepted":                           {202, jsonType, `{"status":"SUCCESS"}`, lists, "SUCCEEDED", fields{"statusCode": "ACCEPTED"}},
		"canceled":                                 {200, jsonType, `{"status":"canceled"}`, lists, "CANCELED: the webhook's status is canceled, one of its canceledStatuses", nil},
		"terminal *":                               {200, jsonType, `{"status":"TERMINAL"}`, lists, "TERMINAL: the webhook's status is TERMINAL, one of its terminalStatuses", fields{"body": fields{"status": "TERMINAL"}, "error": nil}},
		"not listed *":                             {200, jsonType, `{"status":"RUNNING"}`, lists, "RUNNING", fields{"body": fields{"status": "RUNNING"}}},
		"part of a listed one":                     {200, jsonType, `{"status":"SUCC"}`, lists, "RUNNING", nil},
		"empty":                                    {200, jsonType, `{"status":""}`, lists, "RUNNING", nil},
		"empty, and what is good is empty":         {200, jsonType, `{"status":""}`, with(fields{"successStatuses": ""}), "SUCCEEDED", nil},
		"empty, and nothing is good":               {200, jsonType, `{"status":""}`, with(fields{"successStatuses": ","}), "RUNNING", nil},
		"with spaces around":                       {200, jsonType, `{"status":" SUCCESS"}`, lists, "RUNNING", nil},
		"good and canceled":                        {200, jsonType, `{"status":"X"}`, with(fields{"successStatuses": "X", "canceledStatuses": "X"}), "CANCELED: the webhook's status is X, one of its canceledStatuses", nil},
		"good, canceled and terminal":              {200, jsonType, `{"status":"X"}`, with(fields{"successStatuses": "X", "canceledStatuses": "X", "terminalStatuses": "X"}), "TERMINAL: the webhook's status is X, one of its terminalStatuses", nil},
		"true":                                     {200, jsonType, `{"status":true}`, with(fields{"successStatuses": "true"}), "SUCCEEDED", nil},
		"false, which fails":                       {200, jsonType, `{"status":false}`, with(fields{"terminalStatuses": "False"}), "TERMINAL: the webhook's status is false, one of its terminalStatuses", nil},
		"nothing says what is good":                {200, jsonType, `{"status":"X"}`, fields{"statusJsonPath": "$.status"}, "TERMINAL: the status is X, and nothing says which statuses are good: successStatuses is missing", nil},
		"42 percent *":                             {200, jsonType, `{"status":42}`, lists, "RUNNING", fields{"percentComplete": 42.0}},
		"100 percent *":                            {200, jsonType, `{"status":100}`, lists, "SUCCEEDED", fields{"percentComplete": 100.0}},
		"100 percent without successStatuses":      {200, jsonType, `{"status":100}`, fields{"statusJsonPath": "status"}, "SUCCEEDED", nil},
		"100.0 percent":                            {200, jsonType, `{"status":100.0}`, lists, "RUNNING", fields{"percentComplete": 100.0}},
		"101 percent":                              {200, jsonType, `{"status":101}`, lists, "RUNNING", fields{"percentComplete": 101.0}},
		"100 percent as a text":                    {200, jsonType, `{"status":"100"}`, lists, "RUNNING", fields{"percentComplete": nil}},
		"100 percent as a text that is listed":     {200, jsonType, `{"status":"100"}`, with(fields{"successStatuses": "100"}), "SUCCEEDED", nil},
		"number of elements":                       {200, jsonType, `{"left":[]}`, with(fields{"statusJsonPath": "$.left.length()"}), "RUNNING", fields{"percentComplete": 0.0}},
		"progress":                                 {200, jsonType, `{"status":"RUNNING","p":"half"}`, with(fields{"progressJsonPath": "$.p"}), "RUNNING", fields{"progressMessage": "half"}},
		"progress at the end":                      {200, jsonType, `{"status":"SUCCESS","p":"all"}`, with(fields{"progressJsonPath": "$.p"}), "SUCCEEDED", fields{"progressMessage": "all"}},
		"progress leads nowhere":                   {200, jsonType, `{"status":"SUCCESS"}`, with(fields{"progressJsonPath": "$.p"}), "TERMINAL: Unable to parse progress: JSON property '$.p' not found in response body", nil},
		"progress is a number":                     {200, jsonType, `{"status":"SUCCESS","p":5}`, with(fields{"progressJsonPath": "$.p"}), "TERMINAL: The json path '$.p' did not resolve to a String value", fields{"resolvedValue": 5.0}},
		"progress without a status":                {200, jsonType, `{"p":"half"}`, with(fields{"progressJsonPath": "$.p"}), "TERMINAL: Unable to parse status: JSON property '$.status' not found in response body", fields{"progressMessage": nil}},
		"no URL *":                                 {200, jsonType, `{}`, fields{"statusEndpoint": nil, "url": nil}, "error invalid: Missing required parameter: statusEndpoint = null", nil},
		"no URL to monitor only *":                 {200, jsonType, `{}`, fields{"statusEndpoint": nil, "url": nil, "monitorOnly": true}, "error invalid: Missing required parameter. Either webhook url or statusEndpoint are required", nil},
		"no status URL *":                          {200, jsonType, `{}`, fields{"statusEndpoint": nil}, "error invalid: Missing required parameter: statusEndpoint = null", nil},
		"monitor only, by its url":                 {200, jsonType, `{}`, fields{"statusEndpoint": nil, "monitorOnly": true, "statusJsonPath": ""}, "SUCCEEDED", nil},
		"monitor only, with spaces around its URL": {200, jsonType, `{}`, fields{"statusEndpoint": " URL ", "monitorOnly": true}, "SUCCEEDED", nil},
		"metadata of the cloud *":                  {200, jsonType, `{}`, fields{"statusEndpoint": "http://169.254.169.254/x"}, "TERMINAL: an exception occurred in webhook monitor to http://169.254.169.254/x: the address 169.254.169.254 is link-local, or serves the metadata of a machine", nil},
		"unknown host *":                           {200, jsonType, `{}`, fields{"statusEndpoint": "https://nobody.example/x"}, "RUNNING", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, replies(tt.status, tt.contentType, tt.body))
			values := fields{"url": s.URL, "statusEndpoint": s.URL, "waitForCompletion": true}
			maps.Copy(values, tt.fields)
			if endpoint, ok := values["statusEndpoint"].(string); ok {
				values["statusEndpoint"] = strings.ReplaceAll(endpoint, "URL", s.URL)
			}
			w := newWorld(t, remote.Config{}, "webhook", values)
			o, err := w.run("monitorWebhook")
			if got := strings.ReplaceAll(said(o, err), s.URL, "URL"); got != tt.want {
				t.Fatalf("got  %s\nwant %s", got, tt.want)
			}
			for key, want := range tt.wantMonitor {
				got := w.at("webhook", "monitor", key)
				if text, ok := got.(string); ok {
					got = strings.ReplaceAll(text, s.URL, "URL")
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("webhook.monitor.%s (-want +got):\n%s", key, diff)
				}
			}
			for _, r := range s.requests() {
				if r.Method != "GET" || r.Header.Get("Idempotency-Key") != "" || r.Body != "" {
					t.Errorf("asked by %s with key %q and body %q", r.Method, r.Header.Get("Idempotency-Key"), r.Body)
				}
			}
		})
	}
}

// TestMonitorTimeout: a status that does not come in time is asked for again.
func TestMonitorTimeout(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	cfg := remote.Config{Client: newClient(t, egress.Options{ReadTimeout: 100 * time.Millisecond})}
	w := newWorld(t, cfg, "webhook", map[string]any{"statusEndpoint": s.URL})
	if o, err := w.run("monitorWebhook"); said(o, err) != "RUNNING" {
		t.Error(said(o, err))
	}
}

// TestMonitorHeaders: the request for the status has the stage's headers.
func TestMonitorHeaders(t *testing.T) {
	t.Parallel()
	s := newServer(t, replies(200, jsonType, `{}`))
	w := newWorld(t, remote.Config{}, "webhook", map[string]any{"statusEndpoint": s.URL, "customHeaders": map[string]any{"Authorization": "Basic password"}, "payload": map[string]any{"a": 1}})
	if o, err := w.run("monitorWebhook"); said(o, err) != "SUCCEEDED" {
		t.Fatal(said(o, err))
	}
	if got := s.requests()[0].Header.Get("Authorization"); got != "Basic password" {
		t.Errorf("got %q", got)
	}
}

// TestMonitorBackoff: every second for a minute, then every 15 seconds.
func TestMonitorBackoff(t *testing.T) {
	t.Parallel()
	s := newServer(t, replies(500, textType, ""))
	for _, tt := range []struct {
		after time.Duration
		ms    any
		want  time.Duration
	}{
		{0, nil, time.Second},
		{time.Minute, nil, time.Second},
		{time.Minute + time.Second, nil, 15 * time.Second},
		{0, 5000.0, 5 * time.Second},
		{2 * time.Minute, 5000.0, 15 * time.Second},
		{2 * time.Minute, 20000.0, 20 * time.Second},
	} {
		w := newWorld(t, remote.Config{}, "webhook", map[string]any{"statusEndpoint": s.URL, "backoffPeriodMs": tt.ms})
		w.in.Now = start.Add(tt.after)
		if o, err := w.run("monitorWebhook"); err != nil || o.Due(w.in.Now).Sub(w.in.Now) != tt.want {
			t.Errorf("%v, %v: again after %v, %v", tt.after, tt.ms, o.Due(w.in.Now).Sub(w.in.Now), err)
		}
	}
}

// TestPastIsBounded: a stage that waits for days does not grow.
func TestPastIsBounded(t *testing.T) {
	t.Parallel()
	s := newServer(t, replies(500, textType, ""))
	past := make([]any, 1500)
	for i := range past {
		past[i] = 503.0
	}
	w := newWorld(t, remote.Config{}, "webhook", map[string]any{"statusEndpoint": s.URL, "webhook": map[string]any{"monitor": map[string]any{"pastStatusCodes": past}}})
	if o, err := w.run("monitorWebhook"); said(o, err) != "RUNNING" {
		t.Fatal(said(o, err))
	}
	if list, _ := w.at("webhook", "monitor", "pastStatusCodes").([]any); len(list) != 1001 || list[1000] != 500.0 {
		t.Errorf("%d status codes are remembered", len(list))
	}
}

// TestWhole: a webhook from the request to the end of its status.
func TestWhole(t *testing.T) {
	t.Parallel()
	looks := 0
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			w.Header().Set("Location", "/jobs/7")
			replies(202, jsonType, `{"id":7}`)(w, r)
			return
		}
		looks++
		replies(200, jsonType, []string{`{"state":"queued","p":"0 of 2"}`, `{"state":"running","p":"1 of 2"}`, `{"state":"ok","p":"2 of 2"}`}[min(looks, 3)-1])(w, r)
	})
	w := newWorld(t, remote.Config{}, "webhook", map[string]any{
		"url": s.URL + "/jobs", "method": "post", "payload": map[string]any{"job": "x"}, "waitForCompletion": true, "statusUrlResolution": "locationHeader",
		"statusJsonPath": "$.state", "progressJsonPath": "$.p", "successStatuses": "ok", "waitBeforeMonitor": 5.0,
	})
	var seen []string
	for _, step := range w.prepare() {
		w.in.TaskStart = w.in.Now
		for range 10 {
			o, err := w.run(step)
			seen = append(seen, step+" "+said(o, err))
			if o.Final() {
				break
			}
			w.in.Now = o.Due(w.in.Now)
		}
	}
	want := []string{
		"createWebhook SUCCEEDED", "waitBeforeMonitorWebhook RUNNING", "waitBeforeMonitorWebhook SUCCEEDED",
		"monitorWebhook RUNNING", "monitorWebhook RUNNING", "monitorWebhook SUCCEEDED",
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if w.at("webhook", "body", "id") != 7.0 || w.at("webhook", "monitor", "progressMessage") != "2 of 2" || w.at("statusEndpoint") != s.URL+"/jobs/7" {
		t.Errorf("context is %v", w.in.Stage.Context)
	}
}

// TestCancel: who is told when a stage is canceled or fails.
func TestCancel(t *testing.T) {
	t.Parallel()
	type fields = map[string]any
	for name, tt := range map[string]struct {
		status int
		fields fields
		want   string // the request
		err    gennaker.Kind
	}{
		"nothing configured":         {200, fields{}, "", ""},
		"signaled":                   {200, fields{"cancelEndpoint": "URL/stop", "signalCancellation": true}, "POST /stop ", ""},
		"endpoint is enough":         {200, fields{"cancelEndpoint": "URL/stop"}, "POST /stop ", ""},
		"switched off":               {200, fields{"cancelEndpoint": "URL/stop", "signalCancellation": false}, "", ""},
		"switched off, a text":       {200, fields{"cancelEndpoint": "URL/stop", "signalCancellation": "false"}, "", ""},
		"without an endpoint":        {200, fields{"signalCancellation": true}, "", ""},
		"method and payload":         {200, fields{"cancelEndpoint": "URL/stop", "cancelMethod": "put", "cancelPayload": fields{"a": "b"}}, `PUT /stop {"a":"b"}`, ""},
		"text payload":               {200, fields{"cancelEndpoint": "URL/stop", "cancelPayload": "stop it"}, "POST /stop stop it", ""},
		"refused for good":           {404, fields{"cancelEndpoint": "URL/stop"}, "POST /stop ", ""},
		"refused for now":            {503, fields{"cancelEndpoint": "URL/stop"}, "POST /stop ", gennaker.Unavailable},
		"too many":                   {429, fields{"cancelEndpoint": "URL/stop"}, "POST /stop ", gennaker.Unavailable},
		"unknown host":               {200, fields{"cancelEndpoint": "http://nobody.example"}, "", gennaker.Unavailable},
		"the metadata of the cloud":  {200, fields{"cancelEndpoint": "http://169.254.169.254/"}, "", gennaker.Denied},
		"configuration is not right": {200, fields{"cancelEndpoint": "URL/stop", "cancelMethod": "STOP"}, "", gennaker.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, step := range []string{"createWebhook", "waitBeforeMonitorWebhook", "monitorWebhook"} {
				s := newServer(t, replies(tt.status, textType, "ok"))
				values := maps.Clone(tt.fields)
				values["webhook"] = fields{"statusCode": "OK"}
				if e, ok := values["cancelEndpoint"].(string); ok {
					values["cancelEndpoint"] = strings.ReplaceAll(e, "URL", s.URL)
				}
				w := newWorld(t, remote.Config{}, "webhook", values)
				undo, ok := w.def.Step(step).Task.(stage.Canceler)
				if !ok {
					t.Fatalf("%s cannot be canceled", step)
				}
				o, err := undo.Cancel(t.Context(), w.in)
				if (err != nil) != (tt.err != "") || err != nil && gennaker.KindOf(err) != tt.err {
					t.Fatalf("%s: error %v, want %q", step, err, tt.err)
				}
				w.keep(o)
				var got strings.Builder
				for _, r := range s.requests() {
					got.WriteString(r.Method + " " + r.Path + " " + r.Body)
					if r.Header.Get("Idempotency-Key") == "" {
						t.Error("the request has no key")
					}
				}
				if got.String() != tt.want {
					t.Errorf("%s: asked %q, want %q", step, got.String(), tt.want)
				}
				if told := w.at("webhook", "cancel", "statusCodeValue"); tt.want != "" && tt.err == "" && told != float64(tt.status) || w.at("webhook", "statusCode") != "OK" {
					t.Errorf("%s: webhook is %v", step, w.at("webhook"))
				}
			}
		})
	}
}

// TestCancelTimeout: who does not answer the cancellation does not hold it up.
func TestCancelTimeout(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	w := newWorld(t, remote.Config{Client: newClient(t, egress.Options{ReadTimeout: 100 * time.Millisecond})}, "webhook", map[string]any{"cancelEndpoint": s.URL})
	undo, _ := w.def.Step("monitorWebhook").Task.(stage.Canceler)
	o, err := undo.Cancel(t.Context(), w.in)
	if err != nil {
		t.Fatal(err)
	}
	w.keep(o)
	if got := w.at("webhook", "cancel", "error"); got != s.URL+" did not answer in time" {
		t.Errorf("webhook.cancel.error is %v", got)
	}
}

// TestOnFailure: a stage that failed tells once, and its failure stays.
func TestOnFailure(t *testing.T) {
	t.Parallel()
	s := newServer(t, replies(500, textType, "no"))
	w := newWorld(t, remote.Config{}, "webhook", map[string]any{"cancelEndpoint": s.URL})
	if children, err := w.def.OnFailure(t.Context(), w.in); err != nil || children != nil {
		t.Errorf("%v, %v", children, err)
	}
	w.in.Stage.Context = map[string]any{"cancelEndpoint": s.URL, "webhook": map[string]any{"cancel": map[string]any{}}} // it timed out
	if _, err := w.def.OnFailure(t.Context(), w.in); err != nil {
		t.Error(err)
	}
	if n := len(s.requests()); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// FuzzMonitor holds that whatever a server answers, a look ends, says why it
// fails, and leaves a context that can be stored.
func FuzzMonitor(f *testing.F) {
	f.Add(`{"status":"SUCCESS"}`, "$.status", jsonType, 200)
	f.Add(`{"status":[1,2.5,1e400]}`, "$..status", jsonType, 200)
	f.Add(`[[{"a":{"b":"c"}}]]`, "$[0][*].a['b']", jsonType, 201)
	f.Add(`{"a":[{"n":"x"}]}`, "$.a[?(@.n =~ /x.*/)].n.first()", "application/x+json", 202)
	f.Add(`{"a":"b"}`, `concat("a", $.a, 'b', 1)`, jsonType, 200)
	f.Add(`{`, "$[", jsonType, 500)
	f.Add("\xff\x00", "a.b.length()", textType, 300)
	var answer atomic.Pointer[http.HandlerFunc]
	s := newFuzzServer(f, func(w http.ResponseWriter, r *http.Request) { (*answer.Load())(w, r) })
	client, err := egress.New(egress.ForWebhooks(), egress.Options{})
	if err != nil {
		f.Fatal(err)
	}
	r := &stage.Registry{}
	if err := remote.Register(r, remote.Config{Client: client}); err != nil {
		f.Fatal(err)
	}
	d, err := r.Find("webhook")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body, path, kind string, code int) {
		status := 200 + (code%400+400)%400
		if status == 204 || status == 304 {
			body = ""
		}
		answer.Store(new(replies(status, kind, body)))
		in := stage.Input{Now: start, TaskStart: start, Stage: gennaker.Stage{Context: map[string]any{
			"url": s, "statusEndpoint": s, "statusJsonPath": path, "successStatuses": "SUCCESS", "waitForCompletion": true,
			"statusUrlResolution": "webhookResponse", "statusUrlJsonPath": path,
		}}}
		for _, step := range []string{"monitorWebhook", "createWebhook"} {
			o, err := d.Step(step).Task.Run(t.Context(), in)
			if err != nil {
				t.Fatalf("%s: %v", step, err)
			}
			if _, err := json.Marshal(o.Context()); err != nil {
				t.Errorf("%s: the context cannot be stored: %v", step, err)
			}
			if reason, _, _ := o.Reason(); o.Status() == gennaker.Terminal && reason == "" {
				t.Errorf("%s: it fails, and does not say why", step)
			}
		}
	})
}
