package bake_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/bake"
)

// TestFlags holds what each flag of helm template does to one value.
func TestFlags(t *testing.T) {
	t.Parallel()
	const dump = "v: {{ .Values.v | toJson }}\n"
	with := func(values string) func(*bake.Request) {
		return func(r *bake.Request) {
			r.Inputs = append(r.Inputs, bake.Input{Name: "v.yaml", Content: []byte(values)})
		}
	}
	chart := func(change func(*bake.Chart)) func(*bake.Request) { return func(r *bake.Request) { change(&r.Chart) } }
	for name, c := range map[string]struct {
		template string
		change   []func(*bake.Request)
		want     string
	}{
		"--set-string keeps text":         {dump, []func(*bake.Request){overrides(false, "v.a=1", "v.b=true", "v.c=null")}, `{"a":"1","b":"true","c":"null"}`},
		"--set gives types":               {dump, []func(*bake.Request){overrides(true, "v.a=1", "v.b=true", "v.c=x")}, `{"a":1,"b":true,"c":"x"}`},
		"--set null over a values file":   {dump, []func(*bake.Request){with("v: {a: 1, b: 2}"), overrides(true, "v.a=null")}, `{"a":null,"b":2}`},
		"--set null over a default":       {"v: {{ .Values.d | toJson }}", []func(*bake.Request){overrides(true, "d.a=null")}, `{"b":2}`},
		"--set lists":                     {dump, []func(*bake.Request){overrides(true, "v={a,b}", "v[2]=c")}, `["a","b","c"]`},
		"--set item":                      {dump, []func(*bake.Request){with("v: [{m: 1}, {m: 2}]"), overrides(true, "v[1].m=9")}, `[{"m":1},{"m":9}]`},
		"escaped comma":                   {dump, []func(*bake.Request){overrides(false, `v=a\,b`)}, `"a,b"`},
		"bare comma begins the next":      {dump, []func(*bake.Request){overrides(false, `v=a,w=b`)}, `"a"`},
		"escaped dot":                     {dump, []func(*bake.Request){overrides(false, `v.example\.com/name=x`)}, `{"example.com/name":"x"}`},
		"empty value":                     {dump, []func(*bake.Request){overrides(false, `v=`)}, `""`},
		"values files merge in order":     {dump, []func(*bake.Request){with("v: {a: 1, b: {c: 1, d: 1}}"), with("v: {b: {c: 2}}")}, `{"a":1,"b":{"c":2,"d":1}}`},
		"lists are replaced":              {dump, []func(*bake.Request){with("v: [1, 2]"), with("v: [3]")}, `[3]`},
		"overrides win over files":        {dump, []func(*bake.Request){with("v: file"), overrides(false, "v=set")}, `"set"`},
		"a file of several documents":     {dump, []func(*bake.Request){with("v: {a: 1}\n---\nv: {b: 2}\n")}, `{"a":1,"b":2}`},
		"an empty values file":            {dump, []func(*bake.Request){with(""), overrides(false, "v=x")}, `"x"`},
		"large numbers stay":              {dump, []func(*bake.Request){overrides(true, "v=12345678901")}, `12345678901`},
		"NAME":                            {"v: {{ .Release.Name }}", nil, "r"},
		"no --namespace":                  {"v: {{ .Release.Namespace }}", nil, "default"},
		"--namespace":                     {"v: {{ .Release.Namespace }}", []func(*bake.Request){chart(func(c *bake.Chart) { c.Namespace = "n" })}, "n"},
		"it is an install":                {"v: {{ .Release.IsInstall }} {{ .Release.IsUpgrade }} {{ .Release.Revision }} {{ .Release.Service }}", nil, "true false 1 Helm"},
		"--kube-version":                  {"v: {{ .Capabilities.KubeVersion.Major }} {{ .Capabilities.KubeVersion.Minor }} {{ .Capabilities.KubeVersion }}", []func(*bake.Request){chart(func(c *bake.Chart) { c.KubeVersion = "v1.29.3" })}, "1 29 v1.29.3"},
		"no --api-versions":               {`v: {{ .Capabilities.APIVersions.Has "apps/v1" }} {{ .Capabilities.APIVersions.Has "x.io/v1" }}`, nil, "true false"},
		"--api-versions":                  {`v: {{ .Capabilities.APIVersions.Has "apps/v1" }} {{ .Capabilities.APIVersions.Has "x.io/v1/X" }}`, []func(*bake.Request){chart(func(c *bake.Chart) { c.APIVersions = []string{"x.io/v1", "x.io/v1/X"} })}, "true true"},
		"lookup finds nothing":            {`v: {{ lookup "v1" "Secret" "a" "" | toJson }}`, nil, "{}"},
		"names are not looked up":         {`v: "{{ getHostByName "localhost" }}"`, nil, `""`},
		"zones are known without files":   {`v: {{ dateInZone "15:04" (toDate "2006-01-02" "2026-07-01") "Asia/Tokyo" }}`, nil, "09:00"},
		"a value that is not there":       {"v: {{ .Values.none }}", nil, ""},
		"the chart of the template":       {"v: {{ .Template.Name }} {{ .Chart.Name }} {{ .Chart.IsRoot }}", nil, "one/templates/one.yaml one true"},
		"randomness":                      {"v: {{ randAlphaNum 8 | len }} {{ (genSelfSignedCert \"a\" nil nil 1).Cert | len | lt 0 }}", nil, "8 true"},
		"what is put into a tpl is local": {`v: {{ tpl "{{ define \"x\" }}1{{ end }}{{ include \"x\" . }}" . }}`, nil, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := process(t).Render(t.Context(), helm(single(t, c.template), c.change...))
			if err != nil {
				t.Fatal(err, gennaker.HintOf(err))
			}
			want := "---\n# Source: one/templates/one.yaml\n" + strings.TrimSpace("v: "+c.want)
			if diff := cmp.Diff(want, strings.TrimSpace(string(got.Manifests))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestWrong holds what is said of what cannot be rendered.
func TestWrong(t *testing.T) {
	t.Parallel()
	chartOf := func(files map[string]string) bake.Request { return helm(pack(t, below("c", files))) }
	const meta = "apiVersion: v2\nname: c\nversion: 1.0.0\n"
	kustomization := func(files map[string]string) bake.Request {
		return bake.Request{Renderer: bake.Kustomize, Inputs: []bake.Input{pack(t, files)}}
	}
	for name, c := range map[string]struct {
		req  bake.Request
		says string
	}{
		"nil pointer": {helm(single(t, "a: 1\nb: {{ .Values.image.tag }}")), "templates/one.yaml:2: nil pointer evaluating .Values.image.tag | give image.tag a value"},
		"nil pointer in an include": {chartOf(map[string]string{"Chart.yaml": meta, "templates/_h.tpl": "{{ define \"h\" }}\n{{ .Values.a.b }}{{ end }}", "templates/x.yaml": "\n\na: {{ include \"h\" . }}"}),
			"templates/_h.tpl:2: nil pointer evaluating .Values.a.b (from templates/x.yaml:3) | give a.b a value"},
		"required":             {helm(single(t, `a: {{ required "a host is needed" .Values.host }}`)), "templates/one.yaml:1: a host is needed"},
		"fail":                 {helm(single(t, `{{ fail "not this way" }}`)), "templates/one.yaml:1: not this way"},
		"a function":           {helm(single(t, "a: 1\n{{ nope }}")), `templates/one.yaml:2: function "nope" not defined`},
		"the environment":      {helm(single(t, `{{ env "HOME" }}`)), `function "env" not defined`},
		"broken syntax":        {helm(single(t, "a: {{ if }}")), "templates/one.yaml:1: missing value for if"},
		"type":                 {helm(single(t, "a: {{ add 1 (list) | index .Values }}")), "templates/one.yaml:1: error calling index"},
		"no template":          {helm(single(t, `{{ include "gone" . }}`)), `no template "gone"`},
		"no YAML":              {helm(single(t, "a: 1\n b: 2")), "templates/one.yaml: what is rendered is no YAML: yaml: line 2: mapping values"},
		"in a dependency":      {chartOf(map[string]string{"Chart.yaml": meta, "charts/d/Chart.yaml": "apiVersion: v2\nname: d\nversion: 1.0.0", "charts/d/templates/x.yaml": "{{ .Values.a.b }}"}), "charts/d/templates/x.yaml:1: nil pointer evaluating .Values.a.b"},
		"schema":               {helm(chart(t, "strict")), "the values do not fit the schema of chart strict: the values: missing property 'image'"},
		"schema with a path":   {helm(chart(t, "strict"), overrides(true, "image.tag=7", "replicas=0")), "image.tag: got number, want string, replicas: minimum: got 0, want 1"},
		"schema of dependency": {helm(chart(t, "strict"), overrides(true, "image.tag=v1", "inner.level=loud")), "inner.level: value must be one of 'info', 'debug'"},
		"schema elsewhere": {chartOf(map[string]string{"Chart.yaml": meta, "values.schema.json": `{"$ref": "http://127.0.0.1:1/schema.json"}`}),
			"the values do not fit the schema of chart c"},
		"schema of a file":   {chartOf(map[string]string{"Chart.yaml": meta, "values.schema.json": `{"$ref": "file:///etc/passwd"}`}), "too many open files"},
		"missing dependency": {chartOf(map[string]string{"Chart.yaml": meta + "dependencies: [{name: redis, version: 1.x}, {name: pg}]"}), "chart c depends on redis 1.x, pg, which"},
		"library":            {helm(chart(t, "kit")), "kit is a library chart"},
		"version 3":          {chartOf(map[string]string{"Chart.yaml": strings.Replace(meta, "v2", "v3", 1)}), "apiVersion v3"},
		"no version":         {chartOf(map[string]string{"Chart.yaml": "apiVersion: v2\nname: c\n"}), "chart.metadata.version is required"},
		"Kubernetes too old": {helm(chart(t, "web"), func(r *bake.Request) { r.Chart.KubeVersion = "1.20" }), "for Kubernetes >=1.25.0-0, but is rendered for v1.20"},
		"no such version":    {helm(chart(t, "web"), func(r *bake.Request) { r.Chart.KubeVersion = "soon" }), `kubeVersion "soon"`},
		"values":             {helm(chart(t, "web"), values("a: 1", "- b")), "values file values-2.yaml (input artifact 3)"},
		"values syntax":      {helm(chart(t, "web"), values("a: [")), "values file values-1.yaml (input artifact 2)"},
		"overrides":          {helm(chart(t, "web"), overrides(true, "a[x]=1")), "the overrides cannot be read"},
		"no chart":           {helm(pack(t, map[string]string{"deploy/a/Chart.yaml": meta, "deploy/b/Chart.yaml": meta})), "there is a chart in deploy/a, deploy/b"},
		"no chart there":     {helm(pack(t, map[string]string{"deploy/a/Chart.yaml": meta}), func(r *bake.Request) { r.Path = "deploy" }), `helmChartFilePath "deploy"`},
		"values first":       {helm(bake.Input{Name: "prod.yaml", Content: []byte("a: 1")}), "prod.yaml is no .tar.gz archive"},

		"no kustomization":      {kustomization(map[string]string{"a/b.yaml": "a: 1"}), "nowhere in it is a kustomization.yaml"},
		"kustomization field":   {kustomization(map[string]string{"kustomization.yaml": "resource: []"}), `kustomization.yaml: invalid Kustomization: json: unknown field "resource"`},
		"missing resource":      {kustomization(map[string]string{"kustomization.yaml": "resources: [gone.yaml]"}), "gone.yaml"},
		"remote base":           {kustomization(map[string]string{"kustomization.yaml": "resources: ['https://u:p@github.com/a/b?ref=main']"}), `kustomization.yaml: resources names "https://github.com/a/b", which is not in the archive | baking fetches nothing`},
		"remote base by host":   {kustomization(map[string]string{"x/kustomization.yaml": "resources: [../y]", "y/kustomization.yaml": "components: ['github.com/a/b//c']"}), "y/kustomization.yaml: components names"},
		"remote patch":          {kustomization(map[string]string{"kustomization.yaml": "patches: [{path: 'http://127.0.0.1:1/x.yaml'}]"}), "patches names"},
		"remote file":           {kustomization(map[string]string{"kustomization.yaml": "configMapGenerator: [{name: a, files: ['x=https://127.0.0.1:1/x']}]"}), "configMapGenerator names"},
		"remote in a generator": {kustomization(map[string]string{"kustomization.yaml": "generators: [g.yaml]", "g.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: g}\nname: g\nfiles: ['http://127.0.0.1:1/x']\n"}), "baking reads nothing from the network"},
		"outside":               {kustomization(map[string]string{"a/kustomization.yaml": "resources: [../x.yaml]", "x.yaml": "a: 1"}), "is not in or below"},
		"outside the archive":   {kustomization(map[string]string{"kustomization.yaml": "configMapGenerator: [{name: a, files: [/etc/passwd]}]"}), "/etc/passwd"},
		"helm charts":           {kustomization(map[string]string{"kustomization.yaml": "helmCharts: [{name: a}]"}), "helmCharts needs the helm program"},
		"programs":              {kustomization(map[string]string{"kustomization.yaml": "transformers: [t.yaml]", "t.yaml": "apiVersion: example.com/v1\nkind: T\nmetadata: {name: t, annotations: {config.kubernetes.io/function: 'exec: {path: /bin/true}'}}\n"}), "plugins, functions and programs are not run here"},
		"a cycle":               {kustomization(map[string]string{"a/kustomization.yaml": "resources: [../b]", "b/kustomization.yaml": "resources: [../a]"}), "cycle detected"},
		"patch without target":  {kustomization(map[string]string{"kustomization.yaml": "patches: [{patch: '{apiVersion: v1, kind: Pod, metadata: {name: none}}'}]"}), "look at the target of the patch"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(name, "cycle") || name == "remote base by host" || name == "outside" {
				c.req.Path = map[string]string{"a cycle": "a", "remote base by host": "x", "outside": "a"}[name]
			}
			_, err := process(t).Render(t.Context(), c.req)
			refused(t, err, gennaker.Invalid, c.says)
		})
	}
}

// TestProblems: what a schema does not allow is said value by value.
func TestProblems(t *testing.T) {
	t.Parallel()
	_, err := process(t).Render(t.Context(), helm(chart(t, "strict"), overrides(true, "image.tag=7", "replicas=0")))
	e, ok := errors.AsType[*gennaker.Error](err)
	if !ok {
		t.Fatal(err)
	}
	want := []gennaker.Problem{{Path: "image.tag", Message: "got number, want string"}, {Path: "replicas", Message: "minimum: got 0, want 1"}}
	if diff := cmp.Diff(want, e.Problems); diff != "" {
		t.Error(diff)
	}
}

// TestWarnings holds what is said beside a result.
func TestWarnings(t *testing.T) {
	t.Parallel()
	got := map[string][]string{}
	for name, req := range map[string]bake.Request{
		"deprecated":  helm(pack(t, map[string]string{"Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\ndeprecated: true\n", "templates/a.yaml": "a: 1"})),
		"nothing":     helm(single(t, "{{/* empty */}}")),
		"not a table": helm(pack(t, map[string]string{"Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n", "values.yaml": "x: 1", "templates/a.yaml": "a: 1"}), overrides(true, "x.y=1")),
		"bases": {Renderer: bake.Kustomize, Path: "x", Inputs: []bake.Input{pack(t, map[string]string{
			"x/kustomization.yaml": "bases: [../y]", "y/kustomization.yaml": "resources: [a.yaml]", "y/a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}"})}},
	} {
		result, err := process(t).Render(t.Context(), req)
		if err != nil {
			t.Fatal(name, err)
		}
		got[name] = result.Warnings
	}
	want := map[string][]string{
		"deprecated":  {"chart c 1.0.0 is deprecated, says its Chart.yaml"},
		"nothing":     {"nothing was rendered: there is no object in the result"},
		"not a table": {"skipped value for c.x: Not a table."},
		"bases":       {"x/kustomization.yaml: 'bases' is deprecated. Please use 'resources' instead. Run 'kustomize edit fix' to update your Kustomization automatically."},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
