package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/document"
	"github.com/gennaker/gennaker/internal/template"
)

// PipelineRevisions has two saves of p1.
func (w *world) PipelineRevisions(_ context.Context, id string, before, limit int) ([]gennaker.Revision, error) {
	var out []gennaker.Revision
	for n := 2; n > 0; n-- {
		if rev, err := w.PipelineRevision(context.Background(), id, n); err == nil && (before == 0 || n < before) && len(out) < limit {
			out = append(out, rev)
		}
	}
	return out, w.fail
}

func (w *world) PipelineRevision(_ context.Context, id string, number int) (gennaker.Revision, error) {
	docs := map[int]string{
		1: `{"name":"a","updateTs":"1","stages":[{"refId":"1","type":"wait","waitTime":5}]}`,
		2: `{"name":"b","updateTs":"2","stages":[{"refId":"1","type":"wait","waitTime":6},{"refId":"2","type":"wait"}]}`,
	}
	if id != "p1" || docs[number] == "" {
		return gennaker.Revision{}, gennaker.Errorf(gennaker.NotFound, "pipeline %s has no revision %d", id, number)
	}
	return gennaker.Revision{Number: number, Author: "ann", At: gennaker.Millis(int64(number)), Document: json.RawMessage(docs[number])}, w.fail
}

const shopProject = `{"id":"pr1","name":"Shop","email":"a@example.com","createTs":1,"kept":true,"config":{
	"applications":["demo","shop"],"pipelineConfigs":[{"application":"demo","pipelineConfigId":"p1"}],
	"clusters":[{"account":"local","stack":"prod","detail":""},{"account":"local","stack":"*","detail":"*","applications":["demo"]},{"account":"other","stack":"*"}]}}`

func (w *world) Projects(context.Context) ([]gennaker.Project, error) {
	doc, err := gennaker.ParseDocument([]byte(shopProject))
	if err != nil {
		return nil, err
	}
	p, err := gennaker.NewProject(doc.Value)
	if err != nil {
		return nil, err
	}
	return []gennaker.Project{p}, w.fail
}

func (w *world) Project(ctx context.Context, nameOrID string) (gennaker.Project, error) {
	all, err := w.Projects(ctx)
	if err == nil && !strings.EqualFold(nameOrID, "shop") && nameOrID != "pr1" {
		return gennaker.Project{}, errNone
	}
	return slices.Concat(all, []gennaker.Project{{}})[0], err
}

// running is what runs, in all accounts but one.
type running struct{ w *world }

func (r running) ServerGroups(ctx context.Context, application string) ([]gennaker.ServerGroup, []string, error) {
	groups, err := r.w.ServerGroups(ctx, application)
	for i := range groups {
		groups[i].InstanceCounts, groups[i].Image = gennaker.InstanceCounts{Total: 2, Up: 1, Down: 1}, "image of "+groups[i].Name
		groups[i].Disabled = strings.HasSuffix(groups[i].Name, "prod-v000")
	}
	return groups, []string{"away"}, err
}

func (w *world) CanaryConfigs(context.Context) ([]gennaker.CanaryConfig, error) {
	return []gennaker.CanaryConfig{{ID: "cc1", Name: "errors", Applications: []string{"demo"}, Attrs: map[string]any{
		"id": "cc1", "name": "errors", "applications": []any{"demo"}, "updatedTimestamp": 5, "updatedTimestampIso": "1970-01-01T00:00:00.005Z", "kept": 1,
	}}}, w.fail
}

func (w *world) CanaryConfig(ctx context.Context, id string) (gennaker.CanaryConfig, error) {
	all, err := w.CanaryConfigs(ctx)
	if err == nil && id != "cc1" {
		return gennaker.CanaryConfig{}, errNone
	}
	return all[0], err
}

func (w *world) CreateCanaryConfig(_ context.Context, c gennaker.CanaryConfig, user string) (gennaker.CanaryConfig, error) {
	if c.ID == "cc1" {
		return c, gennaker.Errorf(gennaker.Invalid, "Canary config 'cc1' already exists.")
	}
	c.ID += "new"
	return c, w.change("create canary config %s by %s", c.Name, user)
}

func (w *world) UpdateCanaryConfig(_ context.Context, c gennaker.CanaryConfig, user string) (gennaker.CanaryConfig, error) {
	if c.ID != "cc1" {
		return c, gennaker.Errorf(gennaker.Invalid, "Canary config '%s' does not exist.", c.ID)
	}
	return c, w.change("update canary config %s (%s) by %s", c.Name, c.ID, user)
}

func (w *world) DeleteCanaryConfig(ctx context.Context, id, user string) error {
	if _, err := w.CanaryConfig(ctx, id); err != nil {
		return err
	}
	return w.change("delete canary config %s by %s", id, user)
}

func (w *world) Notifications(_ context.Context, application string) (map[string]any, error) {
	if application != "demo" {
		return map[string]any{}, w.fail
	}
	return map[string]any{"application": "demo", "slack": []any{map[string]any{"address": "#demo"}}}, w.fail
}

func (w *world) SaveNotifications(_ context.Context, application string, doc map[string]any, user string) error {
	return w.change("notify of %s: %v by %s", application, doc, user)
}

// documentSamples are those of the rows about documents.
func documentSamples() map[string]sample {
	const strategy = `{"id":"st1","application":"demo","name":"slowly"}`
	return map[string]sample{
		"GET /pipelineConfigs":                              {target: "/pipelineConfigs"},
		"GET /pipelineConfigs/{id}/convertToTemplate":       {target: "/pipelineConfigs/p1/convertToTemplate"},
		"POST /pipelines/bulksave":                          {target: "/pipelines/bulksave?application=demo", body: `[{"application":"demo","name":"new"}]`},
		"POST /pipelines/move":                              {target: "/pipelines/move", body: `{"application":"demo","from":"a/b","to":"b"}`, empty: true},
		"GET /api/v1/pipelines/{id}/revisions":              {target: "/api/v1/pipelines/p1/revisions"},
		"GET /api/v1/pipelines/{id}/revisions/{number}":     {target: "/api/v1/pipelines/p1/revisions/1"},
		"GET /api/v1/pipelines/{id}/revisions/{a}/diff/{b}": {target: "/api/v1/pipelines/p1/revisions/1/diff/2"},
		"GET /applications/{app}/strategyConfigs":           {target: "/applications/demo/strategyConfigs"},
		"GET /applications/{app}/strategyConfigs/{name}":    {target: "/applications/demo/strategyConfigs/slowly"},
		"GET /strategyConfigs":                              {target: "/strategyConfigs"},
		"GET /strategyConfigs/{id}/history":                 {target: "/strategyConfigs/st1/history"},
		"POST /strategies":                                  {target: "/strategies", body: strategy, empty: true},
		"PUT /strategies/{id}":                              {target: "/strategies/st1", body: strategy},
		"DELETE /strategies/{app}/{name}":                   {target: "/strategies/demo/Slowly", empty: true},
		"POST /strategies/move":                             {target: "/strategies/move", body: `{"application":"demo","from":"slowly","to":"b"}`, empty: true},
		"GET /projects":                                     {target: "/projects"},
		"GET /projects/{id}":                                {target: "/projects/shop"},
		"GET /projects/{id}/pipelines":                      {target: "/projects/pr1/pipelines"},
		"GET /projects/{id}/clusters":                       {target: "/projects/shop/clusters"},
		"GET /v2/canaryConfig":                              {target: "/v2/canaryConfig"},
		"GET /v2/canaryConfig/{id}":                         {target: "/v2/canaryConfig/cc1"},
		"POST /v2/canaryConfig":                             {target: "/v2/canaryConfig", body: `{"name":"x","applications":["demo"]}`},
		"PUT /v2/canaryConfig/{id}":                         {target: "/v2/canaryConfig/cc1", body: `{"name":"x","applications":["demo"]}`},
		"DELETE /v2/canaryConfig/{id}":                      {target: "/v2/canaryConfig/cc1", empty: true},
		"GET /v2/canaries/judges":                           {target: "/v2/canaries/judges"},
		"GET /v2/canaries/credentials":                      {target: "/v2/canaries/credentials"},
		"GET /v2/canaries/{rest...}":                        {target: "/v2/canaries/canary/x", status: http.StatusNotFound},
		"POST /v2/canaries/{rest...}":                       {target: "/v2/canaries/canary", body: `{}`, status: http.StatusNotFound, asks: true},
		"GET /notifications/metadata":                       {target: "/notifications/metadata"},
		"GET /notifications/application/{app}":              {target: "/notifications/application/demo"},
		"POST /notifications/application/{app}":             {target: "/notifications/application/demo", body: `{"slack":[]}`, empty: true},
		"DELETE /notifications/application/{app}":           {target: "/notifications/application/demo", empty: true},
	}
}

// refusal is a request that a row refuses.
type refusal struct {
	target, body string
	header       []string
	message      string
}

// documentErrors holds, for rows about documents, a request for each kind of
// error that is not the same everywhere.
func documentErrors() map[string]map[gennaker.Kind]refusal {
	none := func(target, message string) map[gennaker.Kind]refusal {
		return map[gennaker.Kind]refusal{gennaker.NotFound: {target: target, message: message}}
	}
	const (
		pipeline = `{"id":"p1","application":"demo","name":"new"}`
		lost     = `{"id":"p9","application":"demo","name":"new"}`
		gone     = "Pipeline configuration not found (id: p9)"
		stale    = "The submitted pipeline is stale."
		odd      = `query parameter limit: must be a number of at least 0, not "x"`
		nope     = "Project not found (id: nope)"
		unjudged = "This server keeps canary configs, but does not judge canaries"
	)
	old := []string{"If-Match", `"4"`}
	return map[string]map[gennaker.Kind]refusal{
		"GET /applications/{app}/pipelineConfigs": {
			gennaker.Invalid: {target: "/applications/demo/pipelineConfigs?pipelineLimit=x", message: `query parameter pipelineLimit: must be a number of at least 0, not "x"`},
		},
		"GET /applications/{app}/pipelineConfigs/{name}": none("/applications/demo/pipelineConfigs/nope", "Pipeline configuration not found (nameOrId: nope)"),
		"GET /pipelineConfigs/{id}/history":              {gennaker.Invalid: {target: "/pipelineConfigs/p1/history?limit=x", message: odd}},
		"GET /pipelineConfigs/{id}/convertToTemplate": {
			gennaker.NotFound: {target: "/pipelineConfigs/nope/convertToTemplate", message: "Pipeline config 'nope' could not be found"},
			gennaker.Invalid:  {target: "/pipelineConfigs/templated/convertToTemplate", message: "pipeline templated is made of a template already"},
		},
		"POST /pipelines": {
			gennaker.Invalid:  {target: "/pipelines?strict=x", body: pipeline, message: `query parameter strict: must be true or false, not "x"`},
			gennaker.Conflict: {target: "/pipelines", body: pipeline, header: old, message: stale},
		},
		"PUT /pipelines/{id}": {
			gennaker.Invalid:  {target: "/pipelines/p2", body: pipeline, message: `line 1, column 7: id: is "p1" in the document and "p2" in the path`},
			gennaker.NotFound: {target: "/pipelines/p9", body: lost, message: gone},
			gennaker.Conflict: {target: "/pipelines/p1", body: pipeline, header: old, message: stale},
		},
		"POST /pipelines/bulksave": {gennaker.Invalid: {target: "/pipelines/bulksave", body: "{}", message: "the body must be a list of pipelines: json: cannot unmarshal object into Go value of type []json.RawMessage"}},
		"POST /pipelines/move": {
			gennaker.Invalid:  {target: "/pipelines/move", body: `{"application":"demo","from":"a/b"}`, message: "line 1, column 1: to: is missing"},
			gennaker.NotFound: {target: "/pipelines/move", body: `{"application":"demo","from":"nope","to":"b"}`, message: "Pipeline configuration not found (nameOrId: nope)"},
			gennaker.Conflict: {target: "/pipelines/move", body: `{"application":"demo","from":"busy","to":"b"}`, message: stale},
		},
		"POST /actions/pipelines/reorder":  {gennaker.Invalid: {target: "/actions/pipelines/reorder", body: "{}", message: "line 1, column 1: application: is missing"}},
		"POST /actions/strategies/reorder": {gennaker.Invalid: {target: "/actions/strategies/reorder", body: "{}", message: "line 1, column 1: application: is missing"}},
		"POST /api/v1/pipelines/lint":      {gennaker.Invalid: {target: "/api/v1/pipelines/lint", body: "[]", message: "line 1, column 1: must be a JSON object, not a list"}},
		"POST /api/v1/pipelines/plan": {
			gennaker.Invalid:  {target: "/api/v1/pipelines/plan", body: "{}", message: "line 1, column 1: either pipeline is needed, or application and name"},
			gennaker.NotFound: {target: "/api/v1/pipelines/plan", body: `{"application":"demo","name":"nope"}`, message: "Pipeline configuration not found (nameOrId: nope)"},
		},
		"GET /api/v1/pipelines/{id}/revisions": {gennaker.Invalid: {target: "/api/v1/pipelines/p1/revisions?limit=x", message: odd}},
		"GET /api/v1/pipelines/{id}/revisions/{number}": {
			gennaker.Invalid:  {target: "/api/v1/pipelines/p1/revisions/0", message: `a revision is a number of at least 1, not "0"`},
			gennaker.NotFound: {target: "/api/v1/pipelines/p1/revisions/7", message: "pipeline p1 has no revision 7"},
		},
		"GET /api/v1/pipelines/{id}/revisions/{a}/diff/{b}": {
			gennaker.Invalid:  {target: "/api/v1/pipelines/p1/revisions/1/diff/b", message: `a revision is a number of at least 1, not "b"`},
			gennaker.NotFound: {target: "/api/v1/pipelines/p1/revisions/1/diff/3", message: "pipeline p1 has no revision 3"},
		},
		"GET /applications/{app}/strategyConfigs/{name}": none("/applications/demo/strategyConfigs/nope", "Strategy config (id: nope) not found for Application (id: demo)"),
		"GET /strategyConfigs/{id}/history":              {gennaker.Invalid: {target: "/strategyConfigs/st1/history?limit=x", message: odd}},
		"POST /strategies": {
			gennaker.Invalid:  {target: "/strategies", body: `{}`, message: "line 1, column 1: A pipeline requires name and application fields"},
			gennaker.Conflict: {target: "/strategies", body: pipeline, header: old, message: stale},
		},
		"PUT /strategies/{id}": {
			gennaker.Invalid:  {target: "/strategies/p2", body: pipeline, message: `line 1, column 7: id: is "p1" in the document and "p2" in the path`},
			gennaker.NotFound: {target: "/strategies/p9", body: lost, message: gone},
			gennaker.Conflict: {target: "/strategies/p1", body: pipeline, header: old, message: stale},
		},
		"DELETE /strategies/{app}/{name}": none("/strategies/demo/a%2Fb", "Strategy config (id: a/b) not found for Application (id: demo)"),
		"POST /strategies/move": {
			gennaker.Invalid:  {target: "/strategies/move", body: `{}`, message: "line 1, column 1: application: is missing (and 2 more problems)"},
			gennaker.NotFound: {target: "/strategies/move", body: `{"application":"demo","from":"a/b","to":"b"}`, message: "Strategy config (id: a/b) not found for Application (id: demo)"},
			gennaker.Conflict: {target: "/strategies/move", body: `{"application":"demo","from":"busily","to":"b"}`, message: stale},
		},
		"GET /v2/pipelineTemplates/{id}": {
			gennaker.NotFound: {target: "/v2/pipelineTemplates/nope", message: "Pipeline template not found (id: nope)"},
			gennaker.Invalid:  {target: "/v2/pipelineTemplates/t?tag=latest&digest=00", message: "Cannot query pipeline by 'tag' and 'digest' simultaneously. Specify one of 'tag' or 'digest'."},
		},
		"POST /v2/pipelineTemplates/create":      {gennaker.Invalid: {target: "/v2/pipelineTemplates/create", body: `{"schema":"1"}`, message: "Pipeline template schema version is invalid"}},
		"POST /v2/pipelineTemplates/update/{id}": {gennaker.Invalid: {target: "/v2/pipelineTemplates/update/t", body: `{"schema":"1"}`, message: "Pipeline template schema version is invalid"}},
		"POST /v2/pipelineTemplates/plan":        {gennaker.Invalid: {target: "/v2/pipelineTemplates/plan", body: `{"application":""}`, message: template.Message}},
		"DELETE /v2/pipelineTemplates/{id}":      {gennaker.Invalid: {target: "/v2/pipelineTemplates/t?tag=nope", message: "The provided tag nope is not supported. Pipeline template tag must be one of [latest, stable, unstable, experimental, test, canary]"}},
		"GET /projects/{id}":                     none("/projects/nope", nope),
		"GET /projects/{id}/pipelines": {
			gennaker.NotFound: {target: "/projects/nope/pipelines", message: nope},
			gennaker.Invalid:  {target: "/projects/shop/pipelines?limit=x", message: odd},
		},
		"GET /projects/{id}/clusters": {
			gennaker.NotFound:    {target: "/projects/nope/clusters", message: nope},
			gennaker.Unavailable: {target: "/projects/shop/clusters", message: "away"},
		},
		"GET /v2/canaryConfig/{id}":    none("/v2/canaryConfig/nope", "Canary config not found (id: nope)"),
		"POST /v2/canaryConfig":        {gennaker.Invalid: {target: "/v2/canaryConfig", body: `{"applications":["demo"]}`, message: "Canary config must specify a name."}},
		"PUT /v2/canaryConfig/{id}":    {gennaker.Invalid: {target: "/v2/canaryConfig/cc2", body: `{"name":"x","applications":["demo"]}`, message: "Canary config 'cc2' does not exist."}},
		"DELETE /v2/canaryConfig/{id}": none("/v2/canaryConfig/nope", "Canary config not found (id: nope)"),
		"GET /v2/canaries/{rest...}":   none("/v2/canaries/demo/executions?limit=5", unjudged),
		"POST /v2/canaries/{rest...}":  none("/v2/canaries/canary/cc1", unjudged),
		"POST /notifications/application/{app}": {
			gennaker.Invalid: {target: "/notifications/application/demo", body: `{"slack":{}}`, message: "line 1, column 10: slack: must be a list of notifications"},
		},
		"PUT /artifacts/fetch": {
			gennaker.Invalid:     {target: "/artifacts/fetch", body: "[]", message: "line 1, column 1: must be a JSON object, not a list"},
			gennaker.NotFound:    {target: "/artifacts/fetch", body: `{}`, message: "gone"},
			gennaker.Unavailable: {target: "/artifacts/fetch", body: `{}`, message: "away"},
		},
	}
}

// TestDocumentErrors reaches every error that a row about documents has in its
// description.
func TestDocumentErrors(t *testing.T) {
	t.Parallel()
	all := documentErrors()
	for _, row := range document.Routes(newWorld(t).rooms().document) {
		name := row.Method + " " + row.Pattern
		own := maps.Clone(all[name])
		if own == nil {
			own = map[gennaker.Kind]refusal{}
		}
		for _, kind := range row.Kinds() {
			tt, ok := own[kind]
			delete(own, kind)
			t.Run(name+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				refuse(t, row, kind, tt, ok)
			})
		}
		for kind := range own {
			t.Errorf("%s is not said to answer with %s", name, kind)
		}
		delete(all, name)
	}
	for name := range all {
		t.Errorf("there is no row %s", name)
	}
}

// refuse asks for what is refused: tt, or what is refused everywhere.
func refuse(t *testing.T, row api.Route, kind gennaker.Kind, tt refusal, own bool) {
	w := newWorld(t)
	w.addPipeline(t, `{"id":"templated","application":"demo","name":"templated","schema":"v2","template":{"reference":"spinnaker://t"}}`)
	w.addPipeline(t, `{"id":"busy","application":"demo","name":"busy","updateTs":"6"}`)
	w.addPipeline(t, `{"id":"busily","application":"demo","name":"busily","updateTs":"6","strategy":true}`)
	cfg := w.config()
	usual := samples()[row.Method+" "+row.Pattern]
	switch kind {
	case gennaker.Denied:
		cfg.Access, tt = &doors{}, refusal{target: usual.target, body: usual.body, message: "Access is denied"}
	case gennaker.TooLarge:
		tt = refusal{target: usual.target, body: strings.Repeat(" ", gennaker.MaxDocumentBytes+1), message: fmt.Sprintf("the body has more than %d bytes", gennaker.MaxDocumentBytes)}
	case gennaker.Unavailable:
		w.fail = gennaker.Errorf(kind, "away")
	case gennaker.NotFound:
		if row.Pattern == "/artifacts/fetch" {
			w.fail = gennaker.Errorf(kind, "gone")
		}
	case gennaker.Invalid:
		if !own { // as every row does
			tt = refusal{target: usual.target + "?x=%zz", body: usual.body, message: "the query is not percent-encoded UTF-8"}
		}
	case "too_many": // which is the server's, before any row
		return
	default:
		if !own {
			t.Fatal("no request that is refused so: add one")
		}
	}
	res := conforming(t, api.New(cfg), row.Method, tt.target, tt.body, tt.header...)
	if got := failure(t, res, kind.HTTPStatus()); got.Message != tt.message {
		t.Errorf("the message is %q, want %q", got.Message, tt.message)
	}
	if len(w.changes()) > 0 {
		t.Errorf("changed %v", w.changes())
	}
}

func TestBulkSave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := `[{"id":"p1","application":"demo","name":"new"},{"name":"x"},{"id":"p1","application":"demo","name":"again"},7,{"application":"demo","name":"other","kept":1.50}]`
	res := conforming(t, api.New(w.config()), "POST", "/pipelines/bulksave", body)
	want := `{"successful_pipelines_count":2,"successful_pipelines":["new","other"],"failed_pipelines_count":3,"failed_pipelines":[` +
		`{"errorMsg":"Encountered the following error when validating pipeline x in the application : line 1, column 1: A pipeline requires name and application fields","name":"x"},` +
		`{"application":"demo","errorMsg":"Duplicate pipeline id p1 found when processing pipeline again in the application demo","id":"p1","name":"again"},` +
		`{"errorMsg":"Encountered the following error when validating pipeline  in the application : line 1, column 1: must be a JSON object, not a number"}]}`
	if diff := cmp.Diff(want, strings.TrimSpace(res.Body.String())); diff != "" {
		t.Error(diff)
	}
	if len(w.changes()) != 2 {
		t.Errorf("changed %v", w.changes())
	}
	w.fail = gennaker.Errorf(gennaker.Unavailable, "away")
	failure(t, call(api.New(w.config()), "POST", "/pipelines/bulksave", body), http.StatusServiceUnavailable)
}

func TestConditionalSave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := api.New(w.config())
	const doc = `{"id":"p1","application":"demo","name":"new"}`
	for _, tag := range []string{`"5"`, "5", "*"} {
		if res := call(s, "POST", "/pipelines", doc, "If-Match", tag); res.Code != http.StatusOK {
			t.Errorf("If-Match: %s: %d %s", tag, res.Code, res.Body)
		}
	}
	call(s, "PUT", "/pipelines/p1", doc, "If-Match", `"5"`)
	call(s, "PUT", "/strategies/p1", doc)
	want := []string{
		"replace demo/new (p1, 5) by [anonymous]", "replace demo/new (p1, 5) by [anonymous]", "replace demo/new (p1, ) by [anonymous]",
		"replace demo/new (p1, 5) by [anonymous]", "replace demo/new (p1, ) by [anonymous]",
	}
	if diff := cmp.Diff(want, w.changes()); diff != "" {
		t.Error(diff)
	}
	failure(t, call(s, "POST", "/pipelines", `{"id":"p9","application":"demo","name":"new"}`, "If-Match", "*"), http.StatusConflict)
}

func TestStrategiesAndPipelinesAreApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addPipeline(t, `{"id":"st2","application":"demo","name":"deploy it","strategy":true}`)
	s := api.New(w.config())
	ids := func(target string) string {
		var out []string
		for _, doc := range read[[]map[string]any](t, s, target) {
			out = append(out, fmt.Sprint(doc["id"]))
		}
		return strings.Join(out, " ")
	}
	for target, want := range map[string]string{
		"/pipelineConfigs": "p1 p2", "/strategyConfigs": "st1 st2", "/applications/demo/pipelineConfigs": "p1 p2", "/applications/demo/strategyConfigs": "st1 st2",
	} {
		if got := ids(target); got != want {
			t.Errorf("%s shows %s, want %s", target, got, want)
		}
	}
	if doc := read[map[string]any](t, s, "/applications/demo/strategyConfigs/deploy%20it"); doc["id"] != "st2" {
		t.Errorf("by name: %v", doc)
	}
	if doc := read[map[string]any](t, s, "/applications/demo/strategyConfigs/st1"); doc["name"] != "slowly" {
		t.Errorf("by ID: %v", doc)
	}
}

func TestDiffOfRevisions(t *testing.T) {
	t.Parallel()
	s := api.New(newWorld(t).config())
	res := conforming(t, s, "GET", "/api/v1/pipelines/p1/revisions/1/diff/2", "")
	want := `[{"path":"name","was":"a","is":"b"},{"path":"stages[refId=\"1\"].waitTime","was":5,"is":6},{"path":"stages[refId=\"2\"]","is":{"refId":"2","type":"wait"}}]`
	if got := strings.TrimSpace(res.Body.String()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := read[[]gennaker.Difference](t, s, "/api/v1/pipelines/p1/revisions/2/diff/2"); len(got) != 0 {
		t.Errorf("a revision differs from itself: %v", got)
	}
	numbers := func(query string) (out []int) {
		for _, rev := range read[[]gennaker.Revision](t, s, "/api/v1/pipelines/p1/revisions"+query) {
			out = append(out, rev.Number)
		}
		return out
	}
	for query, want := range map[string][]int{"": {2, 1}, "?limit=1": {2}, "?before=2": {1}, "?before=1": nil} {
		if got := numbers(query); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
}

func TestProjectClusters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := conforming(t, api.New(w.config()), "GET", "/projects/SHOP/clusters", "")
	if got := res.Header().Values(api.StaleHeader); !slices.Equal(got, []string{"away"}) {
		t.Errorf("accounts that are not shown: %q", got)
	}
	counts := func(n int) string {
		return fmt.Sprintf(`{"total":%d,"up":%d,"down":%[2]d,"unknown":0,"outOfService":0,"starting":0,"succeeded":0,"failed":0}`, 2*n, n)
	}
	prod := `{"application":"demo","clusters":[{"region":"local","builds":[{"buildNumber":"0","deployed":2,"images":["image of demo-prod-v001"]}],"instanceCounts":` + counts(1) + `,"lastPush":2}],"lastPush":2}`
	both := `{"application":"demo","clusters":[{"region":"local","builds":[{"buildNumber":"0","deployed":3,"images":["image of demo-prod-v001","image of demo-test-v000"]}],"instanceCounts":` + counts(2) + `,"lastPush":3}],"lastPush":3}`
	none := func(app string) string { return `{"application":"` + app + `","clusters":[],"lastPush":null}` }
	want := `[{"account":"local","stack":"prod","detail":"","applications":[` + prod + `,` + none("shop") + `],"instanceCounts":` + counts(1) + `},` +
		`{"account":"local","stack":"*","detail":"*","applications":[` + both + `],"instanceCounts":` + counts(2) + `},` +
		`{"account":"other","stack":"*","detail":"","applications":[` + none("demo") + `,` + none("shop") + `],"instanceCounts":` + counts(0) + `}]`
	if diff := cmp.Diff(want, strings.TrimSpace(res.Body.String())); diff != "" {
		t.Error(diff)
	}
}

func TestProjectPipelines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := api.New(w.config())
	if got := read[[]gennaker.Execution](t, s, "/projects/shop/pipelines?statuses=RUNNING&limit=3"); len(got) != 1 || got[0].ID != "01E2" {
		t.Errorf("got %v", got)
	}
	want := gennaker.ExecutionQuery{Type: gennaker.TypePipeline, PipelineConfigIDs: []string{"p1"}, Statuses: []gennaker.Status{gennaker.Running}, Limit: 3, PerPipeline: true, Expand: true}
	if diff := cmp.Diff([]gennaker.ExecutionQuery{want}, w.queries); diff != "" {
		t.Error(diff)
	}
	if got := read[[]gennaker.Execution](t, s, "/projects/shop/pipelines?limit=0"); len(got) != 0 {
		t.Errorf("limit 0 shows %v", got)
	}
}

func TestCanaryConfigs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := api.New(w.config())
	for query, n := range map[string]int{"": 1, "?application=": 1, "?application=demo": 1, "?application=shop&application=demo": 1, "?application=shop": 0} {
		if got := read[[]document.CanaryConfigSummary](t, s, "/v2/canaryConfig"+query); len(got) != n {
			t.Errorf("%s shows %v", query, got)
		}
	}
	if res := call(s, "POST", "/v2/canaryConfig", `{"name":"x","applications":["demo"]}`); strings.TrimSpace(res.Body.String()) != `{"canaryConfigId":"new"}` {
		t.Errorf("created: %s", res.Body)
	}
	b := failure(t, call(s, "PUT", "/v2/canaryConfig/cc1", "{\"name\":\"a b\",\n\"applications\":[],\"metrics\":[{\"name\":\"m\"},{\"name\":\"m\"}]}"), http.StatusBadRequest)
	var got []string
	for _, p := range b.Problems {
		got = append(got, p.String())
	}
	want := []string{
		"line 1, column 9: name: Canary config cannot be named 'a b'. Names must contain only letters, numbers, dashes (-) and underscores (_).",
		"line 2, column 16: applications: Canary config must specify at least one application.",
		"line 2, column 51: metrics[1].name: Metric config name must be unique. 'm' is duplicated.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConvertToTemplate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := conforming(t, api.New(w.config()), "GET", "/pipelineConfigs/p2/convertToTemplate", "")
	want := "id: demo-a-b\nmetadata:\n  description: Made from the pipeline a/b of demo\n  name: a-b\n  scopes:\n  - demo\npipeline:\n  stages: []\nprotect: false\nschema: v2\nvariables: []\n"
	if diff := cmp.Diff(want, res.Body.String()); diff != "" || res.Header().Get("Content-Type") != "text/x-yaml" {
		t.Error(res.Header().Get("Content-Type"), diff)
	}
}
