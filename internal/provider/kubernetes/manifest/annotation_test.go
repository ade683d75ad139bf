package manifest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

func TestAnnotate(t *testing.T) {
	t.Parallel()
	type vector struct {
		Name, Source        string
		Version             *int
		Skip                bool
		Object              gennaker.Manifest
		WantName            string `json:"deployed_as"`
		Annotations, Labels map[string]string
		TemplateAnnotations map[string]string `json:"template_annotations"`
		TemplateLabels      map[string]string `json:"template_labels"`
	}
	for _, v := range vectors[vector](t, "annotations.yaml") {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			if v.Source == "" {
				t.Error("the case names no source")
			}
			before := normal(t, v.Object)
			got, err := manifest.Annotate(before, manifest.Identity{Moniker: gennaker.Moniker{App: "store"}, Version: v.Version, SkipTemplateLabels: v.Skip})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(normal(t, v.Object), before); diff != "" {
				t.Errorf("what was given has changed:\n%s", diff)
			}
			if manifest.Name(got) != v.WantName {
				t.Errorf("name %q, want %q", manifest.Name(got), v.WantName)
			}
			annotations := manifest.Annotations(got)
			if digest, ok := annotations[manifest.LastAppliedAnnotation]; ok != (v.Version != nil) || ok && digest != manifest.Digest(got) {
				t.Errorf("the digest is %q", digest)
			}
			delete(annotations, manifest.LastAppliedAnnotation)
			template := gennaker.Manifest{}
			if spec, ok := got["spec"].(map[string]any); ok {
				if t, ok := spec["template"].(map[string]any); ok {
					template = t
				}
			}
			for what, d := range map[string]string{
				"annotations":          cmp.Diff(v.Annotations, annotations),
				"labels":               cmp.Diff(v.Labels, manifest.Labels(got)),
				"template annotations": cmp.Diff(v.TemplateAnnotations, manifest.Annotations(template), cmpopts.EquateEmpty()),
				"template labels":      cmp.Diff(v.TemplateLabels, manifest.Labels(template), cmpopts.EquateEmpty()),
			} {
				if d != "" {
					t.Errorf("%s (-want +got):\n%s", what, d)
				}
			}
		})
	}
}

func TestAnnotateMoniker(t *testing.T) {
	t.Parallel()
	m := one(t, "{apiVersion: v1, kind: Service, metadata: {name: web}}")
	id := manifest.Identity{Moniker: gennaker.Moniker{App: "store", Stack: "main", Detail: "blue", Cluster: "store-main-blue"}}
	got, err := manifest.Annotate(m, id)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(id.Moniker, manifest.MonikerOf(got)); diff != "" {
		t.Errorf("moniker (-want +got):\n%s", diff)
	}
	_, err = manifest.Annotate(m, manifest.Identity{Moniker: gennaker.Moniker{App: "store_"}})
	if gennaker.KindOf(err) != gennaker.Invalid || gennaker.HintOf(err) == "" {
		t.Errorf("an application that is no label: %v", err)
	}
}

// TestMonikerOf: strategies B1; clouddriver's getMoniker.
func TestMonikerOf(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		object string
		want   gennaker.Moniker
	}{
		"annotations": {
			"{kind: ReplicaSet, apiVersion: apps/v1, metadata: {name: x-v009, annotations: {moniker.spinnaker.io/application: store, moniker.spinnaker.io/cluster: replicaSet web, moniker.spinnaker.io/sequence: '3'}}}",
			gennaker.Moniker{App: "store", Cluster: "replicaSet web", Sequence: new(3)},
		},
		"annotations of old versions are JSON": {
			`{kind: Service, apiVersion: v1, metadata: {name: x, annotations: {moniker.spinnaker.io/application: '"store"', moniker.spinnaker.io/cluster: '"service web"'}}}`,
			gennaker.Moniker{App: "store", Cluster: "service web"},
		},
		"labels": {
			"{kind: Deployment, apiVersion: apps/v1, metadata: {name: web-main, labels: {app.kubernetes.io/name: store, moniker.spinnaker.io/sequence: '4'}}}",
			gennaker.Moniker{App: "store", Cluster: "web-main", Sequence: new(4)},
		},
		"name": {
			"{kind: ReplicaSet, apiVersion: apps/v1, metadata: {name: store-main-v012}}",
			gennaker.Moniker{App: "store", Cluster: "store-main", Sequence: new(12)},
		},
		"revision of a deployment": {
			"{kind: ReplicaSet, apiVersion: apps/v1, metadata: {name: web-7d9f, annotations: {moniker.spinnaker.io/application: store, moniker.spinnaker.io/cluster: deployment web, deployment.kubernetes.io/revision: '5'}}}",
			gennaker.Moniker{App: "store", Cluster: "deployment web", Sequence: new(5)},
		},
		"revision of what is no replica set": {
			"{kind: Deployment, apiVersion: apps/v1, metadata: {name: web, annotations: {deployment.kubernetes.io/revision: '5'}}}",
			gennaker.Moniker{App: "web", Cluster: "web"},
		},
		"system": {
			"{kind: ClusterRole, apiVersion: rbac.authorization.k8s.io/v1, metadata: {name: 'system:coredns-v003'}}",
			gennaker.Moniker{App: "system", Cluster: "system:coredns", Sequence: new(3)},
		},
		"system without version": {
			"{kind: ClusterRole, apiVersion: rbac.authorization.k8s.io/v1, metadata: {name: 'system:controller:job-controller'}}",
			gennaker.Moniker{App: "system", Cluster: "system:controller:job-controller"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, manifest.MonikerOf(one(t, tt.object))); diff != "" {
				t.Errorf("moniker (-want +got):\n%s", diff)
			}
		})
	}
}

// TestStrategyOf: every annotation of strategies B1, and its priority.
func TestStrategyOf(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		annotations map[string]string
		want        manifest.Strategy
		problem     string
	}{
		"none":                {nil, manifest.Strategy{Method: manifest.Apply}, ""},
		"versioned":           {map[string]string{"strategy.spinnaker.io/versioned": "True"}, manifest.Strategy{Method: manifest.Apply, Versioned: new(true)}, ""},
		"unversioned":         {map[string]string{"strategy.spinnaker.io/versioned": "false"}, manifest.Strategy{Method: manifest.Apply, Versioned: new(false)}, ""},
		"history":             {map[string]string{"strategy.spinnaker.io/max-version-history": "3"}, manifest.Strategy{Method: manifest.Apply, MaxVersionHistory: 3}, ""},
		"recreate":            {map[string]string{"strategy.spinnaker.io/recreate": "true", "strategy.spinnaker.io/replace": "true", "strategy.spinnaker.io/server-side-apply": "true"}, manifest.Strategy{Method: manifest.Recreate}, ""},
		"replace":             {map[string]string{"strategy.spinnaker.io/recreate": "false", "strategy.spinnaker.io/replace": "true", "strategy.spinnaker.io/server-side-apply": "true"}, manifest.Strategy{Method: manifest.Replace}, ""},
		"server side":         {map[string]string{"strategy.spinnaker.io/server-side-apply": "true"}, manifest.Strategy{Method: manifest.ServerSideApply}, ""},
		"server side, forced": {map[string]string{"strategy.spinnaker.io/server-side-apply": "force-conflicts"}, manifest.Strategy{Method: manifest.ServerSideApply, ForceConflicts: true}, ""},
		"not server side":     {map[string]string{"strategy.spinnaker.io/server-side-apply": "false"}, manifest.Strategy{Method: manifest.Apply}, ""},
		"source capacity":     {map[string]string{"strategy.spinnaker.io/use-source-capacity": "true"}, manifest.Strategy{Method: manifest.Apply, UseSourceCapacity: true}, ""},
		"odd versioned":       {map[string]string{"strategy.spinnaker.io/versioned": "1"}, manifest.Strategy{Method: manifest.Apply, Versioned: new(false)}, `"1" must be "true" or "false"`},
		"odd history":         {map[string]string{"strategy.spinnaker.io/max-version-history": "0"}, manifest.Strategy{Method: manifest.Apply}, `"0" must be a whole number of at least 1, in quotes`},
		"odd server side":     {map[string]string{"strategy.spinnaker.io/server-side-apply": "force"}, manifest.Strategy{Method: manifest.Apply}, `"force" must be "true", "force-conflicts" or "false"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := manifest.SetAnnotations(one(t, "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web}}"), tt.annotations)
			got, err := manifest.StrategyOf(m)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("strategy (-want +got):\n%s", diff)
			}
			if tt.problem == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			for key := range tt.annotations {
				refused(t, err, gennaker.Invalid, `replicaSet web: metadata.annotations["`+key+`"]: `+tt.problem)
			}
		})
	}
	made, err := manifest.StrategyOf(one(t, "{apiVersion: batch/v1, kind: Job, metadata: {generateName: x-, annotations: {strategy.spinnaker.io/recreate: 'true'}}}"))
	if err != nil || made.Method != manifest.Create {
		t.Errorf("generateName is deployed by %s, %v; want create", made.Method, err)
	}
}

func TestIgnored(t *testing.T) {
	t.Parallel()
	if !manifest.Ignored(one(t, "{metadata: {annotations: {caching.spinnaker.io/ignore: 'true'}}}")) {
		t.Error("caching.spinnaker.io/ignore is not read")
	}
	if manifest.Ignored(one(t, "{metadata: {annotations: {caching.spinnaker.io/ignore: 'false'}}}")) || manifest.Ignored(gennaker.Manifest{}) {
		t.Error("an object is hidden that did not ask for it")
	}
}
