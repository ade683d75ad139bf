package document_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/document"
)

// catalog keeps documents in memory, and server groups.
type catalog struct {
	applications map[string]gennaker.Application // by lower-case name
	pipelines    map[string]gennaker.Pipeline    // by ID
	projects     map[string]gennaker.Project     // by ID
	templates    map[string]map[string]any       // by key
	artifacts    map[string]string               // contents by reference
	groups       []gennaker.ServerGroup
	saves        []string // "what by whom"
	fail         error    // of every call
}

func newCatalog(t *testing.T) *catalog {
	t.Helper()
	c := &catalog{applications: map[string]gennaker.Application{}, pipelines: map[string]gennaker.Pipeline{}}
	c.applications["demo"] = gennaker.Application{
		Name: "Demo", Email: "a@example.org",
		Attrs: map[string]any{"name": "Demo", "email": "a@example.org", "owner": "ann", "old": "x"},
	}
	for _, id := range []string{"p1", "p2"} {
		c.pipelines[id] = parse(t, map[string]any{"id": id, "name": "Pipe " + id, "application": "Demo", "updateTs": "5", "index": 1})
	}
	c.pipelines["p3"] = parse(t, map[string]any{"id": "p3", "name": "Other", "application": "other"})
	return c
}

func parse(t *testing.T, doc map[string]any) gennaker.Pipeline {
	t.Helper()
	p, err := gennaker.ParsePipeline(marshal(t, doc))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (c *catalog) Application(_ context.Context, name string) (gennaker.Application, error) {
	a, ok := c.applications[strings.ToLower(name)]
	if c.fail == nil && !ok {
		return a, gennaker.Errorf(gennaker.NotFound, "there is no application %q", name)
	}
	return a, c.fail
}

func (c *catalog) SaveApplication(_ context.Context, a gennaker.Application, user string) error {
	if c.fail != nil {
		return c.fail
	}
	c.applications[strings.ToLower(a.Name)] = a
	c.saves = append(c.saves, "application "+a.Name+" by "+user)
	return nil
}

func (c *catalog) DeleteApplication(_ context.Context, name, user string) error {
	if _, err := c.Application(context.Background(), name); err != nil {
		return err
	}
	delete(c.applications, strings.ToLower(name))
	c.saves = append(c.saves, "no application "+name+" by "+user)
	return nil
}

func (c *catalog) Pipelines(_ context.Context, application string) ([]gennaker.Pipeline, error) {
	var out []gennaker.Pipeline
	for _, id := range slices.Sorted(maps.Keys(c.pipelines)) {
		if application == "" || strings.EqualFold(c.pipelines[id].Application, application) {
			out = append(out, c.pipelines[id])
		}
	}
	return out, c.fail
}

func (c *catalog) SavePipeline(_ context.Context, p gennaker.Pipeline, user string, staleCheck bool) (gennaker.Pipeline, error) {
	if c.fail != nil {
		return p, c.fail
	}
	if old, ok := c.pipelines[p.ID]; ok && staleCheck && old.Doc.Value["updateTs"] != p.Doc.Value["updateTs"] {
		return p, gennaker.Errorf(gennaker.Invalid, "The submitted pipeline is stale.")
	}
	value := maps.Clone(p.Doc.Value)
	value["updateTs"], value["lastModifiedBy"] = "6", user
	p.Doc = &gennaker.Document{Value: value}
	c.pipelines[p.ID] = p
	c.saves = append(c.saves, "pipeline "+p.Name+" by "+user)
	return p, nil
}

func (c *catalog) DeletePipeline(_ context.Context, application, nameOrID, user string) error {
	if c.fail != nil {
		return c.fail
	}
	for id, p := range c.pipelines {
		if strings.EqualFold(p.Application, application) && (id == nameOrID || p.Name == nameOrID) {
			delete(c.pipelines, id)
			c.saves = append(c.saves, "no pipeline "+p.Name+" by "+user)
			return nil
		}
	}
	return gennaker.Errorf(gennaker.NotFound, "there is no pipeline %q", nameOrID)
}

func (c *catalog) ServerGroups(_ context.Context, application string) ([]gennaker.ServerGroup, error) {
	return slices.DeleteFunc(slices.Clone(c.groups), func(g gennaker.ServerGroup) bool {
		return application != "" && g.Moniker.App != application
	}), c.fail
}

func run(t *testing.T, c *catalog, typ, step string, context map[string]any) (stage.Outcome, error) {
	t.Helper()
	return runKey(t, c, typ, step, "k1", context)
}

func runKey(t *testing.T, c *catalog, typ, step, key string, context map[string]any) (stage.Outcome, error) {
	t.Helper()
	r := &stage.Registry{}
	document.Register(r, document.Config{Catalog: c, Projects: c, Inventory: c, Templates: c, Artifacts: c, Evaluate: evaluate})
	stage.Add[struct{}](r, stage.Definition{Type: "noop"}) // a type that is registered later
	d, err := r.Find(typ)
	if err != nil {
		t.Fatal(err)
	}
	return d.Step(step).Task.Run(t.Context(), stage.Input{
		Execution: gennaker.Execution{Application: "demo", Authentication: gennaker.Authentication{User: "ann"}},
		Stage:     gennaker.Stage{Context: context}, Key: key, Now: time.Unix(1000, 0), Attempt: 1,
	})
}

// failed says how a run failed: the kind of its error, or why it is terminal.
func failed(o stage.Outcome, err error) string {
	if err != nil {
		return string(gennaker.KindOf(err))
	}
	reason, _, _ := o.Reason()
	return reason
}

func TestRegister(t *testing.T) {
	t.Parallel()
	r := &stage.Registry{}
	document.Register(r, document.Config{})
	steps := map[string][]string{}
	for _, typ := range r.Types() {
		d, err := r.Find(typ)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range d.Steps {
			steps[typ] = append(steps[typ], s.Name)
		}
	}
	want := map[string][]string{
		"createApplication": {"createApplication"}, "updateApplication": {"updateApplication"},
		"upsertApplication": {"upsertApplication"}, "deleteApplication": {"verifyNoDependencies", "deleteApplication"},
		"savePipeline": {"savePipeline", "waitForPipelineSave"}, "updatePipeline": {"updatePipeline", "waitForPipelineSave"},
		"deletePipeline": {"deletePipeline"}, "reorderPipelines": {"reorderPipelines"},
		"savePipelinesFromArtifact": {
			"getPipelinesFromArtifact", "preparePipelineToSaveTask", "savePipeline", "waitForPipelineSave", "checkPipelineResults",
			"checkForRemainingPipelines", "savePipelinesCompleteTask",
		},
		"createV2PipelineTemplate": {"createPipelineTemplate"},
		"updateV2PipelineTemplate": {"planDependentPipelines", "updatePipelineTemplate"},
		"deleteV2PipelineTemplate": {"deletePipelineTemplate"},
		"upsertProject":            {"upsertProject"}, "deleteProject": {"deleteProject"},
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestUpsertApplication(t *testing.T) {
	t.Parallel()
	demo := map[string]any{"name": "Demo", "email": "a@example.org", "owner": "ann", "old": "x"}
	for name, tt := range map[string]struct {
		typ       string
		attrs     map[string]any
		old, want map[string]any
	}{
		"create": {
			"createApplication", map[string]any{"name": "New", "email": "n@example.org", "x": nil},
			map[string]any{}, map[string]any{"name": "New", "email": "n@example.org"},
		},
		"update merges": {
			"updateApplication", map[string]any{"name": "demo", "owner": "bob", "old": nil, "new": 1},
			demo, map[string]any{"name": "Demo", "email": "a@example.org", "owner": "bob", "new": 1},
		},
		"create that exists updates": {
			"createApplication", map[string]any{"name": "DEMO", "email": "b@example.org"},
			demo, map[string]any{"name": "Demo", "email": "b@example.org", "owner": "ann", "old": "x"},
		},
		"update that does not exist creates": {
			"upsertApplication", map[string]any{"name": "new", "email": "n@example.org"},
			map[string]any{}, map[string]any{"name": "new", "email": "n@example.org"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCatalog(t)
			o, err := run(t, c, tt.typ, tt.typ, map[string]any{"application": tt.attrs, "user": "mallory"})
			if err != nil || o.Status() != gennaker.Succeeded {
				t.Fatalf("%v, %v", o, err)
			}
			values := map[string]any{"previousState": tt.old, "newState": tt.want}
			if diff := cmp.Diff(values, o.Outputs()); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(values, o.Context()); diff != "" {
				t.Errorf("context (-want +got):\n%s", diff)
			}
			saved, err := c.Application(t.Context(), tt.attrs["name"].(string))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, saved.Attrs); diff != "" {
				t.Errorf("saved (-want +got):\n%s", diff)
			}
			if want := []string{"application " + saved.Name + " by ann"}; !slices.Equal(c.saves, want) {
				t.Errorf("saves are %v, want %v", c.saves, want)
			}
		})
	}
}

func TestUpsertApplicationRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		context map[string]any
		fail    error
		want    string
	}{
		"no application": {context: map[string]any{}, want: "invalid"},
		"not an object":  {context: map[string]any{"application": "demo"}, want: "invalid"},
		"no name":        {context: map[string]any{"application": map[string]any{"email": "a@b"}}, want: "invalid"},
		"no email":       {context: map[string]any{"application": map[string]any{"name": "new"}}, want: "invalid"},
		"email taken":    {context: map[string]any{"application": map[string]any{"name": "demo", "email": nil}}, want: "invalid"},
		"bad name":       {context: map[string]any{"application": map[string]any{"name": "a/b", "email": "a@b"}}, want: "invalid"},
		"away":           {context: map[string]any{"application": map[string]any{"name": "demo"}}, fail: gennaker.Errorf(gennaker.Unavailable, "away"), want: "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCatalog(t)
			c.fail = tt.fail
			if got := failed(run(t, c, "createApplication", "createApplication", tt.context)); got != tt.want {
				t.Errorf("failed with %q, want %q", got, tt.want)
			}
			if len(c.saves) > 0 {
				t.Errorf("saves are %v", c.saves)
			}
		})
	}
}

func TestUpsertKeepsStoredAttributes(t *testing.T) {
	t.Parallel()
	c := newCatalog(t)
	before := c.applications["demo"].Attrs
	want := maps.Clone(before)
	if _, err := run(t, c, "updateApplication", "updateApplication", map[string]any{"application": map[string]any{"name": "demo", "owner": "bob"}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, before); diff != "" {
		t.Errorf("the catalog's own map was changed (-want +got):\n%s", diff)
	}
}

func group(app, name string) gennaker.ServerGroup {
	return gennaker.ServerGroup{Name: name, Account: "local", Region: "local", Moniker: gennaker.Moniker{App: app}}
}

func TestVerifyNoDependencies(t *testing.T) {
	t.Parallel()
	many := []gennaker.ServerGroup{}
	for _, n := range []string{"0", "1", "2", "3", "4", "5", "6"} {
		many = append(many, group("demo", "demo-v00"+n))
	}
	for name, tt := range map[string]struct {
		groups []gennaker.ServerGroup
		fail   error
		want   string
	}{
		"nothing":           {},
		"other application": {groups: []gennaker.ServerGroup{group("demo2", "demo2-v000")}},
		"one":               {groups: []gennaker.ServerGroup{group("DEMO", "DEMO-v000")}, want: "Application has outstanding dependencies: server groups local/local/DEMO-v000"},
		"many": {groups: many, want: "Application has outstanding dependencies: server groups local/local/demo-v000, " +
			"local/local/demo-v001, local/local/demo-v002, local/local/demo-v003, local/local/demo-v004 and 2 more"},
		"could not tell": {fail: gennaker.Errorf(gennaker.Unavailable, "away"), want: "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCatalog(t)
			c.groups, c.fail = tt.groups, tt.fail
			o, err := run(t, c, "deleteApplication", "verifyNoDependencies", map[string]any{"application": map[string]any{"name": "demo"}})
			if got := failed(o, err); got != tt.want {
				t.Errorf("failed with %q, want %q", got, tt.want)
			}
			if err == nil && (o.Status() == gennaker.Succeeded) != (tt.want == "") {
				t.Errorf("status is %s", o.Status())
			}
		})
	}
}

func TestDeleteApplication(t *testing.T) {
	t.Parallel()
	c := newCatalog(t)
	context := map[string]any{"application": map[string]any{"name": "demo"}}
	o, err := run(t, c, "deleteApplication", "deleteApplication", context)
	if err != nil || o.Status() != gennaker.Succeeded {
		t.Fatalf("%v, %v", o, err)
	}
	want := []string{"no pipeline Pipe p1 by ann", "no pipeline Pipe p2 by ann", "no application Demo by ann"}
	if diff := cmp.Diff(want, c.saves); diff != "" {
		t.Errorf("saves (-want +got):\n%s", diff)
	}
	if got := slices.Collect(maps.Keys(c.pipelines)); !slices.Equal(got, []string{"p3"}) {
		t.Errorf("pipelines left are %v", got)
	}
	if o.Outputs()["previousState"].(map[string]any)["owner"] != "ann" {
		t.Errorf("outputs are %v", o.Outputs())
	}
	if o, err := run(t, c, "deleteApplication", "deleteApplication", context); err != nil || o.Status() != gennaker.Skipped {
		t.Errorf("again: %v, %v", o.Status(), err)
	}
	c.fail = gennaker.Errorf(gennaker.Unavailable, "away")
	if got := failed(run(t, c, "deleteApplication", "deleteApplication", context)); got != "unavailable" {
		t.Errorf("store away: %q", got)
	}
}

func TestSavePipeline(t *testing.T) {
	t.Parallel()
	doc := map[string]any{"id": "p1", "name": "Pipe p1", "application": "Demo", "updateTs": "5", "stages": []any{map[string]any{"refId": "1", "type": "noop"}}}
	base64JSON := func(v any) string { return base64.StdEncoding.EncodeToString(marshal(t, v)) }
	with := func(key string, v any) map[string]any {
		m := maps.Clone(doc)
		m[key] = v
		return m
	}
	for name, tt := range map[string]struct {
		context map[string]any
		want    string // of failed
		saves   []string
	}{
		"object":     {map[string]any{"pipeline": doc}, "", []string{"pipeline Pipe p1 by ann"}},
		"base64":     {map[string]any{"pipeline": base64JSON(doc)}, "", []string{"pipeline Pipe p1 by ann"}},
		"not stale":  {map[string]any{"pipeline": doc, "staleCheck": true}, "", []string{"pipeline Pipe p1 by ann"}},
		"stale":      {map[string]any{"pipeline": with("updateTs", "4"), "staleCheck": "true"}, "invalid", nil},
		"unchecked":  {map[string]any{"pipeline": with("updateTs", "4"), "staleCheck": false}, "", []string{"pipeline Pipe p1 by ann"}},
		"same again": {map[string]any{"pipeline": map[string]any{"id": "p1", "name": "Pipe p1", "application": "Demo", "updateTs": "1"}, "staleCheck": true}, "", nil},
		"new index":  {map[string]any{"pipeline": map[string]any{"id": "p1", "name": "Pipe p1", "application": "Demo", "index": 2}}, "", []string{"pipeline Pipe p1 by ann"}},
		"missing":    {map[string]any{}, "invalid", nil},
		"number":     {map[string]any{"pipeline": 7}, "invalid", nil},
		"not base64": {map[string]any{"pipeline": "{}"}, "invalid", nil},
		"not JSON":   {map[string]any{"pipeline": base64.StdEncoding.EncodeToString([]byte("nope"))}, "invalid", nil},
		"not whole":  {map[string]any{"pipeline": map[string]any{"name": "x"}}, "invalid", nil},
		"stage type": {map[string]any{"pipeline": with("stages", []any{map[string]any{"refId": "1", "type": "bogus"}})}, "invalid", nil},
		"too large":  {map[string]any{"pipeline": strings.Repeat("A", 2*gennaker.MaxDocumentBytes)}, "too_large", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCatalog(t)
			o, err := run(t, c, "savePipeline", "savePipeline", tt.context)
			if got := failed(o, err); got != tt.want {
				t.Fatalf("failed with %q (%v), want %q", got, err, tt.want)
			}
			if diff := cmp.Diff(tt.saves, c.saves); diff != "" {
				t.Errorf("saves (-want +got):\n%s", diff)
			}
			if tt.want == "" {
				want := map[string]any{"application": "Demo", "pipeline.id": "p1", "pipeline.name": "Pipe p1"}
				if diff := cmp.Diff(want, o.Context()); diff != "" {
					t.Errorf("context (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// A new pipeline has the same ID in every attempt, so that an answer that was
// lost does not make two of it.
func TestSaveNewPipeline(t *testing.T) {
	t.Parallel()
	c := newCatalog(t)
	context := map[string]any{"pipeline": map[string]any{"name": "New", "application": "demo", "x": json.Number("1.50")}, "staleCheck": true}
	var ids []string
	for _, key := range []string{"k1", "k1", "k2"} {
		o, err := runKey(t, c, "updatePipeline", "updatePipeline", key, context)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, o.Context()["pipeline.id"].(string))
	}
	if ids[0] != ids[1] || ids[0] == ids[2] || len(ids[0]) != 36 || strings.Count(ids[0], "-") != 4 {
		t.Errorf("IDs are %v, want a UUID for each key", ids)
	}
	if len(c.saves) != 2 {
		t.Errorf("saves are %v, want one for each key", c.saves)
	}
	if got := c.pipelines[ids[0]].Doc.Value["x"]; got != json.Number("1.50") {
		t.Errorf("x is %v, want it as it was written", got)
	}
	if _, ok := context["pipeline"].(map[string]any)["id"]; ok {
		t.Error("the stage's context was changed")
	}
}

func TestDeletePipeline(t *testing.T) {
	t.Parallel()
	doc := map[string]any{"id": "p3", "name": "Other", "application": "other"}
	for name, tt := range map[string]struct {
		context map[string]any
		fail    error
		want    string
		status  gennaker.Status
		saves   []string
	}{
		"by document":    {context: map[string]any{"pipeline": doc}, status: gennaker.Succeeded, saves: []string{"no pipeline Other by ann"}},
		"by base64":      {context: map[string]any{"pipeline": base64.StdEncoding.EncodeToString(marshal(t, doc))}, status: gennaker.Succeeded, saves: []string{"no pipeline Other by ann"}},
		"by name":        {context: map[string]any{"application": "other", "pipelineName": "Other"}, status: gennaker.Succeeded, saves: []string{"no pipeline Other by ann"}},
		"by ID":          {context: map[string]any{"pipelineId": "p2"}, status: gennaker.Succeeded, saves: []string{"no pipeline Pipe p2 by ann"}},
		"gone":           {context: map[string]any{"pipelineId": "p9"}, status: gennaker.Skipped},
		"of another one": {context: map[string]any{"pipelineId": "p3"}, status: gennaker.Skipped},
		"nothing":        {context: map[string]any{}, want: "invalid"},
		"bad document":   {context: map[string]any{"pipeline": "{"}, want: "invalid"},
		"away":           {context: map[string]any{"pipelineId": "p1"}, fail: gennaker.Errorf(gennaker.Unavailable, "away"), want: "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCatalog(t)
			c.fail = tt.fail
			o, err := run(t, c, "deletePipeline", "deletePipeline", tt.context)
			if got := failed(o, err); got != tt.want || o.Status() != tt.status {
				t.Fatalf("failed with %q (%v), status %q, want %q, %q", got, err, o.Status(), tt.want, tt.status)
			}
			if diff := cmp.Diff(tt.saves, c.saves); diff != "" {
				t.Errorf("saves (-want +got):\n%s", diff)
			}
		})
	}
}
