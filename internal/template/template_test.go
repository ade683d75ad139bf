package template_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/template"
)

// The example of the reference: a stage before that of the template, and a
// value that is not the default.
func TestPlan(t *testing.T) {
	t.Parallel()
	tmpl := parse(t, object(t, `{"id":"t","schema":"v2","variables":[{"name":"wait","type":"int","defaultValue":42}],
		"pipeline":{"spelEvaluator":"v4","limitConcurrent":false,"lastModifiedBy":"ann","expectedArtifacts":[{"id":"e"}],
			"triggers":[{"type":"cron"},{"type":"git"}],"notifications":[{"type":"email"}],"parameterConfig":[{"name":"p"}],
			"stages":[{"refId":"1","type":"wait","waitTime":"${ templateVariables.wait }"}]}}`))
	config := object(t, `{"schema":"v2","type":"templatedPipeline","application":"A","name":"N","id":"I","template":{"reference":"spinnaker://t"},
		"variables":{"wait":30},"exclude":["notifications"],"keepWaitingPipelines":true,"unknown":1,"expectedArtifacts":[],"parameterConfig":[{"name":"lost"}],
		"triggers":[{"type":"docker"},{"type":"docker"}],"parameters":[{"name":"q"}],"notifications":[{"type":"slack"}],
		"stages":[{"refId":"mj","type":"manualJudgment","inject":{"first":true}}]}`)
	got, err := template.Plan(template.Input{Config: config, Template: tmpl, Trigger: object(t, `{"type":"manual"}`), ExecutionID: "01E", Evaluate: evaluate})
	if err != nil {
		t.Fatal(err)
	}
	want := object(t, `{"id":"I","application":"A","name":"N","executionId":"01E","spelEvaluator":"v4","lastModifiedBy":"ann",
		"limitConcurrent":false,"maxConcurrentExecutions":0,"keepWaitingPipelines":true,"expectedArtifacts":[{"id":"e"}],
		"triggers":[{"type":"cron","inherited":true},{"type":"git","inherited":true},{"type":"docker"}],
		"notifications":[{"type":"slack"}],"parameterConfig":[{"name":"p","inherited":true},{"name":"q"}],
		"templateVariables":{"wait":30},"trigger":{"type":"manual"},"source":{"type":"templatedPipeline","version":"v2"},
		"stages":[{"refId":"mj","type":"manualJudgment","requisiteStageRefIds":[]},
			{"refId":"1","type":"wait","requisiteStageRefIds":["mj"],"waitTime":"${ templateVariables.wait }"}]}`)
	if diff := cmp.Diff(normal(t, want), normal(t, got.Pipeline)); diff != "" {
		t.Errorf("pipeline (-want +got):\n%s", diff)
	}
	preview, err := template.Preview(got.Pipeline, evaluate)
	if err != nil {
		t.Fatal(err)
	}
	stage := preview["stages"].([]any)[1].(map[string]any)
	if diff := cmp.Diff(normal(t, 30), normal(t, stage["waitTime"])); diff != "" {
		t.Errorf("waitTime in the preview (-want +got):\n%s", diff)
	}
}

func TestPlanDefaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ config, want string }{
		"nothing said":     {`{"schema":"v2","application":"A"}`, `"id":"unknown","name":"Unnamed Execution","limitConcurrent":true,"keepWaitingPipelines":false`},
		"pipelineConfigId": {`{"schema":"v2","application":"A","pipelineConfigId":"P"}`, `"id":"P","name":"Unnamed Execution","limitConcurrent":true,"keepWaitingPipelines":false`},
		"of the config":    {`{"schema":"v2","application":"A","id":"I","name":"N","limitConcurrent":false,"disabled":true}`, `"id":"I","name":"N","limitConcurrent":false,"keepWaitingPipelines":false,"disabled":true`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := template.Plan(template.Input{Config: object(t, "%s", tt.config), Template: parse(t, object(t, `{"schema":"v2"}`)), Evaluate: evaluate})
			if err != nil {
				t.Fatal(err)
			}
			want := object(t, `{"application":"A","maxConcurrentExecutions":0,"notifications":[],"parameterConfig":[],"triggers":[],"stages":[],
				"templateVariables":{},"source":{"type":"templatedPipeline","version":"v2"},%s}`, tt.want)
			if diff := cmp.Diff(normal(t, want), normal(t, got.Pipeline)); diff != "" {
				t.Errorf("pipeline (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlanErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ tmpl, config, want string }{
		"schema of the template": {`{"schema":"v3"}`, `{"schema":"v2","application":"A"}`, "template:schema: template schema version is unsupported: expected 'v2', got 'v3'"},
		"no schema":              {`{}`, `{"schema":"v2","application":"A"}`, "template:schema: template schema version is unsupported: expected 'v2', got 'null'"},
		"version 1":              {`{"schema":"1"}`, `{"schema":"v2","application":"A"}`, "template:schema: template schema version is unsupported: expected 'v2', got '1'"},
		"protected": {
			`{"schema":"v2","protect":true}`, `{"schema":"v2","application":"A","stages":[{"refId":"1"}]}`,
			"configuration:stages: Modification of the stage graph (adding, removing, editing) is disallowed: The template being used has marked itself as protected",
		},
		"both": {
			`{"schema":"v3","protect":true}`, `{"schema":"v2","application":"A","stages":[{"refId":"1"}]}`,
			"template:schema: template schema version is unsupported: expected 'v2', got 'v3' (and 1 more problems)",
		},
		"unknown config": {`{"schema":"v2","variables":[{"name":"x"}]}`, `{"schema":"v2"}`, "configuration:variables: malformed template configuration: [Pipeline Config: unknown] Missing variable values for: x"},
		"only a name":    {`{"schema":"v2","variables":[{"name":"x"}]}`, `{"schema":"v2","name":"N"}`, "configuration:variables: malformed template configuration: [Pipeline Config: name='N'] Missing variable values for: x"},
		"config of v1":   {`{"schema":"v2"}`, `{"schema":"1","type":"templatedPipeline"}`, "malformed template configuration: this is a config of pipeline templates of version 1, which are not supported"},
		"no stages":      {`{"schema":"v2"}`, `{"schema":"v2","stages":7}`, "configuration:stages: malformed template configuration: stages must be a list"},
		"odd stages":     {`{"schema":"v2"}`, `{"schema":"v2","stages":[7]}`, "configuration:stages[0]: malformed template configuration: a stage must be an object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := template.Plan(template.Input{Config: object(t, "%s", tt.config), Template: parse(t, object(t, "%s", tt.tmpl)), Evaluate: evaluate})
			if err == nil || err.Error() != "Pipeline template is invalid: "+tt.want {
				t.Fatalf("error is %v, want %q", err, tt.want)
			}
			e, ok := errors.AsType[*gennaker.Error](err)
			if !ok || e.Kind != gennaker.Invalid || len(e.Problems) == 0 || e.Message != err.Error() {
				t.Errorf("as an error for users it is %+v", e)
			}
		})
	}
}

// A config's own mistakes are found and passed over, as Orca does.
func TestPlanWarns(t *testing.T) {
	t.Parallel()
	got, err := template.Plan(template.Input{Config: object(t, `{"schema":"v9"}`), Template: parse(t, object(t, `{"schema":"v2"}`)), Evaluate: evaluate})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"configuration:schema: config schema version is unsupported: expected 'v2', got 'v9'", "configuration:application: Missing 'application' configuration"}
	var found []string
	for _, w := range got.Warnings {
		found = append(found, w.String())
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestPreviewMissing(t *testing.T) {
	t.Parallel()
	_, err := template.Preview(object(t, `{"templateVariables":{"a":1},"stages":[{"x":"${ templateVariables.a }","y":"${templateVariables.c}","z":"v${ templateVariables.b }","u":"${ #stage('s')['status'] }"}]}`), evaluate)
	if want := "Missing template variable values for the following variables: b, c"; err == nil || err.Error() != want || gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("error is %v, want %q", err, want)
	}
}

// Stages, and requisites of all together, are bounded: planning takes its time.
func TestPlanIsBounded(t *testing.T) {
	t.Parallel()
	var many []any
	for range gennaker.MaxStages {
		many = append(many, map[string]any{"refId": "a", "type": "wait"})
	}
	tmpl := parse(t, map[string]any{"schema": "v2", "pipeline": map[string]any{"stages": many}})
	config := map[string]any{"schema": "v2", "application": "A", "stages": []any{map[string]any{"refId": "x", "inject": map[string]any{"last": true}}}}
	if _, err := template.Plan(template.Input{Config: config, Template: tmpl, Evaluate: evaluate}); err == nil || !strings.Contains(err.Error(), "up to 1001 stages") {
		t.Errorf("error is %v", err)
	}
	wide := make([]any, 0, 400)
	for i := range 400 {
		ref := string(rune('A'+i/26)) + string(rune('a'+i%26))
		st := map[string]any{"refId": ref}
		if i >= 200 {
			var all []any
			for _, s := range wide[:200] {
				all = append(all, s.(map[string]any)["refId"])
			}
			st["requisiteStageRefIds"] = all
		}
		wide = append(wide, st)
	}
	tmpl = parse(t, map[string]any{"schema": "v2", "pipeline": map[string]any{"stages": wide}})
	if _, err := template.Plan(template.Input{Config: map[string]any{"schema": "v2"}, Template: tmpl, Evaluate: evaluate}); err == nil || !strings.Contains(err.Error(), "40000 requisites") {
		t.Errorf("error is %v", err)
	}
}

func TestInScope(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		of, asked []string
		want      bool
	}{
		"all":              {[]string{"global"}, nil, true},
		"same":             {[]string{"global"}, []string{"global"}, true},
		"without case":     {[]string{"Global"}, []string{"gLOBAL"}, true},
		"another":          {[]string{"global"}, []string{"shop"}, false},
		"one of them":      {[]string{"a", "shop"}, []string{"b", "shop"}, true},
		"pattern":          {[]string{"shop.*"}, []string{"shopfront"}, true},
		"pattern of all":   {[]string{".*"}, []string{"x"}, true},
		"part of a name":   {[]string{"shop"}, []string{"shopfront"}, false},
		"asked with one":   {[]string{"shopfront"}, []string{"shop.*"}, false},
		"no pattern":       {[]string{"("}, []string{"x"}, false},
		"alternatives":     {[]string{"a|b"}, []string{"b"}, true},
		"not half of them": {[]string{"a|b"}, []string{"ac"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := (template.Template{Scopes: tt.of}).InScope(tt.asked); got != tt.want {
				t.Errorf("InScope = %t", got)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]template.Version{
		"spinnaker://t":             {ID: "t"},
		"spinnaker://t:stable":      {ID: "t", Tag: "stable"},
		"spinnaker://t@sha256:00ff": {ID: "t", Digest: "00ff"},
		"spinnaker://":              {},
		"https://example.com/t":     {},
		"t":                         {},
	} {
		got, ok := template.ParseReference(ref)
		if got != want || ok != (want.ID != "") {
			t.Errorf("ParseReference(%q) = %+v, %t", ref, got, ok)
		}
		if ok && got.Reference() != ref {
			t.Errorf("%q is written %q", ref, got.Reference())
		}
	}
	for name, tt := range map[string]struct {
		v    template.Version
		want string
	}{
		"bare":   {template.Version{ID: "t"}, ""},
		"tag":    {template.Version{ID: "t", Tag: "canary"}, ""},
		"digest": {template.Version{ID: "t", Digest: "00"}, ""},
		"no tag": {template.Version{ID: "t", Tag: "prod"}, "The provided tag prod is not supported. Pipeline template tag must be one of [latest, stable, unstable, experimental, test, canary]"},
		"both":   {template.Version{ID: "t", Tag: "test", Digest: "00"}, "Cannot query pipeline by 'tag' and 'digest' simultaneously. Specify one of 'tag' or 'digest'."},
	} {
		got := ""
		if err := tt.v.Check(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: Check = %q, want %q", name, got, tt.want)
		}
	}
}

func TestUsedBy(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		v    template.Version
		ref  string
		want bool
	}{
		"bare":            {template.Version{ID: "t"}, "spinnaker://t", true},
		"bare by tag":     {template.Version{ID: "t"}, "spinnaker://t:stable", true},
		"bare by digest":  {template.Version{ID: "t"}, "spinnaker://t@sha256:00", true},
		"a longer name":   {template.Version{ID: "t"}, "spinnaker://t2", false},
		"the tag":         {template.Version{ID: "t", Tag: "stable"}, "spinnaker://t:stable", true},
		"not the bare":    {template.Version{ID: "t", Tag: "stable"}, "spinnaker://t", false},
		"another tag":     {template.Version{ID: "t", Tag: "stable"}, "spinnaker://t:test", false},
		"an expression":   {template.Version{ID: "t"}, "${ trigger.parameters.t }", false},
		"the digest":      {template.Version{ID: "t", Digest: "00"}, "spinnaker://t@sha256:00", true},
		"not the digest":  {template.Version{ID: "t", Digest: "00"}, "spinnaker://t@sha256:01", false},
		"another storage": {template.Version{ID: "t"}, "https://example.com/t", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tt.v.UsedBy(map[string]any{"schema": "v2", "template": map[string]any{"reference": tt.ref}}); got != tt.want {
				t.Errorf("UsedBy = %t", got)
			}
			if tt.v.UsedBy(map[string]any{"template": map[string]any{"reference": tt.ref}}) {
				t.Error("used by what is no config")
			}
		})
	}
}

// library holds templates by key, and artifacts by reference.
type library map[string]string

func (l library) Template(_ context.Context, v template.Version) (map[string]any, error) {
	text, ok := l[v.Key()]
	if !ok {
		return nil, gennaker.Errorf(gennaker.NotFound, "Pipeline template %s not found", v.Key())
	}
	if text == "away" {
		return nil, gennaker.Errorf(gennaker.Unavailable, "away")
	}
	d, err := gennaker.ParseDocument([]byte(text))
	if err != nil {
		return nil, err
	}
	return d.Value, nil
}

func (l library) Fetch(_ context.Context, artifact map[string]any) ([]byte, error) {
	text, ok := l[artifact["reference"].(string)]
	if !ok {
		return nil, gennaker.Errorf(gennaker.NotFound, "no file")
	}
	return []byte(text), nil
}

func TestResolve(t *testing.T) {
	t.Parallel()
	l := library{
		"t": `{"schema":"v2","pipeline":{"stages":[{"refId":"bare"}]}}`, "t:stable": `{"schema":"v2","pipeline":{"stages":[{"refId":"stable"}]}}`,
		"t@sha256:00": `{"schema":"v2","pipeline":{"stages":[{"refId":"digest"}]}}`, "https://x/t.json": `{"schema":"v2","pipeline":{"stages":[{"refId":"file"}]}}`,
		"gone": "away", "https://x/bad": `[]`, "odd": `{"schema":"v2","pipeline":[]}`,
	}
	for name, tt := range map[string]struct {
		doc, want, err string
		kind           gennaker.Kind
		ordinary       bool
	}{
		"an ordinary pipeline":  {doc: `{"stages":[{"refId":"own","requisiteStageRefIds":[]}]}`, ordinary: true},
		"v2 without a template": {doc: `{"schema":"v2","stages":[{"refId":"own","requisiteStageRefIds":[]}]}`, ordinary: true},
		"bare":                  {doc: `{"schema":"v2","template":{"reference":"spinnaker://t"}}`, want: "bare"},
		"tag":                   {doc: `{"schema":"v2","template":{"reference":"spinnaker://t:stable"}}`, want: "stable"},
		"digest":                {doc: `{"schema":"v2","template":{"reference":"spinnaker://t@sha256:00"}}`, want: "digest"},
		"tag by expression":     {doc: `{"schema":"v2","template":{"reference":"spinnaker://t:${ trigger.parameters.tag }"}}`, want: "stable"},
		"by application":        {doc: `{"schema":"v2","application":"t","template":{"reference":"spinnaker://${ application }"}}`, want: "bare"},
		"another artifact":      {doc: `{"schema":"v2","template":{"type":"http/file","reference":"https://x/t.json"}}`, want: "file"},
		"not found": {
			doc: `{"schema":"v2","template":{"reference":"spinnaker://nope"}}`, kind: gennaker.Invalid,
			err: "Pipeline template is invalid: configuration:template: failed loading template: there is no template nope",
		},
		"no such artifact": {
			doc: `{"schema":"v2","template":{"reference":"https://x/nope"}}`, kind: gennaker.Invalid,
			err: "Pipeline template is invalid: configuration:template: failed loading template: no file",
		},
		"no object": {
			doc: `{"schema":"v2","template":{"reference":"https://x/bad"}}`, kind: gennaker.Invalid,
			err: "Pipeline template is invalid: configuration:template: failed loading template: line 1, column 1: must be a JSON object, not a list",
		},
		"no template": {
			doc: `{"schema":"v2","template":{"reference":"spinnaker://odd"}}`, kind: gennaker.Invalid,
			err: "Pipeline template is invalid: configuration:template: failed loading template: the template cannot be read: pipeline: must be an object",
		},
		"bad expression": {
			doc: `{"schema":"v2","template":{"reference":"${ ( }"}}`, kind: gennaker.Invalid,
			err: "failed rendering template expression",
		},
		"no artifact": {
			doc: `{"schema":"v2","template":"t"}`, kind: gennaker.Invalid,
			err: "template must be an artifact, with type and reference",
		},
		"away":      {doc: `{"schema":"v2","template":{"reference":"spinnaker://gone"}}`, kind: gennaker.Unavailable, err: "failed loading template spinnaker://gone: away"},
		"version 1": {doc: `{"type":"templatedPipeline","config":{"schema":"1","pipeline":{}}}`, kind: gennaker.Invalid, err: "templates of version 1, which are not supported"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := template.Resolver{Library: l, Fetcher: l, Evaluate: evaluate}
			asked := false
			trigger := func() (map[string]any, error) {
				asked = true
				return object(t, `{"parameters":{"tag":"stable"}}`), nil
			}
			got, err := r.Resolve(t.Context(), object(t, "%s", tt.doc), trigger, "")
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || gennaker.KindOf(err) != tt.kind {
					t.Errorf("error is %v (%s), want %q (%s)", err, gennaker.KindOf(err), tt.err, tt.kind)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if tt.ordinary {
				if got.Pipeline != nil || asked {
					t.Errorf("made %v of an ordinary pipeline; opened the trigger: %t", got.Pipeline, asked)
				}
				return
			}
			if got := writeStages(t, got.Pipeline["stages"]); got != tt.want {
				t.Errorf("stages are %q, want %q", got, tt.want)
			}
		})
	}
	trigger := func() (map[string]any, error) { return nil, errors.New("the trigger is broken") }
	if _, err := (template.Resolver{Library: l, Evaluate: evaluate}).Resolve(t.Context(), object(t, `{"schema":"v2","template":{"reference":"spinnaker://t"}}`), trigger, ""); err == nil || err.Error() != "the trigger is broken" {
		t.Errorf("with a broken trigger: %v", err)
	}
	if _, err := (template.Resolver{Library: l, Evaluate: evaluate}).Resolve(t.Context(), object(t, `{"schema":"v2","template":{"type":"http/file","reference":"https://x/t.json"}}`), func() (map[string]any, error) { return nil, nil }, ""); err == nil || !strings.Contains(err.Error(), "artifact of type http/file, which this server cannot fetch") {
		t.Errorf("without a fetcher: %v", err)
	}
}

// A config without a template is whole: its stages are all that there is, and
// its variables are those of the template.
func TestPlanWhole(t *testing.T) {
	t.Parallel()
	r := template.Resolver{Library: library{}, Evaluate: evaluate}
	got, err := r.Plan(t.Context(), object(t, `{"schema":"v2","application":"A","variables":{"x":1},"stages":[{"refId":"a"},{"refId":"b","inject":{"after":["a"]}}]}`), nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := writeStages(t, got.Pipeline["stages"]); got != "a b<a" {
		t.Errorf("stages are %q", got)
	}
	if diff := cmp.Diff(normal(t, map[string]any{"x": 1}), normal(t, got.Pipeline["templateVariables"])); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}

// Deck writes schema "1" into pipelines without a template.
func TestRefused(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]bool{
		`{"schema":"1","stages":[]}`:                               false,
		`{"schema":"v2","template":{"reference":"spinnaker://t"}}`: false,
		`{"schema":"v2","type":"templatedPipeline","template":{}}`: false,
		`{"stages":[]}`: false,
		`{"schema":"1","type":"templatedPipeline"}`:                          true,
		`{"type":"templatedPipeline"}`:                                       true,
		`{"schema":"1","config":{"pipeline":{}}}`:                            true,
		`{"config":{"schema":"1","pipeline":{}}}`:                            true,
		`{"type":"templatedPipeline","config":{"schema":"1","pipeline":{}}}`: true,
		`{"schema":"1","template":{"source":"spinnaker://t"}}`:               true,
	} {
		if got := template.Refused(object(t, "%s", doc)); (got != nil) != want {
			t.Errorf("%s: %v, want refused: %t", doc, got, want)
		}
	}
}
