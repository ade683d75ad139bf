package bake_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cuelabs.dev/go/oci/ociregistry"
	"cuelabs.dev/go/oci/ociregistry/ocimem"
	"cuelabs.dev/go/oci/ociregistry/ociserver"
	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/fetch"
	renderer "github.com/gennaker/gennaker/internal/bake"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
	"github.com/gennaker/gennaker/internal/seal"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/bake"
	"github.com/gennaker/gennaker/internal/stage/bind"
)

// TestMain is a child that renders when it is run as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "serve" {
		if err := renderer.Serve(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

type object = map[string]any

// world is what the stage needs, for real: accounts, and a process that renders.
type world struct {
	t        *testing.T
	accounts *fetch.Accounts
	config   bake.Config
	upstream []gennaker.Stage
	trigger  gennaker.Trigger
	evaluate func(v any, more map[string]any) (any, expr.Summary)
}

func newWorld(t *testing.T, cfg fetch.Config) *world {
	t.Helper()
	dir := t.TempDir()
	key, err := seal.Open(filepath.Join(dir, "seal.key"))
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := fetch.New(cfg, fetch.Options{Client: &http.Client{Transport: &http.Transport{}}, Dir: dir, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, accounts: accounts}
	w.config = bake.Config{
		Artifact: bind.Artifact, BindProduced: bind.Produced(nil), HoldsSecret: manifest.HoldsSecret, Seal: key.Seal,
		Render: renderer.NewProcess(renderer.Config{Command: []string{self, "serve"}}).Render,
		Fetch: func(ctx context.Context, a gennaker.Artifact) (io.ReadCloser, error) {
			return accounts.Fetch(ctx, a, nil)
		},
	}
	return w
}

// run runs the stage's tasks one after the other, as an engine does.
func (w *world) run(config object) (context, outputs object, err error) {
	w.t.Helper()
	var r stage.Registry
	bake.Register(&r, w.config)
	d, err := r.Find("bakeManifest")
	if err != nil {
		w.t.Fatal(err)
	}
	context, outputs = maps.Clone(config), object{}
	for _, step := range d.Steps {
		in := stage.Input{
			Execution: gennaker.Execution{Application: "shop", Trigger: w.trigger}, Evaluate: w.evaluate,
			Stage:    gennaker.Stage{Type: "bakeManifest", Context: context, Outputs: outputs},
			Upstream: func() []gennaker.Stage { return w.upstream },
		}
		o, err := step.Task.Run(w.t.Context(), in)
		if err != nil {
			return context, outputs, err
		}
		maps.Copy(context, o.Context())
		maps.Copy(outputs, o.Outputs())
		if !o.Status().Complete() || o.Status() == gennaker.Terminal {
			reason, hint, _ := o.Reason()
			return context, outputs, gennaker.Errorf(gennaker.Invalid, "%s", reason).WithHint("%s", hint)
		}
	}
	return context, outputs, nil
}

// baked runs the stage and returns the manifests that it made.
func (w *world) baked(config object) string {
	w.t.Helper()
	_, outputs, err := w.run(config)
	if err != nil {
		w.t.Fatalf("%v (%s)", err, gennaker.HintOf(err))
	}
	list, _ := outputs["artifacts"].([]any)
	if len(list) != 1 {
		w.t.Fatalf("artifacts are %v", list)
	}
	a, err := gennaker.ArtifactOf(list[0])
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := base64.StdEncoding.DecodeString(a.Reference)
	want := gennaker.Artifact{Type: "embedded/base64", Name: "baked", ArtifactAccount: "embedded-artifact", Reference: a.Reference}
	if diff := cmp.Diff(want, a); diff != "" || err != nil {
		w.t.Errorf("%v %s", err, diff)
	}
	return string(text)
}

func stageOf(renderer string, more object) object {
	out := object{
		"templateRenderer": renderer, "outputName": "cart",
		"expectedArtifacts": []any{object{"id": "out", "matchArtifact": object{"type": "embedded/base64", "name": "baked"}}},
	}
	maps.Copy(out, more)
	return out
}

func pack(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func chartFiles(top string) map[string]string {
	return map[string]string{
		top + "/Chart.yaml":          "apiVersion: v2\nname: cart\nversion: 1.2.0\n",
		top + "/values.yaml":         "image: none\n",
		top + "/templates/cart.yaml": "image: {{ .Values.image | quote }}\nreplicas: {{ .Values.replicas }}\nin: {{ .Release.Namespace }}\n",
		top + "/crds/c.yaml":         "kind: CustomResourceDefinition\n",
	}
}

const source = "---\n# Source: cart/templates/cart.yaml\n"

func embedded(content []byte) object {
	return object{"type": "embedded/base64", "name": "given", "reference": base64.StdEncoding.EncodeToString(content)}
}

// inline is an input artifact that stands in the stage itself.
func inline(a object) object { return object{"artifact": a} }

// TestSources: a chart comes from wherever artifacts come from.
func TestSources(t *testing.T) {
	t.Parallel()
	chart := pack(t, chartFiles("cart"))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch req.URL.Path {
		case "/index.yaml":
			_, _ = io.WriteString(w, "apiVersion: v1\nentries:\n  cart:\n    - {name: cart, version: 1.2.0, urls: [charts/cart-1.2.0.tgz]}\n")
		case "/charts/cart-1.2.0.tgz":
			_, _ = w.Write(chart)
		case "/prod.yaml":
			_, _ = io.WriteString(w, "image: prod\nreplicas: 3\n")
		default:
			http.NotFound(w, req)
		}
	}))
	t.Cleanup(web.Close)
	memory := ocimem.New()
	push(t, memory, "charts/cart", "1.2.0", chart)
	registry := httptest.NewServer(ociserver.New(memory, nil))
	t.Cleanup(registry.Close)
	w := newWorld(t, fetch.Config{
		HTTP: fetch.Section[fetch.HTTPAccount]{Accounts: []fetch.HTTPAccount{{Name: "web"}}},
		Helm: fetch.Section[fetch.HelmAccount]{Accounts: []fetch.HelmAccount{{Name: "charts", Repository: web.URL}}},
		DockerRegistry: fetch.Section[fetch.RegistryAccount]{Accounts: []fetch.RegistryAccount{
			{Name: "oci", Address: registry.URL, HelmOCIRepositories: []string{"charts/cart"}},
		}},
		GitRepo: fetch.Section[fetch.GitRepoAccount]{Accounts: []fetch.GitRepoAccount{{Name: "git", Directories: []string{"/"}}}},
	})
	repository := repo(t, chartFiles("deploy/cart"))
	for name, c := range map[string]struct {
		input object
		more  object
	}{
		"embedded":     {inline(embedded(chart)), nil},
		"http":         {object{"account": "web", "artifact": object{"type": "http/file", "reference": web.URL + "/charts/cart-1.2.0.tgz"}}, nil},
		"helm/chart":   {object{"account": "charts", "artifact": object{"type": "helm/chart", "name": "cart", "version": "~1.2"}}, nil},
		"helm/image":   {object{"account": "oci", "artifact": object{"type": "helm/image", "name": "charts/cart", "version": "1.2.0"}}, nil},
		"git/repo":     {object{"account": "git", "artifact": object{"type": "git/repo", "reference": repository, "version": "main"}}, object{"helmChartFilePath": "deploy/cart"}},
		"from trigger": {object{"id": "chart"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := *w
			own.t = t
			own.upstream = []gennaker.Stage{{Outputs: object{"resolvedExpectedArtifacts": []any{
				object{"id": "chart", "matchArtifact": object{"type": "helm/chart", "artifactAccount": "charts"}, "boundArtifact": object{"type": "helm/chart", "name": "cart", "version": "1.2.0"}},
			}}}}
			values := object{"account": "web", "artifact": object{"type": "http/file", "reference": web.URL + "/prod.yaml"}}
			config := stageOf("HELM3", object{"inputArtifacts": []any{c.input, values}, "namespace": "shop"})
			maps.Copy(config, c.more)
			if diff := cmp.Diff(source+"image: \"prod\"\nreplicas: 3\nin: shop\n", own.baked(config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// push puts a chart into a registry as helm push does.
func push(t *testing.T, r *ocimem.Registry, repo, tag string, chart []byte) {
	t.Helper()
	blob := func(mediaType string, content []byte) ociregistry.Descriptor {
		d := ociregistry.Descriptor{MediaType: mediaType, Digest: ociregistry.Digest(digest(content)), Size: int64(len(content))}
		if _, err := r.PushBlob(t.Context(), repo, d, bytes.NewReader(content)); err != nil {
			t.Fatal(err)
		}
		return d
	}
	const manifestType = "application/vnd.oci.image.manifest.v1+json"
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": manifestType, "config": blob("application/vnd.cncf.helm.config.v1+json", []byte("{}")),
		"layers": []ociregistry.Descriptor{blob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", chart)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.PushManifest(t.Context(), repo, tag, manifest, manifestType); err != nil {
		t.Fatal(err)
	}
}

// repo makes a git repository and returns its URL.
func repo(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "."}, {"commit", "-q", "-m", "all"}} {
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=n", "-c", "user.email=e@example.com"}, args...)...) //nolint:gosec // a test's own
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v %s", args[0], err, out)
		}
	}
	return "file://" + dir
}

// TestFields holds what the fields of the stage do.
func TestFields(t *testing.T) {
	t.Parallel()
	chart := []any{inline(embedded(pack(t, chartFiles("cart"))))}
	const plain = "replicas: \nin: default\n"
	for name, c := range map[string]struct {
		config object
		want   string
	}{
		"nothing more":   {stageOf("HELM3", object{"inputArtifacts": chart}), source + "image: \"none\"\n" + plain},
		"one input":      {stageOf("helm4", object{"inputArtifact": chart[0]}), source + "image: \"none\"\n" + plain},
		"overrides":      {stageOf("HELM3", object{"inputArtifacts": chart, "overrides": object{"image": "x", "replicas": 2.0, "a.b": true, "c": 1.5}}), source + "image: \"x\"\nreplicas: 2\nin: default\n"},
		"text stays":     {stageOf("HELM3", object{"inputArtifacts": chart, "overrides": object{"image": "null"}}), source + "image: \"null\"\n" + plain},
		"raw":            {stageOf("HELM3", object{"inputArtifacts": chart, "rawOverrides": true, "overrides": object{"image": "null"}}), source + "image: \n" + plain},
		"definitions":    {stageOf("HELM3", object{"inputArtifacts": chart, "includeCRDs": "true"}), "---\n# Source: cart/crds/c.yaml\nkind: CustomResourceDefinition\n\n" + source + "image: \"none\"\n" + plain},
		"a second value": {stageOf("HELM3", object{"inputArtifacts": append(slices.Clone(chart), inline(embedded([]byte("image: v1"))), inline(embedded([]byte("image: v2"))))}), source + "image: \"v2\"\n" + plain},
		"kustomize": {stageOf("KUSTOMIZE4", object{"kustomizeFilePath": "k/kustomization.yaml", "inputArtifact": inline(embedded(pack(t, map[string]string{
			"k/kustomization.yaml": "resources: [a.yaml]\nnamespace: shop\n", "k/a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
		})))}), "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  namespace: shop\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, newWorld(t, fetch.Config{}).baked(c.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestContext holds what a stage leaves in its context and outputs, and that a
// restart takes it out.
func TestContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fetch.Config{})
	config := stageOf("HELM2", object{"inputArtifacts": []any{inline(embedded(pack(t, chartFiles("cart"))))}})
	context, outputs, err := w.run(config)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"artifacts", "resolvedExpectedArtifacts"}, slices.Sorted(maps.Keys(outputs))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{"the renderer HELM2 is deprecated; the chart was rendered as HELM3 does"}, context["bakeWarnings"]); diff != "" {
		t.Error(diff)
	}
	resolved, _ := context["resolvedExpectedArtifacts"].([]any)
	if e, err := gennaker.ExpectedArtifactOf(resolved[0]); err != nil || e.ID != "out" || e.Bound == nil || e.Bound.Name != "baked" {
		t.Errorf("%v, %v", resolved, err)
	}
	var r stage.Registry
	bake.Register(&r, w.config)
	d, err := r.Find("bakeManifest")
	if err != nil {
		t.Fatal(err)
	}
	d.Restart(context)
	if diff := cmp.Diff(config, context); diff != "" {
		t.Error(diff)
	}
}

// TestSecrets: manifests with a Secret are stored as nobody can read them, and
// fetched as they were baked.
func TestSecrets(t *testing.T) {
	t.Parallel()
	for name, manifests := range map[string]string{
		"YAML": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: hunter2}\n",
		"flow": "{apiVersion: v1, kind: \"Secret\", metadata: {name: a}, stringData: {password: hunter2}}\n",
		"tag":  "apiVersion: v1\nkind: !!str Secret\nmetadata: {name: a}\nstringData: {password: hunter2}\n",
		"list": "apiVersion: v1\nkind: List\nitems:\n- kind: 'Secret'\n  apiVersion: v1\n  metadata: {name: a}\n  stringData: {password: hunter2}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fetch.Config{})
			chart := pack(t, map[string]string{"cart/Chart.yaml": "apiVersion: v2\nname: cart\nversion: 1.2.0\n", "cart/templates/secret.yaml": manifests})
			config := stageOf("HELM3", object{"inputArtifacts": []any{inline(embedded(chart))}})
			context, outputs, err := w.run(config)
			if err != nil {
				t.Fatal(err)
			}
			delete(context, "inputArtifacts")
			stored, err := json.Marshal([]any{context, outputs})
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"hunter2", base64.StdEncoding.EncodeToString([]byte("hunter2"))[:8], base64.StdEncoding.EncodeToString([]byte("kind: Secret"))[:12]} {
				if bytes.Contains(stored, []byte(secret)) {
					t.Errorf("%q is in %s", secret, stored)
				}
			}
			made, _ := outputs["artifacts"].([]any)
			a, err := gennaker.ArtifactOf(made[0])
			if err != nil || a.Type != "embedded/base64" || !seal.Is(a.Reference) {
				t.Fatalf("%+v, %v", a, err)
			}
			text, err := w.accounts.Read(t.Context(), a, 1<<20)
			if err != nil || !strings.Contains(string(text), "hunter2") {
				t.Errorf("fetched: %q, %v", text, err)
			}
		})
	}
}

func TestSecretsWithoutKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fetch.Config{})
	w.config.Seal = nil
	chart := pack(t, map[string]string{"cart/Chart.yaml": "apiVersion: v2\nname: cart\nversion: 1.2.0\n", "cart/templates/secret.yaml": "kind: Secret\n"})
	if _, _, err := w.run(stageOf("HELM3", object{"inputArtifacts": []any{inline(embedded(chart))}})); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("got %v", err)
	}
}

// TestEvaluate: overrides are evaluated once more when that is asked for.
func TestEvaluate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fetch.Config{})
	w.evaluate = func(v any, _ map[string]any) (any, expr.Summary) {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var s expr.Summary
		if strings.Contains(string(text), "${gone}") {
			s.Findings = append(s.Findings, expr.Finding{Path: "image", Message: "gone is not known"})
		}
		var out any
		if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), "${tag}", "v7")), &out); err != nil {
			t.Fatal(err)
		}
		return out, s
	}
	config := func(more object) object {
		c := stageOf("HELM3", object{"inputArtifacts": []any{inline(embedded(pack(t, chartFiles("cart"))))}})
		maps.Copy(c, more)
		return c
	}
	for _, c := range []struct {
		more object
		want string
	}{
		{object{"overrides": object{"image": "${tag}"}}, "${tag}"},
		{object{"overrides": object{"image": "${tag}"}, "evaluateOverrideExpressions": true}, "v7"},
	} {
		if got := w.baked(config(c.more)); !strings.Contains(got, `image: "`+c.want+`"`) {
			t.Errorf("%v gives\n%s", c.more, got)
		}
	}
	_, _, err := w.run(config(object{"overrides": object{"image": "${gone}"}, "evaluateOverrideExpressions": true}))
	refused(t, err, gennaker.Invalid, "gone is not known")
}

func refused(t *testing.T, err error, kind gennaker.Kind, says string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %q", says)
	}
	text := err.Error() + " | " + gennaker.HintOf(err)
	if gennaker.KindOf(err) != kind || !strings.Contains(text, says) || gennaker.HintOf(err) == "" {
		t.Errorf("%s: %s\nwant %s and %q", gennaker.KindOf(err), text, kind, says)
	}
}

// TestRefused holds what is said of a stage that cannot be.
func TestRefused(t *testing.T) {
	t.Parallel()
	chart := []any{inline(embedded(pack(t, chartFiles("cart"))))}
	expected := func(list ...any) object { return object{"inputArtifacts": chart, "expectedArtifacts": list} }
	one := object{"matchArtifact": object{"type": "embedded/base64", "name": "a"}}
	for name, c := range map[string]struct {
		config object
		kind   gennaker.Kind
		says   string
	}{
		"nothing expected":   {stageOf("HELM3", expected()), gennaker.Invalid, "At least one expected artifact to baked manifest must be supplied"},
		"two expected":       {stageOf("HELM3", expected(one, one)), gennaker.Invalid, "Too many artifacts to produce supplied"},
		"another type":       {stageOf("HELM3", expected(object{"matchArtifact": object{"type": "gcs/object"}})), gennaker.Invalid, `of type "gcs/object"`},
		"no renderer":        {stageOf("", object{"inputArtifacts": chart}), gennaker.Invalid, "Invalid template renderer"},
		"helmfile":           {stageOf("HELMFILE", object{"inputArtifacts": chart}), gennaker.Invalid, "needs the helmfile program"},
		"no name":            {stageOf("HELM3", object{"inputArtifacts": chart, "outputName": ""}), gennaker.Invalid, "outputName is missing"},
		"no inputs":          {stageOf("HELM3", nil), gennaker.Invalid, "At least one input manifest"},
		"an input unknown":   {stageOf("HELM3", object{"inputArtifacts": []any{chart[0], object{"id": "none"}}}), gennaker.Invalid, `input artifact 2: no artifact with the ID "none"`},
		"an input of none":   {stageOf("HELM3", object{"inputArtifacts": []any{object{}}}), gennaker.Invalid, "input artifact 1: no artifact is named"},
		"an account unknown": {stageOf("HELM3", object{"inputArtifacts": []any{object{"account": "x", "artifact": embedded(nil)}}}), gennaker.Invalid, `no artifact account "x"`},
		"an override":        {stageOf("HELM3", object{"inputArtifacts": chart, "overrides": object{"a": []any{"b"}}}), gennaker.Invalid, "the override a is neither"},
		"no override":        {stageOf("HELM3", object{"inputArtifacts": chart, "overrides": object{"a": nil}}), gennaker.Invalid, "the override a is neither"},
		"two kustomizations": {stageOf("KUSTOMIZE", object{"inputArtifacts": []any{chart[0], chart[0]}}), gennaker.Invalid, "has one input artifact, not 2"},
		"no archive":         {stageOf("HELM3", object{"inputArtifacts": []any{inline(embedded([]byte("a: 1")))}}), gennaker.Invalid, "embedded/base64 given is no .tar.gz archive"},
		"many inputs":        {stageOf("HELM3", object{"inputArtifacts": slices.Repeat(chart, 101)}), gennaker.TooLarge, "101 input artifacts"},
		"large":              {stageOf("HELM3", object{"inputArtifacts": slices.Repeat([]any{inline(embedded(make([]byte, 49<<20)))}, 2)}), gennaker.TooLarge, "input artifact 2: the input artifacts have more than"},
		"a wrong field":      {stageOf("HELM3", object{"inputArtifacts": chart, "overrides": "a"}), gennaker.Invalid, "overrides"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, outputs, err := newWorld(t, fetch.Config{}).run(c.config)
			if name == "a wrong field" {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Error(err)
				}
				return
			}
			refused(t, err, c.kind, c.says)
			if len(outputs) > 0 {
				t.Errorf("it left %v", outputs)
			}
		})
	}
	t.Run("too large", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, fetch.Config{})
		w.config.MaxBytes = 10
		_, _, err := w.run(stageOf("HELM3", object{"inputArtifacts": chart}))
		refused(t, err, gennaker.TooLarge, "more than 10")
	})
	t.Run("no server", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, fetch.Config{})
		w.config.Fetch = nil
		if _, _, err := w.run(stageOf("HELM3", object{"inputArtifacts": chart})); err == nil || !strings.Contains(err.Error(), "cannot bake") {
			t.Error(err)
		}
	})
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}
