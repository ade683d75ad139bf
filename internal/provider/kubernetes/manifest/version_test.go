package manifest_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

var shop = gennaker.Moniker{App: "shop"}

// deploy does what a deployment does with versions, in a cluster that is a list.
func deploy(t interface{ Fatal(...any) }, cluster []gennaker.Manifest, m gennaker.Manifest) ([]gennaker.Manifest, int, bool) {
	versions := manifest.Versions(m, cluster)
	n, reused := manifest.NextVersion(m, versions)
	got, err := manifest.Annotate(m, manifest.Identity{Moniker: shop, Version: &n})
	if err != nil {
		t.Fatal(err)
	}
	if reused {
		return cluster, n, true
	}
	return append(cluster, stamped(got, len(cluster))), n, false
}

// stamped is an object that the cluster made, so many seconds after the first.
func stamped(m gennaker.Manifest, seconds int) gennaker.Manifest {
	m = manifest.Clone(m)
	m["metadata"].(map[string]any)["creationTimestamp"] = fmt.Sprintf("2026-01-01T%02d:%02d:%02dZ", seconds/3600, seconds/60%60, seconds%60)
	return m
}

// TestNextVersion: strategies B2.
func TestNextVersion(t *testing.T) {
	t.Parallel()
	config := one(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop}, data: {a: b}}")
	changed := one(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop}, data: {a: c}}")
	relabelled := one(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop, labels: {x: y}}, data: {a: b}}")
	set := one(t, "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web, namespace: shop}, spec: {template: {metadata: {labels: {a: b}}}}}")
	type step struct {
		object gennaker.Manifest
		want   int
		reused bool
	}
	tests := map[string][]step{
		"from zero, by one":         {{config, 0, false}, {changed, 1, false}},
		"unchanged is reused":       {{config, 0, false}, {config, 0, true}, {relabelled, 0, true}},
		"an older one is reused":    {{config, 0, false}, {changed, 1, false}, {config, 0, true}, {changed, 1, true}},
		"replica sets differ":       {{set, 0, false}, {set, 1, false}, {set, 2, false}},
		"kinds and names are apart": {{config, 0, false}, {set, 0, false}, {one(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: other, namespace: shop}, data: {a: b}}"), 0, false}, {one(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: other}, data: {a: b}}"), 0, false}, {one(t, "{apiVersion: v1, kind: Secret, metadata: {name: settings, namespace: shop}}"), 0, false}},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var cluster []gennaker.Manifest
			for i, s := range steps {
				var n int
				var reused bool
				if cluster, n, reused = deploy(t, cluster, s.object); n != s.want || reused != s.reused {
					t.Errorf("step %d: version %d, reused %t; want %d, %t", i, n, reused, s.want, s.reused)
				}
			}
		})
	}
}

// TestVersionsOfOthers: what Spinnaker, or anybody, deployed counts.
func TestVersionsOfOthers(t *testing.T) {
	t.Parallel()
	config := one(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop}, data: {a: b}}")
	applied, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	object := func(name string, annotations map[string]string) gennaker.Manifest {
		m := manifest.SetAnnotations(config, annotations)
		m["metadata"].(map[string]any)["name"] = name
		return m
	}
	spinnaker := map[string]string{
		"artifact.spinnaker.io/type": "kubernetes/configMap", "artifact.spinnaker.io/name": "settings", "artifact.spinnaker.io/version": "v002",
		"kubectl.kubernetes.io/last-applied-configuration": string(applied),
	}
	stale := map[string]string{"artifact.spinnaker.io/type": "kubernetes/configMap", "artifact.spinnaker.io/name": "settings", "artifact.spinnaker.io/version": "v001"}
	tests := map[string]struct {
		existing []gennaker.Manifest
		want     int
		reused   bool
	}{
		"spinnaker's is reused":           {[]gennaker.Manifest{object("settings-v002", spinnaker)}, 2, true},
		"a name is taken by whomever":     {[]gennaker.Manifest{object("settings-v007", nil)}, 8, false},
		"the name holds over annotations": {[]gennaker.Manifest{object("settings-v004", stale)}, 5, false},
		"annotations without the name":    {[]gennaker.Manifest{object("odd", stale)}, 2, false},
		"beyond three digits":             {[]gennaker.Manifest{object("settings-v1000", nil)}, 1001, false},
		"names that are no versions":      {[]gennaker.Manifest{object("settings-v0001", nil), object("settings-v01", nil), object("settings-vabc", nil), object("settings", nil), object("settings-more-v003", nil)}, 0, false},
		"what kubectl deployed alone": {
			[]gennaker.Manifest{object("settings-v003", map[string]string{"kubectl.kubernetes.io/last-applied-configuration": string(applied)})}, 4, false,
		},
		"annotations that cannot be read": {
			[]gennaker.Manifest{object("settings-v003", map[string]string{"artifact.spinnaker.io/type": "kubernetes/configMap", "kubectl.kubernetes.io/last-applied-configuration": "{"})}, 4, false,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, reused := manifest.NextVersion(config, manifest.Versions(config, tt.existing))
			if n != tt.want || reused != tt.reused {
				t.Errorf("version %d, reused %t; want %d, %t", n, reused, tt.want, tt.reused)
			}
		})
	}
	owned := one(t, "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web-7d9f, annotations: {artifact.spinnaker.io/type: kubernetes/deployment, artifact.spinnaker.io/name: web, artifact.spinnaker.io/version: v003}}}")
	set := one(t, "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web}}")
	if got := manifest.Versions(set, []gennaker.Manifest{owned}); len(got) > 0 {
		t.Error("the ReplicaSet of a versioned Deployment counts as a version of another ReplicaSet")
	}
}

// TestIsVersioned: strategies B2, annotation before stage before kind.
func TestIsVersioned(t *testing.T) {
	t.Parallel()
	for _, k := range manifest.Kinds() {
		want := map[string]bool{"ReplicaSet": true, "Pod": true, "ConfigMap": true, "Secret": true}[k.Name]
		if k.Versioned != want {
			t.Errorf("%s is versioned: %t, want %t", k, k.Versioned, want)
		}
	}
	tests := map[string]struct {
		object string
		stage  *bool
		want   bool
	}{
		"kind":                  {"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", nil, true},
		"other kind":            {"{apiVersion: v1, kind: Service, metadata: {name: a}}", nil, false},
		"custom resource":       {"{apiVersion: example.com/v1, kind: ConfigMap, metadata: {name: a}}", nil, false},
		"stage over kind":       {"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", new(false), false},
		"annotation over stage": {"{apiVersion: v1, kind: Service, metadata: {name: a, annotations: {strategy.spinnaker.io/versioned: 'true'}}}", new(false), true},
		"made-up name":          {"{apiVersion: v1, kind: Pod, metadata: {generateName: a-}}", new(true), false},
	}
	for name, tt := range tests {
		if got, err := manifest.IsVersioned(one(t, tt.object), tt.stage, nil); got != tt.want || err != nil {
			t.Errorf("%s: %t, %v; want %t", name, got, err, tt.want)
		}
	}
}

// TestObsolete: strategies B1, max-version-history.
func TestObsolete(t *testing.T) {
	t.Parallel()
	set := one(t, "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web}, spec: {template: {metadata: {}}}}")
	var cluster []gennaker.Manifest
	for range 5 {
		cluster, _, _ = deploy(t, cluster, set)
	}
	versions := manifest.Versions(set, cluster)
	tests := map[string]struct {
		keep, current int
		want          []string
	}{
		"all":                     {0, 4, nil},
		"two":                     {2, 4, []string{"web-v000", "web-v001", "web-v002"}},
		"as many as there are":    {5, 4, nil},
		"one":                     {1, 4, []string{"web-v000", "web-v001", "web-v002", "web-v003"}},
		"an old one that is used": {2, 1, []string{"web-v000", "web-v002"}},
	}
	for name, tt := range tests {
		var got []string
		for _, m := range manifest.Obsolete(versions, tt.keep, tt.current) {
			got = append(got, manifest.Name(m))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestReuse: an equal manifest never makes a new version, however it was written
// and whatever else was deployed; a different one never takes another's number.
func TestReuse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		contents := rapid.SliceOfNDistinct(objects(), 1, 4, manifest.Digest).Draw(t, "contents")
		for _, m := range contents { // the versions of one name
			m["kind"], m["metadata"] = "ConfigMap", map[string]any{"name": "settings"}
			delete(m, "spec")
		}
		var cluster []gennaker.Manifest
		numbers := map[string]int{}
		for range rapid.IntRange(1, 12).Draw(t, "deployments") {
			m := rapid.SampledFrom(contents).Draw(t, "content")
			text, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			d, err := manifest.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			var n int
			var reused bool
			cluster, n, reused = deploy(t, cluster, d.Manifests[0])
			was, known := numbers[manifest.Digest(m)]
			if known != reused || known && was != n {
				t.Fatalf("version %d, reused %t; it was %d, known %t", n, reused, was, known)
			}
			numbers[manifest.Digest(m)] = n
		}
		if len(cluster) != len(numbers) {
			t.Fatalf("%d objects of %d contents", len(cluster), len(numbers))
		}
	})
}
