package gennaker_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
)

func problems(err error) []string {
	var out []string
	if e, ok := errors.AsType[*gennaker.Error](err); ok {
		for _, p := range e.Problems {
			out = append(out, p.String())
		}
	}
	return out
}

func TestNewProject(t *testing.T) {
	t.Parallel()
	attrs := object(t, `{"id":"p","name":" Shop ","email":"a@b","kept":1,"config":{"applications":["x"],"odd":null,
		"pipelineConfigs":[{"application":"x","pipelineConfigId":"p1"}],"clusters":[{"account":"a","stack":"*","detail":null},{"account":"b","applications":[]}]}}`)
	got, err := gennaker.NewProject(attrs)
	want := gennaker.Project{ID: "p", Name: "Shop", Email: "a@b", Attrs: attrs, Config: gennaker.ProjectConfig{
		Applications: []string{"x"}, Pipelines: []gennaker.ProjectPipeline{{Application: "x", ID: "p1"}},
		Clusters: []gennaker.ProjectCluster{{Account: "a", Stack: "*"}, {Account: "b", Applications: []string{}}},
	}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	empty, err := gennaker.NewProject(object(t, `{"name":"x","email":"a","config":{"clusters":null}}`))
	if diff := cmp.Diff(object(t, `{"applications":[],"pipelineConfigs":[],"clusters":[]}`), empty.Attrs["config"]); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for text, want := range map[string][]string{
		`{}`:                   {"name: Project must have a non-empty name", "email: Project must have a non-empty email"},
		`{"name":7,"email":8}`: {"name: must be a string, not a number", "email: must be a string, not a number"},
		`{"name":"` + strings.Repeat("x", 251) + `","email":"a"}`: {"name: may have at most 250 bytes, and no line breaks or other control characters"},
		`{"name":"x","email":"a","config":[]}`:                    {"config: must be an object, not a list"},
		`{"name":"x","email":"a","config":{"applications":{},"pipelineConfigs":[7],"clusters":[{"account":1,"applications":[2]}]}}`: {
			"config.applications: must be a list, not an object", "config.pipelineConfigs[0]: must be an object, not a number",
			"config.clusters[0].account: must be a string, not a number", "config.clusters[0].applications[0]: must be a string, not a number",
		},
		`{"name":"x","email":"a","config":{"applications":[` + strings.Repeat(`"x",`, 1000) + `"x"]}}`: {"config.applications: may have at most 1000 entries, not 1001"},
	} {
		_, err := gennaker.NewProject(object(t, text))
		if diff := cmp.Diff(want, problems(err)); diff != "" || gennaker.KindOf(err) != gennaker.Invalid {
			t.Errorf("%.60s: %v\n%s", text, err, diff)
		}
	}
}

func TestNewCanaryConfig(t *testing.T) {
	t.Parallel()
	attrs := object(t, `{"id":"c","name":"my-config_1","applications":["x","y"],"metrics":[{"name":"a"},{"name":"b"}],"kept":1.50}`)
	got, err := gennaker.NewCanaryConfig(attrs)
	want := gennaker.CanaryConfig{ID: "c", Name: "my-config_1", Applications: []string{"x", "y"}, Attrs: attrs}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for text, want := range map[string][]string{
		`{}`:                              {"name: Canary config must specify a name.", "applications: Canary config must specify at least one application."},
		`{"name":"a","applications":"x"}`: {"applications: must be a list, not a string"},
		`{"name":"a","applications":[7]}`: {"applications[0]: must be a string, not a number"},
		`{"name":"a","applications":["x"],"metrics":[{},{"name":7},{"name":"m"},{"name":"m"}]}`: {
			"metrics[0].name: Metric config must specify a name.", "metrics[1].name: must be a string, not a number",
			"metrics[3].name: Metric config name must be unique. 'm' is duplicated.",
		},
		`{"name":"a","applications":["x"],"id":"a\nb"}`: {"id: may have at most 255 bytes, and no control characters"},
	} {
		_, err := gennaker.NewCanaryConfig(object(t, text))
		if diff := cmp.Diff(want, problems(err)); diff != "" || gennaker.KindOf(err) != gennaker.Invalid {
			t.Errorf("%s: %v\n%s", text, err, diff)
		}
	}
}

func TestApplicationNamesPerProvider(t *testing.T) {
	t.Parallel()
	const kubernetes = "Invalid application name 'my_app'. Must match ^([a-zA-Z][a-zA-Z0-9-]*)$ for cloud provider 'kubernetes' and be less than 63 characters."
	const gce = "Invalid application name 'my_app'. Must match ^([a-zA-Z][a-zA-Z0-9]*)?$ for cloud provider 'gce' and be less than 63 characters."
	for name, tt := range map[string]struct {
		name      string
		providers any
		want      string
	}{
		"no provider":          {"my_app", nil, ""},
		"empty":                {"my_app", "", ""},
		"unknown":              {"my_app", "local,moon", ""},
		"allowed":              {"my-app", "kubernetes", ""},
		"underscore":           {"my_app", "kubernetes", "Invalid application name, errors: [" + kubernetes + "]"},
		"several":              {"my_app", "aws, kubernetes,gce", "Invalid application name, errors: [" + kubernetes + ", " + gce + "]"},
		"list":                 {"my_app", []any{"kubernetes", "local"}, "Invalid application name, errors: [" + kubernetes + "]"},
		"dash on aws":          {"my-app", "aws", "Invalid application name, errors: [Invalid application name 'my-app'. Must match ^[a-zA-Z_0-9.]*$ for cloud provider 'aws' and be less than 250 characters.]"},
		"long":                 {strings.Repeat("x", 64), "kubernetes", "Invalid application name, errors: [Invalid application name '" + strings.Repeat("x", 64) + "'. Must match ^([a-zA-Z][a-zA-Z0-9-]*)$ for cloud provider 'kubernetes' and be less than 63 characters.]"},
		"as long as it can be": {strings.Repeat("x", 63), "kubernetes", ""},
	} {
		_, err := gennaker.NewApplication(map[string]any{"name": tt.name, "email": "a@b", "cloudProviders": tt.providers})
		if tt.want == "" && err != nil || tt.want != "" && (len(problems(err)) != 1 || problems(err)[0] != "name: "+tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}
