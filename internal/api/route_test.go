package api_test

import (
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// sample is a request for a row of the table that succeeds in a new world.
type sample struct {
	target, body string
	status       int // 0 is 200
	empty        bool
	asks         bool // changes nothing, though it is no GET
}

func samples() map[string]sample {
	all := map[string]sample{
		"GET /{$}":                                {target: "/", status: http.StatusFound, empty: true},
		"GET /ui":                                 {target: "/ui", status: http.StatusFound, empty: true},
		"GET /ui/{rest...}":                       {target: "/ui/"},
		"GET /health":                             {target: "/health"},
		"GET /version":                            {target: "/version"},
		"GET /metrics":                            {target: "/metrics"},
		"GET /api/v1/openapi.json":                {target: "/api/v1/openapi.json"},
		"GET /auth/user":                          {target: "/auth/user"},
		"GET /applications":                       {target: "/applications"},
		"GET /applications/{app}":                 {target: "/applications/demo"},
		"GET /applications/{app}/history":         {target: "/applications/demo/history"},
		"GET /pipelineConfigs/{id}/history":       {target: "/pipelineConfigs/p1/history"},
		"GET /applications/{app}/pipelineConfigs": {target: "/applications/demo/pipelineConfigs"},
		"GET /applications/{app}/pipelineConfigs/{name}": {target: "/applications/demo/pipelineConfigs/deploy%20it"},
		"POST /pipelines":                                                {target: "/pipelines", body: `{"application":"demo","name":"new"}`, empty: true},
		"PUT /pipelines/{id}":                                            {target: "/pipelines/p1", body: `{"id":"p1","application":"demo","name":"new"}`},
		"DELETE /pipelines/{app}/{name}":                                 {target: "/pipelines/demo/deploy%20it", empty: true},
		"POST /pipelines/{app}/{name}":                                   {target: "/pipelines/demo/deploy%20it", body: `{"parameters":{"tag":"1"}}`, status: http.StatusAccepted},
		"POST /pipelines/v2/{app}/{name}":                                {target: "/pipelines/v2/demo/deploy%20it", body: `{"parameters":{"tag":"1"}}`, status: http.StatusAccepted},
		"POST /applications/{app}/pipelineConfigs/{name}":                {target: "/applications/demo/pipelineConfigs/deploy%20it", body: `{"parameters":{"tag":"1"}}`, status: http.StatusAccepted},
		"POST /pipelines/start":                                          {target: "/pipelines/start", body: `{"application":"demo","name":"once","stages":[]}`},
		"GET /executions/failedStages":                                   {target: "/executions/failedStages?executionId=01E2"},
		"GET /applications/{app}/executions/search":                      {target: "/applications/demo/executions/search"},
		"GET /api/v1/executions":                                         {target: "/api/v1/executions"},
		"GET /tasks/{id}/details/{details}":                              {target: "/tasks/01T1/details/7", status: http.StatusNotFound},
		"DELETE /tasks/{id}":                                             {target: "/tasks/01T1", empty: true},
		"PUT /tasks/cancel":                                              {target: "/tasks/cancel?ids=01T1", empty: true},
		"POST /applications/{app}/tasks":                                 {target: "/applications/demo/tasks", body: `{"job":[{"type":"wait"}]}`},
		"GET /applications/{app}/tasks/{id}":                             {target: "/applications/demo/tasks/01T1"},
		"PUT /applications/{app}/tasks/{id}/cancel":                      {target: "/applications/demo/tasks/01T1/cancel", empty: true},
		"GET /pipelines/{id}":                                            {target: "/pipelines/01E2"},
		"DELETE /pipelines/{id}":                                         {target: "/pipelines/01E2", empty: true},
		"PUT /pipelines/{id}/cancel":                                     {target: "/pipelines/01E2/cancel", empty: true},
		"PUT /pipelines/{id}/pause":                                      {target: "/pipelines/01E2/pause", empty: true},
		"PUT /pipelines/{id}/resume":                                     {target: "/pipelines/01E2/resume", empty: true},
		"PATCH /pipelines/{id}/stages/{stage}":                           {target: "/pipelines/01E2/stages/01S1", body: `{"judgmentStatus":"continue"}`},
		"PUT /pipelines/{id}/stages/{stage}/restart":                     {target: "/pipelines/01E2/stages/01S1/restart", body: `{}`},
		"GET /pipelines/{id}/evaluateExpression":                         {target: "/pipelines/01E2/evaluateExpression?expression=a"},
		"GET /pipelines/{id}/{stage}/evaluateExpression":                 {target: "/pipelines/01E2/01S1/evaluateExpression?expression=a"},
		"POST /pipelines/{id}/evaluateExpression":                        {target: "/pipelines/01E2/evaluateExpression", body: "a", asks: true},
		"POST /pipelines/{id}/evaluateVariables":                         {target: "/pipelines/01E2/evaluateVariables", body: "[]", asks: true},
		"GET /api/v1/expressions":                                        {target: "/api/v1/expressions"},
		"GET /api/v1/pipelines":                                          {target: "/api/v1/pipelines?application=demo"},
		"POST /api/v1/pipelines/lint":                                    {target: "/api/v1/pipelines/lint", body: "{}", asks: true},
		"POST /api/v1/pipelines/plan":                                    {target: "/api/v1/pipelines/plan", body: `{"application":"demo","name":"deploy it"}`, asks: true},
		"GET /artifacts/credentials":                                     {target: "/artifacts/credentials"},
		"PUT /artifacts/fetch":                                           {target: "/artifacts/fetch", body: `{"type":"embedded/base64","reference":"eA=="}`, asks: true},
		"GET /webhooks/preconfigured":                                    {target: "/webhooks/preconfigured"},
		"GET /jobs/preconfigured":                                        {target: "/jobs/preconfigured"},
		"GET /executions":                                                {target: "/executions?executionIds=01E2"},
		"GET /applications/{app}/pipelines":                              {target: "/applications/demo/pipelines"},
		"PUT /applications/{ignored}/pipelines/{id}/cancel":              {target: "/applications/%7Bapplication%7D/pipelines/01E2/cancel", empty: true},
		"POST /tasks":                                                    {target: "/tasks", body: `{"application":"demo","job":[{"type":"wait"}]}`},
		"GET /tasks/{id}":                                                {target: "/tasks/01T1"},
		"PUT /tasks/{id}/cancel":                                         {target: "/tasks/01T1/cancel", empty: true},
		"GET /applications/{app}/tasks":                                  {target: "/applications/demo/tasks"},
		"GET /applications/{app}/clusters":                               {target: "/applications/demo/clusters"},
		"GET /applications/{app}/clusters/{account}":                     {target: "/applications/demo/clusters/local"},
		"GET /applications/{app}/clusters/{account}/{cluster}":           {target: "/applications/demo/clusters/local/demo-prod"},
		"GET /applications/{app}/serverGroups":                           {target: "/applications/demo/serverGroups"},
		"GET /applications/{app}/serverGroups/{account}/{region}/{name}": {target: "/applications/demo/serverGroups/local/local/demo-prod-v001"},
		"GET /applications/{app}/loadBalancers":                          {target: "/applications/demo/loadBalancers"},
		"GET /applications/{app}/serverGroupManagers":                    {target: "/applications/demo/serverGroupManagers"},
		"GET /applications/{app}/rawResources":                           {target: "/applications/demo/rawResources"},
		"GET /loadBalancers":                                             {target: "/loadBalancers"},
		"GET /loadBalancers/{account}/{region}/{name}":                   {target: "/loadBalancers/prod/shop/service%20web"},
		"GET /securityGroups":                                            {target: "/securityGroups"},
		"GET /securityGroups/{account}":                                  {target: "/securityGroups/prod"},
		"GET /securityGroups/{account}/{region}/{name}":                  {target: "/securityGroups/prod/shop/networkPolicy%20web"},
		"GET /firewalls":                                                 {target: "/firewalls"},
		"GET /firewalls/{account}":                                       {target: "/firewalls/prod"},
		"GET /firewalls/{account}/{region}/{name}":                       {target: "/firewalls/prod/shop/networkPolicy%20web"},
		"GET /instances/{account}/{region}/{id}":                         {target: "/instances/prod/shop/u1"},
		"GET /instances/{account}/{region}/{id}/console":                 {target: "/instances/prod/shop/u1/console"},
		"GET /manifests/{account}/{location}/{kind}/cluster/{app}/{cluster}/dynamic/{criteria}": {target: "/manifests/prod/shop/replicaSet/cluster/demo/replicaSet%20web/dynamic/newest"},
		"GET /api/v1/manifests/{account}/{location}/{name}/events":                              {target: "/api/v1/manifests/prod/shop/deployment%20web/events"},
		"GET /api/v1/manifests/{account}/{location}/{name}/logs":                                {target: "/api/v1/manifests/prod/shop/deployment%20web/logs"},
		"GET /credentials":                                                 {target: "/credentials"},
		"GET /credentials/{account}":                                       {target: "/credentials/local"},
		"GET /v2/pipelineTemplates":                                        {target: "/v2/pipelineTemplates"},
		"GET /v2/pipelineTemplates/versions":                               {target: "/v2/pipelineTemplates/versions"},
		"GET /v2/pipelineTemplates/{id}":                                   {target: "/v2/pipelineTemplates/t"},
		"GET /v2/pipelineTemplates/{id}/dependents":                        {target: "/v2/pipelineTemplates/t/dependents"},
		"POST /v2/pipelineTemplates/create":                                {target: "/v2/pipelineTemplates/create", body: `{"id":"t"}`, status: http.StatusAccepted},
		"POST /v2/pipelineTemplates/update/{id}":                           {target: "/v2/pipelineTemplates/update/t", body: `{"id":"t"}`, status: http.StatusAccepted},
		"POST /v2/pipelineTemplates/plan":                                  {target: "/v2/pipelineTemplates/plan", body: `{"schema":"v2"}`},
		"DELETE /v2/pipelineTemplates/{id}":                                {target: "/v2/pipelineTemplates/t", status: http.StatusAccepted},
		"POST /actions/pipelines/reorder":                                  {target: "/actions/pipelines/reorder", body: `{"application":"demo","idsToIndices":{"p1":0}}`},
		"POST /actions/strategies/reorder":                                 {target: "/actions/strategies/reorder", body: `{"application":"demo","idsToIndices":{"p1":0}}`},
		"GET /manifests/{account}/{location}/{name}":                       {target: "/manifests/local/shop/deployment%20web"},
		"GET /api/v1/accounts":                                             {target: "/api/v1/accounts"},
		"GET /api/v1/accounts/{account}":                                   {target: "/api/v1/accounts/prod"},
		"PUT /api/v1/accounts/{account}":                                   {target: "/api/v1/accounts/prod", body: `{"name":"prod"}`},
		"DELETE /api/v1/accounts/{account}":                                {target: "/api/v1/accounts/prod", empty: true},
		"POST /api/v1/accounts/check":                                      {target: "/api/v1/accounts/check", body: `{"name":"prod"}`, asks: true},
		"POST /api/v1/accounts/{account}/check":                            {target: "/api/v1/accounts/prod/check", asks: true},
		"GET /api/v1/events":                                               {target: "/api/v1/events"},
		"GET /api/v1/jobs/{account}/{location}/{name}/logs":                {target: "/api/v1/jobs/prod/shop/job%20migrate/logs"},
		"GET /api/v1/load-balancers":                                       {target: "/api/v1/load-balancers"},
		"GET /api/v1/server-groups/{account}/{region}/{name}/consequences": {target: "/api/v1/server-groups/local/local/demo-prod-v001/consequences?operation=destroyServerGroup"},
		"GET /api/v1/server-groups/{account}/{region}/{name}/logs":         {target: "/api/v1/server-groups/local/local/demo-prod-v001/logs"},

		"GET /applications/{app}/clusters/{account}/{cluster}/serverGroups":                                    {target: "/applications/demo/clusters/local/demo-prod/serverGroups"},
		"GET /applications/{app}/clusters/{account}/{cluster}/serverGroups/{name}":                             {target: "/applications/demo/clusters/local/demo-prod/serverGroups/demo-prod-v000"},
		"GET /applications/{app}/clusters/{account}/{cluster}/{provider}/{scope}/serverGroups/target/{target}": {target: "/applications/demo/clusters/local/demo-prod/local/local/serverGroups/target/newest"},
		"GET /applications/{app}/jobs/{account}/{location}/{name}":                                             {target: "/applications/demo/jobs/prod/shop/job%20migrate"},
		"GET /search":                   {target: "/search?q=demo&type=applications&type=serverGroups"},
		"GET /serverGroups":             {target: "/serverGroups?applications=demo"},
		"POST /credentials":             {target: "/credentials", body: `{"type":"kubernetes","name":"new"}`},
		"PUT /credentials":              {target: "/credentials", body: `{"type":"kubernetes","name":"prod"}`},
		"DELETE /credentials/{account}": {target: "/credentials/prod", empty: true},
		"GET /credentials/type/{type}":  {target: "/credentials/type/kubernetes"},
		"GET /api/v1/applications":      {target: "/api/v1/applications"},
		"GET /api/v1/server-groups":     {target: "/api/v1/server-groups?application=demo"},
	}
	maps.Copy(all, documentSamples())
	maps.Copy(all, metaSamples())
	return all
}

func TestEveryRouteAnswers(t *testing.T) {
	t.Parallel()
	routes := api.New(newWorld(t).config()).Routes()
	all := samples()
	if len(routes) != len(all) {
		t.Errorf("%d routes, %d samples", len(routes), len(all))
	}
	for _, row := range routes {
		name := row.Method + " " + row.Pattern
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sm, ok := all[name]
			if !ok {
				t.Fatal("no sample: add one")
			}
			w := newWorld(t)
			var observed string
			cfg := w.config()
			cfg.Observe = func(route string, _ int, _ time.Duration) { observed = route }
			s := api.New(cfg)
			if row.Pattern == "/api/v1/events" { // does not end before the server does
				if err := s.Shutdown(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			res := conforming(t, s, row.Method, sm.target, sm.body)
			if want := max(sm.status, 200); res.Code != want || (res.Body.Len() == 0) != sm.empty {
				t.Fatalf("got status %d, body %q; want %d, empty %t", res.Code, res.Body, want, sm.empty)
			}
			kind := res.Header().Get("Content-Type")
			if want := row.Handler.Media; res.Code < http.StatusBadRequest && !sm.empty && kind != want || res.Code >= http.StatusBadRequest && kind != "application/json" {
				t.Errorf("content type is %q", kind)
			}
			if observed != name {
				t.Errorf("the metrics label is %q", observed)
			}
			if changes := len(w.changes()); (row.Method == "GET" || sm.asks) != (changes == 0) {
				t.Errorf("%d changes: %v", changes, w.changes())
			}
		})
	}
}

// doors lets callers in and allows nothing, but notes what it was asked.
type doors struct {
	caller error
	asked  []string
}

func (d *doors) Caller(*http.Request) (api.Caller, error) { return api.Caller{User: "eve"}, d.caller }
func (d *doors) Allow(c api.Caller, p api.Permission, application string) error {
	d.asked = append(d.asked, c.User+" "+string(p)+" "+application)
	return gennaker.Errorf(gennaker.Denied, "Access is denied")
}

func TestEveryRouteNeedsItsPermission(t *testing.T) {
	t.Parallel()
	known := map[api.Permission]bool{api.Public: true, api.Read: true, api.Write: true, api.Execute: true, api.Admin: true}
	for _, row := range api.New(newWorld(t).config()).Routes() {
		name := row.Method + " " + row.Pattern
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !known[row.Permission] {
				t.Fatalf("permission is %q", row.Permission)
			}
			if row.Method != "GET" && (row.Permission == api.Public || row.Permission == api.Read) {
				t.Fatalf("permission of a change is %q", row.Permission)
			}
			if row.Permission == api.Public {
				return
			}
			for what, caller := range map[string]error{"unknown": gennaker.Errorf(gennaker.Denied, "Access is denied"), "not allowed": nil} {
				w, d := newWorld(t), &doors{caller: caller}
				cfg := w.config()
				cfg.Access = d
				res := call(api.New(cfg), row.Method, samples()[name].target, samples()[name].body)
				if b := failure(t, res, http.StatusForbidden); b.Message != "Access is denied" {
					t.Errorf("%s: message is %q", what, b.Message)
				}
				if len(w.changes()) > 0 {
					t.Errorf("%s: changed %v", what, w.changes())
				}
				want := "eve " + string(row.Permission) + " "
				if strings.Contains(row.Pattern, "{app}") {
					want += "demo"
				}
				if caller == nil && (len(d.asked) != 1 || d.asked[0] != want) {
					t.Errorf("asked %q, want %q", d.asked, want)
				}
			}
		})
	}
}

func TestAdmission(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method, url, remote string
		header              map[string]string
		want                int
	}{
		"localhost":                   {want: 200},
		"other port":                  {url: "http://localhost:1/version", want: 200},
		"upper case":                  {url: "http://LocalHost/version", want: 200},
		"IPv4":                        {url: "http://127.0.0.1:8084/version", want: 200},
		"IPv6":                        {url: "http://[::1]:8084/version", want: 200},
		"IPv6 without port":           {url: "http://[::1]/version", want: 200},
		"configured":                  {url: "http://Box.example:8084/version", want: 200},
		"rebound name":                {url: "http://evil.example:8084/version", want: 403},
		"name with localhost":         {url: "http://localhost.evil.example/version", want: 403},
		"address of a network":        {url: "http://192.168.1.1/version", want: 403},
		"other machine":               {url: "http://localhost/auth/user", remote: "192.168.1.7:5000", want: 403},
		"other machine, public":       {remote: "192.168.1.7:5000", want: 200},
		"no address":                  {url: "http://localhost/auth/user", remote: "pipe", want: 403},
		"IPv6 caller":                 {url: "http://localhost/auth/user", remote: "[::1]:5000", want: 200},
		"mapped caller":               {url: "http://localhost/auth/user", remote: "[::ffff:127.0.0.1]:5000", want: 200},
		"page of another site reads":  {header: map[string]string{"Sec-Fetch-Site": "cross-site"}, want: 200},
		"page of another site writes": {method: "PUT", url: "http://localhost/pipelines/01E2/cancel", header: map[string]string{"Sec-Fetch-Site": "cross-site"}, want: 403},
		"old browser writes":          {method: "PUT", url: "http://localhost/pipelines/01E2/cancel", header: map[string]string{"Origin": "http://evil.example"}, want: 403},
		"own page writes":             {method: "PUT", url: "http://localhost/pipelines/01E2/cancel", header: map[string]string{"Sec-Fetch-Site": "same-origin"}, want: 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			cfg := w.config()
			cfg.Hosts = []string{"box.example"}
			if tt.url == "" {
				tt.url = "http://localhost/version"
			}
			if tt.remote == "" {
				tt.remote = "127.0.0.1:1"
			}
			if tt.method == "" {
				tt.method = "GET"
			}
			r := httptest.NewRequest(tt.method, tt.url, nil)
			r.RemoteAddr = tt.remote
			for k, v := range tt.header {
				r.Header.Set(k, v)
			}
			res := httptest.NewRecorder()
			api.New(cfg).ServeHTTP(res, r)
			if res.Code != tt.want {
				t.Fatalf("status %d, want %d: %s", res.Code, tt.want, res.Body)
			}
			if tt.want == 403 {
				if b := failure(t, res, 403); b.Message != "Access is denied" {
					t.Errorf("message %q", b.Message)
				}
				if len(w.changes()) > 0 {
					t.Errorf("changed %v", w.changes())
				}
			}
		})
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method, target string
		want           int
	}{
		"slash inside a segment": {"GET", "/applications/demo/pipelineConfigs/a%2Fb", 200},
		"plus is a plus":         {"GET", "/applications/demo/pipelineConfigs/deploy+it", 404},
		"slash at the end":       {"GET", "/applications/demo/pipelineConfigs/deploy%20it/", 200},
		"slashes at the end":     {"GET", "/applications///", 200},
		"slash inside":           {"GET", "/applications//pipelineConfigs", 404},
		"dots":                   {"GET", "/ui/../health", 404},
		"encoded dots":           {"GET", "/applications/%2e%2e", 404},
		"not UTF-8":              {"GET", "/applications/%ff", 400},
		"nothing":                {"GET", "/gate", 404},
		"other method":           {"POST", "/health", 405},
		"method nobody has":      {"BREW", "/applications", 405},
		"head":                   {"HEAD", "/applications", 200},
		"head of a stream":       {"HEAD", "/api/v1/events", 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := call(api.New(newWorld(t).config()), tt.method, tt.target, "")
			if tt.want < 300 {
				if res.Code != tt.want {
					t.Fatalf("status %d, want %d: %s", res.Code, tt.want, res.Body)
				}
				return
			}
			b := failure(t, res, tt.want)
			if strings.Contains(b.Message+b.Hint, tt.target) {
				t.Errorf("the answer repeats the path: %+v", b)
			}
			if tt.want == 405 && res.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow is %q", res.Header().Get("Allow"))
			}
		})
	}
}

func TestPanicsAndInternalErrorsHideTheirCause(t *testing.T) {
	t.Parallel()
	tests := map[string]func(w *world, all *rooms){
		"panic": func(_ *world, all *rooms) { all.fleet.Applications = nil },
		"error of no kind": func(w *world, _ *rooms) {
			w.fail = errors.New("secret of the database")
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			all := w.rooms()
			var log strings.Builder
			all.fleet.Log = slog.New(slog.NewTextHandler(&log, nil))
			prepare(w, &all)
			s := api.New(all.config())
			b := failure(t, call(s, "GET", "/applications", ""), 500)
			_, id, _ := strings.Cut(b.Message, "incident ")
			id = strings.TrimSuffix(id, ")")
			if id == "" || strings.Contains(b.Message, "secret") || strings.Contains(b.Message, "nil") || !strings.Contains(log.String(), id) {
				t.Errorf("message %q, log %s", b.Message, log.String())
			}
			if res := call(s, "GET", "/version", ""); res.Code != 200 {
				t.Errorf("afterwards: status %d", res.Code)
			}
		})
	}
}
