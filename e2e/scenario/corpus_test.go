package scenario

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/lab"
)

// corpus is where real definitions lie: outside of this tree, and not everywhere.
const corpus = "../../../shared/corpus"

// TestCorpus runs real pipelines that deploy to Kubernetes, with the images of
// the lab, each in a namespace of its own.
//
// What a definition takes for granted is made for it: kinds of other operators,
// pipelines that it starts, Services and ConfigMaps that it only names, and the
// content of artifacts in stores that are not here. People judge in favor.
func TestCorpus(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(corpus); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("there is no %s: real pipelines are not part of this tree", corpus)
	}
	files, err := filepath.Glob(filepath.Join(corpus, "pipeline", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	w := start(t)
	table := &outcomes{rows: map[string]string{}}
	t.Cleanup(func() { t.Logf("real pipelines:\n%s", table) })
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var doc object
		if err := json.Unmarshal(text, &doc); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if !strings.Contains(string(text), `Manifest"`) || doc["stages"] == nil {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			w := w.in(t)
			d := &definition{world: w, doc: doc, kinds: map[string]object{}}
			x := d.run()
			table.add(filepath.Base(file), x)
			if x.Status != gennaker.Succeeded {
				t.Errorf("%s", why(x))
			}
		})
	}
}

// outcomes is what became of each definition.
type outcomes struct {
	mu   sync.Mutex
	rows map[string]string
}

func (o *outcomes) add(file string, x gennaker.Execution) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rows[file] = fmt.Sprintf("%s, %d stages%s", x.Status, len(x.Stages), why(x))
}

// String is the table.
func (o *outcomes) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var b strings.Builder
	for _, file := range slices.Sorted(maps.Keys(o.rows)) {
		fmt.Fprintf(&b, "%-90.90s %s\n", file, o.rows[file])
	}
	return b.String()
}

// why says which stages failed, and why.
func why(x gennaker.Execution) string {
	var b strings.Builder
	for _, s := range x.Stages {
		if text, _ := exception(s); s.Status.Failed() && text != "" {
			fmt.Fprintf(&b, "; %s (%s): %s", s.Name, s.Type, text)
		}
	}
	return b.String()
}

// definition is a real pipeline that is made to fit this world.
type definition struct {
	*world
	doc   object
	kinds map[string]object // of other operators, by apiVersion and kind
	child string            // the ID of a pipeline that it starts
}

// run saves the definition and what it needs, and runs it.
func (d *definition) run() gennaker.Execution {
	d.Helper()
	d.doc["application"], d.doc["name"] = d.app, "real"
	for _, k := range []string{"id", "triggers", "notifications", "expectedArtifacts", "config", "template", "schema"} {
		delete(d.doc, k)
	}
	d.before()
	d.walk(d.doc)
	stages, _ := d.doc["stages"].([]any)
	for _, s := range stages {
		if s, ok := s.(object); ok {
			d.stage(s)
		}
	}
	d.define()
	text, err := json.Marshal(d.doc)
	if err == nil {
		err = d.server.SavePipeline(d.Context(), text)
	}
	if err != nil {
		d.Fatal(err)
	}
	if strings.Contains(string(text), `"second_newest"`) { // of which there is one after the second run
		d.await(d.server.Begin(d.app, "real", d.parameters()))
	}
	return d.await(d.server.Begin(d.app, "real", d.parameters()))
}

// parameters returns a value for each parameter that has none.
func (d *definition) parameters() map[string]any {
	out := map[string]any{}
	list, _ := d.doc["parameterConfig"].([]any)
	for _, p := range list {
		p, _ := p.(object)
		options, _ := p["options"].([]any)
		var first object
		if len(options) > 0 {
			first, _ = options[0].(object)
		}
		if v := cmp.Or(fmt.Sprint(p["default"]), ""); v == "" || v == "<nil>" {
			out[fmt.Sprint(p["name"])] = cmp.Or(strings.TrimPrefix(fmt.Sprint(first["value"]), "<nil>"), "1")
		}
	}
	return out
}

// walk replaces accounts, namespaces and images wherever they stand.
func (d *definition) walk(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			d.walk(x)
		}
	case object:
		for k, x := range v {
			_, text := x.(string)
			switch {
			case text && (k == "account" || k == "credentials"):
				v[k] = d.account
			case text && (k == "namespace" || k == "location" || k == "namespaceOverride"):
				v[k] = d.namespace
			case text && k == "image":
				v[k] = "hello:1"
			case text && k == "application":
				v[k] = d.app
			default:
				d.walk(x)
			}
		}
		api, _ := v["apiVersion"].(string)
		if kind, ok := v["kind"].(string); ok && v["metadata"] != nil {
			if strings.Contains(api, ".") && !strings.Contains(api, ".k8s.io/") {
				d.kinds[api+" "+kind] = v
			}
			if m, ok := v["metadata"].(object); ok && m["namespace"] == nil {
				m["namespace"] = d.namespace
			}
		}
	}
}

// content is what an artifact of a store that is not here holds.
const content = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: content}
spec:
  replicas: 1
  selector: {matchLabels: {app: content}}
  template: {metadata: {labels: {app: content}}, spec: {containers: [{name: c, image: "hello:1"}]}}
`

// stage makes a stage fit.
func (d *definition) stage(s object) {
	switch s["type"] {
	case "deployManifest", "runJobManifest", "patchManifest":
		d.services(s)
		if s["source"] == "artifact" {
			for _, k := range []string{"manifestArtifactId", "manifestArtifactAccount", "requiredArtifactIds", "requiredArtifacts"} {
				delete(s, k)
			}
			s["manifestArtifact"] = object{"type": "embedded/base64", "name": "content", "reference": base64.StdEncoding.EncodeToString([]byte(content))}
			s["namespaceOverride"] = d.namespace
		}
	case "wait", "manualJudgment", "bakeManifest", "kayentaCanary":
		s["type"], s["waitTime"] = "wait", 0
	case "pipeline", "findArtifactFromExecution":
		s["pipeline"] = d.child
	case "scaleManifest", "rollingRestartManifest", "deleteManifest", "disableManifest":
		d.target(s)
	}
}

// services makes the Services that ReplicaSets of a stage say they are behind.
func (d *definition) services(s object) {
	d.Helper()
	if traffic, _ := s["trafficManagement"].(object); traffic["enabled"] == true {
		options, _ := traffic["options"].(object)
		options["namespace"] = d.namespace
	}
	list, _ := s["manifests"].([]any)
	for _, m := range list {
		metadata, _ := m.(object)["metadata"].(object)
		annotations, _ := metadata["annotations"].(object)
		var names []string
		if json.Unmarshal(fmt.Append(nil, annotations["traffic.spinnaker.io/load-balancers"]), &names) != nil {
			continue
		}
		for _, n := range names {
			d.service(strings.TrimPrefix(n, "service "))
		}
	}
}

// service makes a Service that a definition takes for granted.
func (d *definition) service(service string) {
	d.Helper()
	_, err := d.lab.Client.CoreV1().Services(d.namespace).Create(d.Context(), &core.Service{
		ObjectMeta: meta.ObjectMeta{Name: service}, Spec: core.ServiceSpec{Selector: map[string]string{"lb": service}, Ports: []core.ServicePort{{Port: 80}}},
	}, meta.CreateOptions{})
	if err != nil {
		d.Fatal(err)
	}
}

// before saves and runs the pipeline that the definition starts, or from which
// it takes an artifact: it deploys the ConfigMaps that are looked for.
func (d *definition) before() {
	d.Helper()
	var deploy []object
	stages, _ := d.doc["stages"].([]any)
	for _, s := range stages {
		s, _ := s.(object)
		expected, _ := s["expectedArtifact"].(object)
		match, _ := expected["matchArtifact"].(object)
		if s["type"] == "findArtifactFromExecution" && match["type"] == "kubernetes/configMap" {
			deploy = append(deploy, d.deploy(fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %v}\ndata: {SUCCESS_RATE: '70'}\n", match["name"])))
		}
	}
	if len(deploy) == 0 {
		deploy = append(deploy, object{"type": "wait", "name": "Trivial", "waitTime": 0})
	}
	d.server.Save(d.app, "child", deploy...)
	d.succeeded(d.server.Begin(d.app, "child", nil))
	p, err := d.server.Pipeline(d.Context(), d.app, "child")
	if err != nil {
		d.Fatal(err)
	}
	d.child = p.ID
}

// target lets a stage be about what the artifact of this test deploys, if it is
// about what another artifact would have.
func (d *definition) target(s object) {
	if text, err := json.Marshal(d.doc); err == nil && s["mode"] != "dynamic" && s["mode"] != "label" && strings.Contains(string(text), `"embedded/base64"`) {
		s["manifestName"] = "deployment content"
	}
}

// define makes the kinds of other operators.
func (d *definition) define() {
	d.Helper()
	client, err := dynamic.NewForConfig(d.lab.Config)
	if err != nil {
		d.Fatal(err)
	}
	crds := client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	for id := range d.kinds {
		api, kind, _ := strings.Cut(id, " ")
		group, version, _ := strings.Cut(api, "/")
		plural := strings.ToLower(kind) + "s"
		crd := object{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": object{"name": plural + "." + group},
			"spec": object{
				"group": group, "scope": "Namespaced", "names": object{"kind": kind, "plural": plural},
				"versions": []any{object{
					"name": version, "served": true, "storage": true,
					"schema": object{"openAPIV3Schema": object{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
				}},
			},
		}
		_, err := crds.Create(d.Context(), &unstructured.Unstructured{Object: crd}, meta.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			d.Fatal(err)
		}
		lab.Eventually(d, kind+" is served", func(ctx context.Context) (bool, error) {
			_, err := client.Resource(schema.GroupVersionResource{Group: group, Version: version, Resource: plural}).Namespace(d.namespace).List(ctx, meta.ListOptions{})
			return err == nil, nil
		})
	}
}
