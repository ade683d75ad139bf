package providertest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
)

// ManifestHarness is a provider of manifests, and what is needed to use it.
type ManifestHarness struct {
	Provider provider.Provider
	// Namespace is one that only this harness uses. It exists.
	Namespace string
	// Application is a name that only this harness uses.
	Application string
	// Image returns an image for containers, name:tag. Those whose tag begins with
	// GoodTag or OtherTag become ready and run until they are stopped, in a Job
	// too; those of BadTag never become ready.
	Image func(tag string) string
	// Custom is a kind of the cluster that Kubernetes does not have, as in a
	// manifest's apiVersion and kind; "" if there is none.
	CustomAPIVersion, CustomKind string
	// Gateway is the name of a gateway in the namespace that accepts routes; ""
	// if the provider has no Routes.
	Gateway string
	// Conflict changes a field of an object, spec.replicas, as another field
	// manager, which owns it from then on. Nil if the provider knows no others.
	Conflict func(t *testing.T, ref gennaker.ManifestRef, replicas int)
}

// The tags of images.
const (
	GoodTag  = "good"
	OtherTag = "other" // becomes ready too
	BadTag   = "bad"
)

// RunManifests runs the cases of provider.Manifests and provider.Routes, each
// with a harness of its own, in parallel.
func RunManifests(t *testing.T, factory func(t *testing.T) ManifestHarness) {
	t.Helper()
	cases := map[string]func(*cluster){
		"deploy":                   deployManifests,
		"deploy refuses":           deployInvalid,
		"deploy is one for a key":  deployKeys,
		"deploy nothing partly":    deployChecked,
		"versions":                 versions,
		"versions are reused":      versionsReused,
		"old versions":             versionsObsolete,
		"artifacts":                artifacts,
		"artifacts of one deploy":  artifactsCreated,
		"secrets are masked":       secrets,
		"selectors":                selectors,
		"recreate":                 recreate,
		"stable":                   stable,
		"never stable":             neverStable,
		"custom":                   custom,
		"conflicts":                conflicts,
		"find":                     findManifests,
		"patch":                    patch,
		"patch refuses":            patchInvalid,
		"delete":                   deleteManifest,
		"scale":                    scale,
		"undo":                     undo,
		"restart":                  restart,
		"pause":                    pause,
		"rollout refuses":          rolloutInvalid,
		"not found":                manifestNotFound,
		"attach and detach":        attach,
		"attach refuses":           attachInvalid,
		"dark":                     dark,
		"drained":                  drained,
		"output":                   output,
		"watch manifests":          watchManifests,
		"shift":                    shift,
		"shift refuses":            shiftInvalid,
		"a share ends with others": shiftDrains,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(startManifests(t, factory(t)))
		})
	}
}

// cluster is a harness of manifests while it is watched.
type cluster struct {
	*world
	ManifestHarness
}

func startManifests(t *testing.T, h ManifestHarness) *cluster {
	t.Helper()
	w := &world{T: t, Harness: Harness{Provider: h.Provider, Region: h.Namespace, Application: h.Application}, changes: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.Provider.Watch(ctx, func(provider.Change) {
			select {
			case w.changes <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() { cancel(); <-done })
	return &cluster{w, h}
}

// object is open JSON.
type object = map[string]any

// meta returns the metadata of an object.
func (c *cluster) meta(name string) object { return object{"name": name, "namespace": c.Namespace} }

// podSpec runs an image.
func (c *cluster) podSpec(tag string) object {
	return object{"terminationGracePeriodSeconds": 1, "containers": []any{object{"name": "main", "image": c.Image(tag)}}}
}

func (c *cluster) workload(kind, name, tag string, replicas int) gennaker.Manifest {
	return gennaker.Manifest{
		"apiVersion": "apps/v1", "kind": kind, "metadata": c.meta(name),
		"spec": object{
			"replicas": replicas, "selector": object{"matchLabels": object{"app": name}},
			"template": object{"metadata": object{"labels": object{"app": name}}, "spec": c.podSpec(tag)},
		},
	}
}

func (c *cluster) replicaSet(tag string) gennaker.Manifest {
	return c.workload("ReplicaSet", "web", tag, 1)
}

func (c *cluster) service(name string) gennaker.Manifest {
	return gennaker.Manifest{
		"apiVersion": "v1", "kind": "Service", "metadata": c.meta(name),
		"spec": object{"selector": object{"traffic": name}, "ports": []any{object{"name": "http", "port": 80, "targetPort": 8080}}},
	}
}

func (c *cluster) configMap(name, value string) gennaker.Manifest {
	return gennaker.Manifest{"apiVersion": "v1", "kind": "ConfigMap", "metadata": c.meta(name), "data": object{"key": value}}
}

func (c *cluster) manifest(name string) gennaker.ManifestRef {
	kind, name, err := gennaker.ParseManifestName(name)
	c.must(err)
	return gennaker.ManifestRef{Account: c.Provider.Account.Name, Location: c.Namespace, Kind: kind, Name: name}
}

// request is a deployment of manifests.
func (c *cluster) request(ms ...gennaker.Manifest) provider.ManifestDeploy {
	return provider.ManifestDeploy{Application: c.Application, Manifests: ms}
}

func (c *cluster) deploy(d provider.ManifestDeploy) provider.Deployed {
	c.Helper()
	done, err := c.Provider.Deploy(c.Context(), c.key(), d)
	if err != nil {
		c.Fatalf("Deploy: %v (%s)", err, gennaker.HintOf(err))
	}
	return done
}

func (c *cluster) view(name string) gennaker.ManifestView {
	c.Helper()
	v, err := c.Provider.Manifest(c.Context(), c.manifest(name))
	if err != nil {
		c.Fatalf("Manifest: %v", err)
	}
	return v
}

// untilView looks at an object until it fits.
func (c *cluster) untilView(name, what string, fits func(gennaker.ManifestView) bool) (v gennaker.ManifestView) {
	c.Helper()
	c.until(func() string {
		if v = c.view(name); fits(v) {
			return ""
		}
		return fmt.Sprintf("%s should be %s: status %+v, reason %q, serving %+v", name, what, v.Status, v.Reason, v.Serving)
	})
	return v
}

func (c *cluster) untilStable(name string) gennaker.ManifestView {
	c.Helper()
	return c.untilView(name, "stable", func(v gennaker.ManifestView) bool { return v.Status.Stable.State })
}

func (c *cluster) untilServing(name string, services ...string) {
	c.Helper()
	c.untilView(name, fmt.Sprint("behind ", services), func(v gennaker.ManifestView) bool {
		return slices.Equal(slices.Sorted(slices.Values(v.Serving.Services)), slices.Sorted(slices.Values(services)))
	})
}

// names are the kinds and names of what was deployed, in order.
func deployedNames(ms []gennaker.Manifest) []string {
	out := []string{}
	for _, m := range ms {
		out = append(out, fmt.Sprintf("%v %v", m["kind"], within(m, "metadata", "name")))
	}
	return out
}

// within returns a value in an object; nil if there is none.
func within(m map[string]any, path ...string) any {
	var v any = m
	for _, k := range path {
		switch inner := v.(type) {
		case map[string]any:
			v = inner[k]
		case []any:
			if len(inner) == 0 {
				return nil
			}
			v = inner[0]
		default:
			return nil
		}
	}
	return v
}

// container returns a field of the first container of a workload.
func container(m gennaker.Manifest, field string) any {
	return within(m, "spec", "template", "spec", "containers", "0", field)
}

func (c *cluster) equal(what string, want, got any) {
	c.Helper()
	if d := cmp.Diff(want, got); d != "" {
		c.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// deployManifests: the order of kinds, names, annotations, artifacts.
func deployManifests(c *cluster) {
	done := c.deploy(c.request(c.workload("Deployment", "api", GoodTag, 1), c.service("api"), c.configMap("settings", "a")))
	names := deployedNames(done.Manifests)
	c.equal("what was deployed, in order", []string{"ConfigMap settings-v000", "Service api", "Deployment api"}, names)
	c.equal("warnings", 0, len(done.Warnings))
	v := c.untilStable("deployment api")
	notes, _ := within(v.Manifest, "metadata", "annotations").(map[string]any)
	want := map[string]any{
		"moniker.spinnaker.io/application": c.Application, "moniker.spinnaker.io/cluster": "deployment api",
		"artifact.spinnaker.io/type": "kubernetes/deployment", "artifact.spinnaker.io/name": "api",
	}
	for k := range maps.Keys(want) {
		c.equal(k, want[k], notes[k])
	}
	c.equal("application", c.Application, v.Moniker.App)
	c.equal("cluster", "deployment api", v.Moniker.Cluster)
	c.equal("label", c.Application, within(v.Manifest, "metadata", "labels", "app.kubernetes.io/name"))
	i := slices.IndexFunc(done.Created, func(a gennaker.Artifact) bool { return a.Type == "kubernetes/configMap" })
	if i < 0 {
		c.Fatalf("there is no artifact of the config map: %+v", done.Created)
	}
	a := done.Created[i]
	c.equal("artifact", []string{"settings", "v000", "settings-v000", c.Namespace}, []string{a.Name, a.Version, a.Reference, a.Location})
	c.equal("artifact's account", any(c.Provider.Account.Name), a.Metadata["account"])
}

func deployInvalid(c *cluster) {
	long := strings.Repeat("n", 300)
	for what, m := range map[string]gennaker.Manifest{
		"no kind":      {"apiVersion": "v1", "metadata": c.meta("x")},
		"no name":      {"apiVersion": "v1", "kind": "ConfigMap", "metadata": object{"namespace": c.Namespace}},
		"unknown kind": {"apiVersion": "nobody.example/v1", "kind": "Nobody", "metadata": c.meta("x")},
		"long name":    c.configMap(long, "x"),
	} {
		_, err := c.Provider.Deploy(c.Context(), c.key(), c.request(m))
		c.wantKind(what, err, gennaker.Invalid)
	}
	_, err := c.Provider.Deploy(c.Context(), c.key(), c.request(c.service("a"), c.service("a")))
	c.wantKind("one object twice", err, gennaker.Invalid)
	_, err = c.Provider.Deploy(c.Context(), "", c.request(c.service("a")))
	c.wantKind("no key", err, gennaker.Invalid)
	d := c.request(c.replicaSet(GoodTag))
	d.Services = []string{"service nobody"}
	_, err = c.Provider.Deploy(c.Context(), c.key(), d)
	c.wantKind("no such service", err, gennaker.Invalid)
}

// deployKeys: a key is one deployment, however often it is asked for.
func deployKeys(c *cluster) {
	key, d := c.key(), c.request(c.replicaSet(GoodTag))
	first, err := c.Provider.Deploy(c.Context(), key, d)
	c.must(err)
	again, err := c.Provider.Deploy(c.Context(), key, d)
	c.must(err)
	c.equal("the answer of a key that was done", deployedNames(first.Manifests), deployedNames(again.Manifests))
	c.equal("artifacts of a key that was done", first.Created, again.Created)
	other, err := c.Provider.Deploy(c.Context(), c.key(), c.request(c.replicaSet(OtherTag)))
	c.must(err)
	c.equal("another key and another image", []string{"ReplicaSet web-v001"}, deployedNames(other.Manifests))
	again, err = c.Provider.Deploy(c.Context(), key, d)
	c.must(err)
	c.equal("the first key after the second", []string{"ReplicaSet web-v000"}, deployedNames(again.Manifests))
	c.equal("there are as many", 2, len(c.found("replicaSet")))
}

// found are the names of the objects of a kind, oldest first.
func (c *cluster) found(kinds ...string) []string {
	c.Helper()
	all, err := c.Provider.FindManifests(c.Context(), provider.ManifestQuery{Location: c.Namespace, Kinds: kinds, Application: c.Application})
	c.must(err)
	out := []string{}
	for _, m := range all {
		if within(m, "metadata", "annotations", "moniker.spinnaker.io/application") == c.Application {
			out = append(out, fmt.Sprint(within(m, "metadata", "name")))
		}
	}
	return out
}

// deployChecked: if a manifest cannot be, nothing is changed.
func deployChecked(c *cluster) {
	_, err := c.Provider.Deploy(c.Context(), c.key(), c.request(
		c.configMap("settings", "a"), gennaker.Manifest{"apiVersion": "nobody.example/v1", "kind": "Nobody", "metadata": c.meta("x")}))
	c.wantKind("an unknown kind among others", err, gennaker.Invalid)
	c.equal("what is there", []string{}, c.found("configMap"))
}
