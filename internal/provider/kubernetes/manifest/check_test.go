package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 250)
	tests := map[string]struct {
		text  string
		stage *bool
		want  []string
	}{
		"fine": {
			"{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop, labels: {a: b}, annotations: {c: 'true'}}}\n---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: other}}",
			nil, nil,
		},
		"empty object":    {"{}", nil, []string{"manifests[0].apiVersion: is missing: say which version of the API the object is of, as in apps/v1", "manifests[0].kind: is missing: say what the object is, as in Deployment", "manifests[0].metadata: is missing: it holds the object's name"}},
		"no name":         {"{apiVersion: v1, kind: Service, metadata: {}}", nil, []string{"manifests[0].metadata.name: is missing"}},
		"number as name":  {"{apiVersion: v1, kind: Service, metadata: {name: 7}}", nil, []string{"manifests[0].metadata.name: must be a string: write it in quotes"}},
		"odd version":     {"{apiVersion: apps/v1/x, kind: A, metadata: {name: a}}", nil, []string{`manifests[0].apiVersion: "apps/v1/x" is none: a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`}},
		"kind in small":   {"{apiVersion: apps/v1, kind: deployment, metadata: {name: a}}", nil, []string{`manifests[0].kind: "deployment" is none: a kind is a word with a large first letter`}},
		"generated name":  {"{apiVersion: batch/v1, kind: Job, metadata: {generateName: migrate-}}", nil, nil},
		"system name":     {"{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: 'system:Node'}}", nil, nil},
		"path as a name":  {"{apiVersion: example.com/v1, kind: Gadget, metadata: {name: a/b}}", nil, []string{`manifests[0].metadata.name: "a/b" is no name of a Gadget.example.com: may not contain '/'`}},
		"long, versioned": {"{apiVersion: v1, kind: ConfigMap, metadata: {name: " + long + "}}", nil, []string{`manifests[0].metadata.name: "` + long[:40] + `…" has 255 bytes with its version -v000, more than the 253 that the name of a configMap may have`}},
		"long, made so":   {"{apiVersion: apps/v1, kind: Deployment, metadata: {name: " + long + "}}", new(true), []string{`manifests[0].metadata.name: "` + long[:40] + `…" has 255 bytes with its version -v000, more than the 253 that the name of a deployment may have`}},
		"long, not so":    {"{apiVersion: v1, kind: ConfigMap, metadata: {name: " + long + "}}", new(false), nil},
		"long service":    {"{apiVersion: v1, kind: Service, metadata: {name: " + long[:64] + "}}", nil, []string{`manifests[0].metadata.name: "` + long[:40] + `…" has 64 bytes, more than the 63 that the name of a service may have`}},
		"long cron job":   {"{apiVersion: batch/v1, kind: CronJob, metadata: {name: " + long[:53] + "}}", nil, []string{`manifests[0].metadata.name: "` + long[:40] + `…" has 53 bytes, more than the 52 that the name of a cronJob may have`}},
		"namespace":       {"{apiVersion: v1, kind: Service, metadata: {name: a, namespace: 7}}", nil, []string{"manifests[0].metadata.namespace: must be a string"}},
		"annotations": {
			"{apiVersion: v1, kind: Service, metadata: {name: a, annotations: {strategy.spinnaker.io/versioned: true, 'a b': c, traffic.spinnaker.io/load-balancers: service web, strategy.spinnaker.io/max-version-history: many}}}",
			nil,
			[]string{
				`manifests[0].metadata.annotations["a b"]: is no key: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
				`manifests[0].metadata.annotations["strategy.spinnaker.io/versioned"]: must be a string: write "true" in quotes`,
				`manifests[0].metadata.annotations["strategy.spinnaker.io/max-version-history"]: "many" must be a whole number of at least 1, in quotes`,
				`manifests[0].metadata.annotations["traffic.spinnaker.io/load-balancers"]: is no JSON list of names, as in ["service web"]`,
			},
		},
		"labels": {
			"{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: a, labels: [b]}, spec: {template: {metadata: {labels: {a: 1, b: c d}}}}}", nil,
			[]string{
				"manifests[0].metadata.labels: must be a mapping of strings",
				`manifests[0].spec.template.metadata.labels["a"]: must be a string: write "1" in quotes`,
				`manifests[0].spec.template.metadata.labels["b"]: "c d" is no value of a label: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
			},
		},
		"duplicates": {
			"{apiVersion: v1, kind: Service, metadata: {name: a}}\n---\n{apiVersion: v1, kind: Secret, metadata: {name: a}}\n---\n{apiVersion: v1, kind: Service, metadata: {name: a}}\n---\n{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: a}}\n---\n{apiVersion: v1, kind: Pod, metadata: {generateName: a}}\n---\n{apiVersion: v1, kind: Pod, metadata: {generateName: a}}",
			nil, []string{"manifests[2].metadata.name: service a is the same object as manifests[0]"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := manifest.Parse([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range manifest.Check(d.Manifests, tt.stage, nil) {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCheckSize: objects of a stage are not read from a text.
func TestCheckSize(t *testing.T) {
	t.Parallel()
	m := one(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")
	m["data"] = map[string]any{"a": strings.Repeat("x", manifest.MaxBytes)}
	got := manifest.Check([]gennaker.Manifest{m}, nil, nil)
	if len(got) != 1 || !strings.HasPrefix(got[0].Message, "has 15729") {
		t.Errorf("problems %v", got)
	}
	bad := one(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")
	labels := map[string]any{}
	for i := range 1000 {
		labels[fmt.Sprintf("a b%d", i)] = strings.Repeat("x ", 1000)
	}
	bad["metadata"].(map[string]any)["labels"] = labels
	if got = manifest.Check([]gennaker.Manifest{bad}, nil, nil); len(got) != 100 || len(got[0].String()) > 500 {
		t.Errorf("%d problems, the first of %d bytes", len(got), len(got[0].String()))
	}
}

func TestLocate(t *testing.T) {
	t.Parallel()
	d, err := manifest.Parse([]byte(`# two services
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: web}
- apiVersion: v1
  kind: Service
  metadata:
    name: web
    annotations:
      traffic.spinnaker.io/load-balancers: x
---
apiVersion: v1
kind: Service
metadata: {}
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	problems := d.Locate(manifest.Check(d.Manifests, nil, nil))
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{
		`line 14, column 44: manifests[1].metadata.annotations["traffic.spinnaker.io/load-balancers"]: is no JSON list of names, as in ["service web"] (document 1)`,
		"line 12, column 11: manifests[1].metadata.name: service web is the same object as manifests[0] (document 1)",
		"line 18, column 11: manifests[2].metadata.name: is missing (document 2)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	err = manifest.Refuse(problems)
	refused(t, err, gennaker.Invalid, "the manifests cannot be deployed: "+want[0]+" (and 2 more problems)")
	if manifest.Refuse(nil) != nil {
		t.Error("no problems are an error")
	}
}

// TestFlatten: stage types section 4, "manifests": nested lists are flattened.
func TestFlatten(t *testing.T) {
	t.Parallel()
	a, b, c := map[string]any{"kind": "A", "n": 3.0}, map[string]any{"kind": "B"}, map[string]any{"kind": "C"}
	got, err := manifest.Flatten([]any{a, nil, []any{b, map[string]any{"kind": "List", "items": []any{c}}}, map[string]any{"kind": "List"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []gennaker.Manifest{{"kind": "A", "n": int64(3)}, {"kind": "B"}, {"kind": "C"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("manifests (-want +got):\n%s", diff)
	}
	if got, err := manifest.Flatten(nil); len(got) > 0 || err != nil {
		t.Errorf("of nothing: %v, %v", got, err)
	}
	if got, err := manifest.Flatten(a); len(got) != 1 || err != nil {
		t.Errorf("of one: %v, %v", got, err)
	}
	_, err = manifest.Flatten([]any{a, []any{"text"}})
	refused(t, err, gennaker.Invalid, "manifests[1][0] is no object")
	many := make([]any, manifest.MaxObjects+1)
	for i := range many {
		many[i] = a
	}
	_, err = manifest.Flatten(many)
	refused(t, err, gennaker.TooLarge, "there are more than 1000 objects")
	var deep any = a
	for range 300 {
		deep = []any{deep}
	}
	if _, err = manifest.Flatten(deep); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("300 lists within each other: %v", err)
	}
	_, err = manifest.Flatten([]any{map[string]any{"kind": "A", "spec": map[string]any{"c": make(chan int)}}})
	if gennaker.KindOf(err) != gennaker.Invalid || err.Error() != "manifests[0]: spec.c is a chan int, which no object has" {
		t.Errorf("what is no JSON: %v", err)
	}
}
