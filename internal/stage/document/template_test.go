package document_test

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/document"
	"github.com/gennaker/gennaker/internal/template"
)

func (c *catalog) Template(_ context.Context, v template.Version) (map[string]any, error) {
	doc, ok := c.templates[v.Key()]
	if c.fail == nil && !ok {
		return nil, gennaker.Errorf(gennaker.NotFound, "there is no template %s", v.Key())
	}
	return doc, c.fail
}

func (c *catalog) CreateTemplate(ctx context.Context, doc map[string]any, tag, user string) (template.Version, error) {
	v := template.Version{ID: doc["id"].(string), Tag: tag}
	if _, err := c.Template(ctx, v); gennaker.KindOf(err) != gennaker.NotFound {
		return v, cmp.Or[error](err, gennaker.Errorf(gennaker.Conflict, "A pipeline template with the id %s already exists", v.Key()))
	}
	return v, c.putTemplate(v, doc, user)
}

func (c *catalog) UpdateTemplate(ctx context.Context, doc map[string]any, tag, user string) (template.Version, error) {
	v := template.Version{ID: doc["id"].(string), Tag: tag}
	if _, err := c.Template(ctx, v); err != nil {
		return v, err
	}
	return v, c.putTemplate(v, doc, user)
}

func (c *catalog) putTemplate(v template.Version, doc map[string]any, user string) error {
	doc = maps.Clone(doc)
	delete(doc, "tag")
	if v.Tag != "" {
		doc["tag"] = v.Tag
	}
	doc["lastModifiedBy"] = user
	if c.templates == nil {
		c.templates = map[string]map[string]any{}
	}
	c.templates[v.Key()] = doc
	c.saves = append(c.saves, "template "+v.Key()+" by "+user)
	return nil
}

func (c *catalog) DeleteTemplate(ctx context.Context, v template.Version, user string) error {
	if _, err := c.Template(ctx, v); err != nil {
		return err
	}
	for _, p := range c.pipelines {
		if v.UsedBy(p.Doc.Value) {
			return gennaker.Errorf(gennaker.Conflict, "The following pipeline configs depend on this template: %s", p.ID)
		}
	}
	delete(c.templates, v.Key())
	c.saves = append(c.saves, "no template "+v.Key()+" by "+user)
	return nil
}

func (c *catalog) Fetch(_ context.Context, artifact map[string]any) ([]byte, error) {
	ref, _ := artifact["reference"].(string)
	text, ok := c.artifacts[ref]
	if !ok {
		return nil, gennaker.Errorf(gennaker.NotFound, "there is no file %s", ref)
	}
	return []byte(text), nil
}

func evaluate(v any, root map[string]any) (any, []template.Finding) {
	out, summary := expr.Evaluate(v, expr.Env{Root: root, Now: time.Unix(0, 0)})
	return out, make([]template.Finding, len(summary.Findings))
}

// finish runs the steps of a stage as an engine does, each until it is final;
// every one twice, as after a crash between acting and storing.
func finish(t *testing.T, c *catalog, typ string, values map[string]any) (stage.Outcome, map[string]any, error) {
	t.Helper()
	r := &stage.Registry{}
	document.Register(r, document.Config{Catalog: c, Inventory: c, Templates: c, Artifacts: c, Evaluate: evaluate})
	stage.Add[struct{}](r, stage.Definition{Type: "noop"})
	d, err := r.Find(typ)
	if err != nil {
		t.Fatal(err)
	}
	st := gennaker.Stage{Context: maps.Clone(values)}
	for i, rounds := 0, 0; ; rounds++ {
		if rounds > 1000 {
			t.Fatal("it does not end")
		}
		step := d.Steps[i]
		in := stage.Input{
			Execution: gennaker.Execution{Application: "demo", Authentication: gennaker.Authentication{User: "ann"}},
			Stage:     st, Key: step.Name + "/" + string(rune('a'+rounds)), Now: time.Unix(1000, 0), Attempt: 1,
		}
		if step.If != nil && !step.If(in) {
			if i++; i == len(d.Steps) {
				return stage.Done(), st.Context, nil
			}
			continue
		}
		var o stage.Outcome
		for range 2 {
			if o, err = step.Task.Run(t.Context(), in); err != nil {
				return o, st.Context, err
			}
		}
		for k, v := range o.Context() {
			st.Context[k] = jsonValue(t, v)
		}
		switch {
		case !o.Final():
			continue
		case o.Status() == gennaker.Redirect:
			for !d.Steps[i].LoopStart {
				i--
			}
			continue
		case o.Status() == gennaker.Terminal || i == len(d.Steps)-1:
			return o, st.Context, nil
		}
		i++
	}
}

// jsonValue is v as it comes back from a store.
func jsonValue(t *testing.T, v any) any {
	t.Helper()
	d, err := gennaker.ParseDocument(marshal(t, map[string]any{"v": v}))
	if err != nil {
		t.Fatal(err)
	}
	return d.Value["v"]
}

func templateDoc(id string, more map[string]any) map[string]any {
	doc := map[string]any{
		"id": id, "schema": "v2", "metadata": map[string]any{"name": "T", "description": "d", "scopes": []any{"global"}},
		"variables": []any{map[string]any{"name": "wait", "type": "int", "defaultValue": json.Number("1")}},
		"pipeline":  map[string]any{"stages": []any{map[string]any{"refId": "1", "type": "wait", "waitTime": "${ templateVariables.wait }"}}},
	}
	maps.Copy(doc, more)
	return doc
}

func TestCreateTemplate(t *testing.T) {
	t.Parallel()
	in64 := func(v any) string { return base64.StdEncoding.EncodeToString(marshal(t, v)) }
	for name, tt := range map[string]struct {
		context map[string]any
		want    string // the error's kind and message
		saves   []string
	}{
		"object":         {map[string]any{"pipelineTemplate": templateDoc("t", nil)}, "", []string{"template t by ann"}},
		"base64":         {map[string]any{"pipelineTemplate": in64(templateDoc("t", nil))}, "", []string{"template t by ann"}},
		"tag":            {map[string]any{"pipelineTemplate": templateDoc("t", nil), "tag": "stable"}, "", []string{"template t:stable by ann"}},
		"its own tag":    {map[string]any{"pipelineTemplate": templateDoc("t", map[string]any{"tag": "test"})}, "", []string{"template t:test by ann"}},
		"there already":  {map[string]any{"pipelineTemplate": templateDoc("old", nil)}, "conflict A pipeline template with the id old already exists", nil},
		"missing":        {map[string]any{}, "invalid pipelineTemplate is missing", nil},
		"no dots":        {map[string]any{"pipelineTemplate": templateDoc("a.b", nil)}, "invalid Pipeline Template IDs cannot have dots", nil},
		"without fields": {map[string]any{"pipelineTemplate": map[string]any{"id": "t"}}, "invalid Missing required fields: metadata.name,metadata.description,metadata.scopes,schema", nil},
		"another schema": {map[string]any{"pipelineTemplate": templateDoc("t", map[string]any{"schema": "1"})}, "invalid Invalid schema version: 1", nil},
		"illegal variable": {map[string]any{"pipelineTemplate": templateDoc("t", map[string]any{"variables": []any{map[string]any{"name": "a-b"}}})},
			"invalid Illegal variable names: a-b. Variable names must match the regex: ^[a-zA-Z0-9_]+$", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCatalog(t)
			c.templates = map[string]map[string]any{"old": templateDoc("old", nil)}
			o, values, err := finish(t, c, "createV2PipelineTemplate", tt.context)
			if got := message(err); got != tt.want {
				t.Fatalf("failed with %q, want %q", got, tt.want)
			}
			if diff := gocmp.Diff(tt.saves, c.saves); diff != "" {
				t.Errorf("saves (-want +got):\n%s", diff)
			}
			if err == nil && (o.Status() != gennaker.Succeeded || values["pipelineTemplate.id"] != "t") {
				t.Errorf("%s, %v", o.Status(), values)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return string(gennaker.KindOf(err)) + " " + err.Error()
}

func TestUpdateTemplate(t *testing.T) {
	t.Parallel()
	needs := map[string]any{"variables": []any{map[string]any{"name": "new", "type": "string"}}}
	for name, tt := range map[string]struct {
		context map[string]any
		want    string
		saves   []string
	}{
		"fits":             {map[string]any{"pipelineTemplate": templateDoc("t", nil), "id": "t"}, "", []string{"template t by ann", "template t by ann"}},
		"not there":        {map[string]any{"pipelineTemplate": templateDoc("nope", nil)}, "not_found there is no template nope", nil},
		"another id":       {map[string]any{"pipelineTemplate": templateDoc("t", nil), "id": "x"}, "invalid The provided id x doesn't match the pipeline template id t", nil},
		"does not fit":     {map[string]any{"pipelineTemplate": templateDoc("t", needs)}, "The template does not fit pipelines that use it: User of demo (Pipeline template is invalid: configuration:variables: malformed template configuration: [Pipeline Config: application='demo', name='User', id='u1'] Missing variable values for: new)", nil},
		"fits anyway":      {map[string]any{"pipelineTemplate": templateDoc("t", needs), "skipPlanDependents": true}, "", []string{"template t by ann", "template t by ann"}},
		"another tag":      {map[string]any{"pipelineTemplate": templateDoc("t", needs), "tag": "stable"}, "", []string{"template t:stable by ann", "template t:stable by ann"}},
		"none to be found": {map[string]any{}, "invalid pipelineTemplate is missing", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCatalog(t)
			c.templates = map[string]map[string]any{"t": templateDoc("t", nil), "t:stable": templateDoc("t", nil)}
			c.pipelines["u1"] = parse(t, map[string]any{
				"id": "u1", "name": "User", "application": "demo", "schema": "v2", "template": map[string]any{"reference": "spinnaker://t"},
			})
			o, _, err := finish(t, c, "updateV2PipelineTemplate", tt.context)
			reason, _, details := o.Reason()
			if got := cmp.Or(message(err), reason); got != tt.want {
				t.Fatalf("failed with %q, want %q", got, tt.want)
			}
			if reason != "" && details["dependentErrors"].(map[string]any)["u1"] == nil {
				t.Errorf("details are %v", details)
			}
			if diff := gocmp.Diff(tt.saves, c.saves); diff != "" {
				t.Errorf("saves (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeleteTemplate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		context map[string]any
		want    string
		saves   []string
	}{
		"bare":      {map[string]any{"pipelineTemplateId": "t"}, "", []string{"no template t by ann"}},
		"tag":       {map[string]any{"pipelineTemplateId": "t", "tag": "stable"}, "", []string{"no template t:stable by ann"}},
		"digest":    {map[string]any{"pipelineTemplateId": "t", "digest": "sha256:00"}, "", []string{"no template t@sha256:00 by ann"}},
		"not there": {map[string]any{"pipelineTemplateId": "nope"}, "", nil},
		"in use":    {map[string]any{"pipelineTemplateId": "used"}, "conflict The following pipeline configs depend on this template: u1", nil},
		"which":     {map[string]any{}, "invalid Missing required task parameter (pipelineTemplateId)", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCatalog(t)
			c.templates = map[string]map[string]any{"t": {}, "t:stable": {}, "t@sha256:00": {}, "used": {}}
			c.pipelines["u1"] = parse(t, map[string]any{
				"id": "u1", "name": "User", "application": "demo", "schema": "v2", "template": map[string]any{"reference": "spinnaker://used:stable"},
			})
			_, _, err := finish(t, c, "deleteV2PipelineTemplate", tt.context)
			if got := message(err); got != tt.want {
				t.Fatalf("failed with %q, want %q", got, tt.want)
			}
			if diff := gocmp.Diff(tt.saves, c.saves); diff != "" {
				t.Errorf("saves (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReorderPipelines(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		context map[string]any
		want    string
		saves   []string
	}{
		"object":          {map[string]any{"idsToIndices": map[string]any{"p1": 1, "p2": 0}}, "", []string{"pipeline Pipe p2 by ann"}},
		"base64":          {map[string]any{"idsToIndices": base64.StdEncoding.EncodeToString([]byte(`{"p1":3}`))}, "", []string{"pipeline Pipe p1 by ann"}},
		"by application":  {map[string]any{"application": "other", "idsToIndices": map[string]any{"p3": "0"}}, "", []string{"pipeline Other by ann"}},
		"nothing to move": {map[string]any{"idsToIndices": map[string]any{}}, "", nil},
		"unknown":         {map[string]any{"idsToIndices": map[string]any{"p1": 5, "p3": 0, "x": 1}}, "invalid application demo has no pipelines with the IDs p3, x", nil},
		"no strategies":   {map[string]any{"isStrategy": true, "idsToIndices": map[string]any{"p1": 5}}, "invalid application demo has no pipelines with the IDs p1", nil},
		"no place":        {map[string]any{"idsToIndices": map[string]any{"p1": -1}}, "invalid the place of pipeline p1 must be a whole number from 0, not -1", nil},
		"missing":         {map[string]any{}, "invalid idsToIndices is missing", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCatalog(t)
			_, _, err := finish(t, c, "reorderPipelines", tt.context)
			if got := message(err); got != tt.want {
				t.Fatalf("failed with %q, want %q", got, tt.want)
			}
			if diff := gocmp.Diff(tt.saves, c.saves); diff != "" {
				t.Errorf("saves (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWaitForPipelineSave(t *testing.T) {
	t.Parallel()
	c := newCatalog(t)
	for id, want := range map[string]string{"p1": "", "gone": "pipeline gone of Demo was deleted again"} {
		got := failed(run(t, c, "savePipeline", "waitForPipelineSave", map[string]any{"application": "Demo", "pipeline.id": id}))
		if got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
}

func TestSavePipelinesFromArtifact(t *testing.T) {
	t.Parallel()
	content := `{"other":[{"name":"Other","x":"${ keep }"}],"demo":[{"name":"New"},{"name":"Pipe p1"},{"name":"bad","stages":[{"refId":"1","type":"bogus"}]},{}]}`
	c := newCatalog(t)
	c.artifacts = map[string]string{"file.json": content}
	o, values, err := finish(t, c, "savePipelinesFromArtifact", map[string]any{"pipelinesArtifact": map[string]any{"reference": "file.json"}})
	if err != nil || o.Status() != gennaker.Succeeded {
		t.Fatalf("%v, %v", o.Status(), err)
	}
	names := func(key string) string {
		var out []string
		for _, v := range values[key].([]any) {
			m := v.(map[string]any)
			name, _ := m["name"].(string)
			out = append(out, m["application"].(string)+"/"+name)
			if (m["error"] != nil) != (key == "pipelinesFailedToSave") {
				t.Errorf("%s has %v", key, m)
			}
		}
		return strings.Join(out, " ")
	}
	want := map[string]string{"pipelinesCreated": "demo/New", "pipelinesUpdated": "demo/Pipe p1 other/Other", "pipelinesFailedToSave": "demo/bad demo/"}
	got := map[string]string{}
	for key := range want {
		got[key] = names(key)
		if o.Outputs()[key] == nil {
			t.Errorf("no output %s", key)
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	saves := []string{"pipeline New by ann", "pipeline Pipe p1 by ann", "pipeline Other by ann"}
	if diff := gocmp.Diff(saves, c.saves); diff != "" {
		t.Errorf("saves (-want +got):\n%s", diff)
	}
	if p := c.pipelines["p3"]; p.Doc.Value["x"] != "${ keep }" {
		t.Errorf("p3 is %v", p.Doc.Value)
	}
}

func TestSavePipelinesFromArtifactFails(t *testing.T) {
	t.Parallel()
	many := `{"demo":[` + strings.Repeat(`{},`, 1000) + `{}]}`
	for name, tt := range map[string]struct {
		context map[string]any
		want    string
	}{
		"which":       {map[string]any{}, "invalid the artifact with the pipelines is missing"},
		"not bound":   {map[string]any{"pipelinesArtifactId": "e1"}, "invalid no artifact is bound to the expected artifact e1"},
		"not there":   {map[string]any{"pipelinesArtifact": map[string]any{"reference": "nope"}}, "not_found fetch the pipelines: there is no file nope"},
		"not JSON":    {map[string]any{"pipelinesArtifact": map[string]any{"reference": "text"}}, "invalid read the pipelines: not valid JSON at line 1, column 2: invalid character 'e' in literal true (expecting 'r')"},
		"no list":     {map[string]any{"pipelinesArtifact": map[string]any{"reference": "object"}}, "invalid line 1, column 9: demo: must be a list of pipelines"},
		"no pipeline": {map[string]any{"pipelinesArtifact": map[string]any{"reference": "number"}}, "invalid line 1, column 10: demo[0]: must be a pipeline"},
		"too many":    {map[string]any{"pipelinesArtifact": map[string]any{"reference": "many"}}, "invalid line 1, column 1: holds 1001 pipelines, more than 1000"},
		"none":        {map[string]any{"pipelinesArtifact": map[string]any{"reference": "empty"}}, ""},
		"bound": {map[string]any{"pipelinesArtifactId": "e1", "resolvedExpectedArtifacts": []any{
			map[string]any{"id": "e0"}, map[string]any{"id": "e1", "boundArtifact": map[string]any{"reference": "empty"}},
		}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCatalog(t)
			c.artifacts = map[string]string{"text": "text", "object": `{"demo":{}}`, "number": `{"demo":[1]}`, "empty": `{}`, "many": many}
			_, _, err := finish(t, c, "savePipelinesFromArtifact", tt.context)
			if got := message(err); got != tt.want || len(c.saves) > 0 {
				t.Errorf("failed with %q, want %q; saves are %v", got, tt.want, c.saves)
			}
		})
	}
}

// The content must stay the same while the loop goes through it.
func TestSavePipelinesFromArtifactThatChanges(t *testing.T) {
	t.Parallel()
	c := newCatalog(t)
	c.artifacts = map[string]string{"f": `{"demo":[{"name":"x"}]}`}
	o, err := run(t, c, "savePipelinesFromArtifact", "preparePipelineToSaveTask", map[string]any{
		"pipelinesArtifact": map[string]any{"reference": "f"}, "pipelinesDigest": "of another", "pipelinesNext": 0, "pipelinesTotal": 1,
	})
	if got := failed(o, err); got != "the artifact with the pipelines changed while they were saved" {
		t.Errorf("failed with %q", got)
	}
}
