package providertest

import (
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
)

func versions(c *cluster) {
	for i, tag := range []string{GoodTag, OtherTag, GoodTag + "2"} {
		done := c.deploy(c.request(c.replicaSet(tag)))
		c.equal("version", []string{[]string{"ReplicaSet web-v000", "ReplicaSet web-v001", "ReplicaSet web-v002"}[i]}, deployedNames(done.Manifests))
	}
	v := c.view("replicaSet web-v001")
	c.equal("cluster", "replicaSet web", v.Moniker.Cluster)
	if v.Moniker.Sequence == nil || *v.Moniker.Sequence != 1 {
		c.Errorf("the sequence of web-v001 is %v", v.Moniker.Sequence)
	}
	c.equal("labels of the pods", any("1"), within(v.Manifest, "spec", "template", "metadata", "labels", "moniker.spinnaker.io/sequence"))
	no := false
	d := c.request(c.configMap("plain", "a"))
	d.Versioned = &no
	c.equal("not versioned by the stage", []string{"ConfigMap plain"}, deployedNames(c.deploy(d).Manifests))
	m := c.configMap("noted", "a")
	m["metadata"] = object{"name": "noted", "namespace": c.Namespace, "annotations": object{"strategy.spinnaker.io/versioned": "false"}}
	c.equal("not versioned by its annotation", []string{"ConfigMap noted"}, deployedNames(c.deploy(c.request(m)).Manifests))
}

// versionsReused: what did not change makes no new version.
func versionsReused(c *cluster) {
	for _, tt := range []struct{ value, want string }{{"a", "ConfigMap settings-v000"}, {"a", "ConfigMap settings-v000"}, {"b", "ConfigMap settings-v001"}, {"a", "ConfigMap settings-v000"}} {
		done := c.deploy(c.request(c.configMap("settings", tt.value)))
		c.equal("version of "+tt.value, []string{tt.want}, deployedNames(done.Manifests))
	}
}

// versionsObsolete: which versions are too many is said, and they stay.
func versionsObsolete(c *cluster) {
	var done provider.Deployed
	for _, value := range []string{"a", "b", "c"} {
		m := c.configMap("settings", value)
		m["metadata"] = object{"name": "settings", "namespace": c.Namespace, "annotations": object{"strategy.spinnaker.io/max-version-history": "2"}}
		done = c.deploy(c.request(m))
	}
	if len(done.Obsolete) != 1 || done.Obsolete[0].Name != "settings-v000" {
		c.Fatalf("obsolete are %v, want settings-v000", done.Obsolete)
	}
	c.equal("what is there", 3, len(c.found("configMap")))
}

// artifacts: images are bound, and what must be bound is.
func artifacts(c *cluster) {
	repository, tag, _ := strings.Cut(c.Image(OtherTag), ":")
	a := gennaker.Artifact{Type: "docker/image", Name: repository, Version: tag, Reference: c.Image(OtherTag)}
	d := c.request(c.replicaSet(GoodTag))
	d.Optional = []gennaker.Artifact{a}
	done := c.deploy(d)
	c.equal("image", any(c.Image(OtherTag)), container(done.Manifests[0], "image"))
	c.equal("bound", 1, len(done.Bound))
	d.Unbound = true
	c.equal("image without binding", any(c.Image(GoodTag)), container(c.deploy(d).Manifests[0], "image"))
	d = c.request(c.replicaSet(GoodTag))
	d.Required = []gennaker.Artifact{{Type: "docker/image", Name: "example.com/nobody", Reference: "example.com/nobody:1"}}
	_, err := c.Provider.Deploy(c.Context(), c.key(), d)
	c.wantKind("an artifact that must be bound and is not", err, gennaker.Invalid)
	v := c.view("replicaSet web-v000")
	if len(v.Artifacts) != 1 || v.Artifacts[0].Reference != c.Image(OtherTag) {
		c.Errorf("the artifacts of the object are %+v", v.Artifacts)
	}
}

// artifactsCreated: a workload gets the version of a config map that the same
// deployment makes.
func artifactsCreated(c *cluster) {
	m := c.replicaSet(GoodTag)
	spec := c.podSpec(GoodTag)
	spec["containers"] = []any{object{
		"name": "main", "image": c.Image(GoodTag), "envFrom": []any{object{"configMapRef": object{"name": "settings"}}},
	}}
	m["spec"] = object{
		"replicas": 1, "selector": object{"matchLabels": object{"app": "web"}},
		"template": object{"metadata": object{"labels": object{"app": "web"}}, "spec": spec},
	}
	done := c.deploy(c.request(m, c.configMap("settings", "a")))
	c.equal("what was deployed", []string{"ConfigMap settings-v000", "ReplicaSet web-v000"}, deployedNames(done.Manifests))
	c.equal("the reference", any("settings-v000"), within(done.Manifests[1], "spec", "template", "spec", "containers", "0", "envFrom", "0", "configMapRef", "name"))
}

// secrets: no value of a Secret leaves the provider.
func secrets(c *cluster) {
	const value = "aHVzaC1odXNo"
	m := gennaker.Manifest{"apiVersion": "v1", "kind": "Secret", "metadata": c.meta("key"), "data": object{"password": value}}
	done := c.deploy(c.request(m))
	c.equal("deployed", any("****"), within(done.Manifests[0], "data", "password"))
	c.equal("seen", any("****"), within(c.view("secret key-v000").Manifest, "data", "password"))
	all, err := c.Provider.FindManifests(c.Context(), provider.ManifestQuery{Location: c.Namespace, Kinds: []string{"secret"}})
	c.must(err)
	for _, m := range all {
		if v := within(m, "data", "password"); v == any(value) {
			c.Errorf("FindManifests shows the data of %v", within(m, "metadata", "name"))
		}
	}
	c.equal("the same again is the same version", []string{"Secret key-v000"}, deployedNames(c.deploy(c.request(m)).Manifests))
}

func selectors(c *cluster) {
	labelled := func(name, tier string) gennaker.Manifest {
		m := c.configMap(name, "a")
		m["metadata"] = object{"name": name, "namespace": c.Namespace, "labels": object{"tier": tier}}
		return m
	}
	d := c.request(labelled("a", "front"), labelled("b", "back"))
	d.Selectors = []provider.LabelSelector{{Key: "tier", Kind: "EQUALS", Values: []string{"back"}}}
	c.equal("selected", []string{"ConfigMap b-v000"}, deployedNames(c.deploy(d).Manifests))
	d.Selectors[0].Values = []string{"nobody"}
	c.equal("none is selected", []string{}, deployedNames(c.deploy(d).Manifests))
}

func recreate(c *cluster) {
	c.deploy(c.request(c.workload("Deployment", "api", GoodTag, 1)))
	before := c.untilStable("deployment api")
	d := c.request(c.workload("Deployment", "api", GoodTag, 1))
	d.Recreate = true
	c.deploy(d)
	after := c.untilStable("deployment api")
	if a, b := within(before.Manifest, "metadata", "uid"), within(after.Manifest, "metadata", "uid"); a == b {
		c.Errorf("it is the same object as before: %v", a)
	}
}

func stable(c *cluster) {
	c.deploy(c.request(c.replicaSet(GoodTag), c.workload("Deployment", "api", GoodTag, 2), c.configMap("settings", "a")))
	for _, name := range []string{"replicaSet web-v000", "deployment api", "configMap settings-v000"} {
		v := c.untilStable(name)
		c.equal("reason of "+name, "", v.Reason)
		c.equal("failed "+name, false, v.Status.Failed.State)
	}
	v := c.view("deployment api")
	c.equal("name", "deployment api", v.Name)
	c.equal("location", c.Namespace, v.Location)
}

// neverStable: it says why.
func neverStable(c *cluster) {
	c.deploy(c.request(c.replicaSet(BadTag)))
	v := c.untilView("replicaSet web-v000", "unstable with a reason", func(v gennaker.ManifestView) bool {
		return !v.Status.Stable.State && v.Reason != ""
	})
	if strings.Contains(v.Reason, "\n") {
		c.Errorf("the reason has several lines: %q", v.Reason)
	}
}

func custom(c *cluster) {
	if c.CustomKind == "" {
		return
	}
	c.deploy(c.request(gennaker.Manifest{"apiVersion": c.CustomAPIVersion, "kind": c.CustomKind, "metadata": c.meta("thing"), "spec": object{"size": 1}}))
	group, _, _ := strings.Cut(c.CustomAPIVersion, "/")
	v := c.view(c.CustomKind + "." + group + " thing")
	c.equal("spec", float64(1), number(within(v.Manifest, "spec", "size")))
}

func number(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return -1
}

// conflicts: a field that another manager owns is not taken.
func conflicts(c *cluster) {
	if c.Conflict == nil {
		return
	}
	m := c.workload("Deployment", "api", GoodTag, 1)
	m["metadata"] = object{"name": "api", "namespace": c.Namespace, "annotations": object{"strategy.spinnaker.io/server-side-apply": "true"}}
	c.deploy(c.request(m))
	c.Conflict(c.T, c.manifest("deployment api"), 3)
	m = c.workload("Deployment", "api", GoodTag, 2)
	m["metadata"] = object{"name": "api", "namespace": c.Namespace, "annotations": object{"strategy.spinnaker.io/server-side-apply": "true"}}
	_, err := c.Provider.Deploy(c.Context(), c.key(), c.request(m))
	c.wantKind("a field of another manager", err, gennaker.Conflict)
	if err != nil && !strings.Contains(err.Error(), "replicas") {
		c.Errorf("the error does not name the field: %v", err)
	}
	m["metadata"] = object{"name": "api", "namespace": c.Namespace, "annotations": object{"strategy.spinnaker.io/server-side-apply": "force-conflicts"}}
	c.deploy(c.request(m))
	c.equal("replicas", float64(2), number(within(c.view("deployment api").Manifest, "spec", "replicas")))
}
