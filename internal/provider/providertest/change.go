package providertest

import (
	"context"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
)

func findManifests(c *cluster) {
	c.deploy(c.request(c.replicaSet(GoodTag), c.configMap("settings", "a")))
	c.deploy(c.request(c.replicaSet(OtherTag)))
	q := provider.ManifestQuery{Location: c.Namespace, Kinds: []string{"replicaSet"}, Application: c.Application, Cluster: "replicaSet web"}
	all, err := c.Provider.FindManifests(c.Context(), q)
	c.must(err)
	c.equal("the cluster, oldest first", []string{"ReplicaSet web-v000", "ReplicaSet web-v001"}, deployedNames(all))
	q.Cluster = "replicaSet nobody"
	all, err = c.Provider.FindManifests(c.Context(), q)
	c.must(err)
	c.equal("another cluster", []string{}, deployedNames(all))
	q = provider.ManifestQuery{
		Location: c.Namespace, Kinds: []string{"configMap", "replicaSet"},
		Selectors: []provider.LabelSelector{{Key: "app.kubernetes.io/name", Kind: "EQUALS", Values: []string{c.Application}}},
	}
	all, err = c.Provider.FindManifests(c.Context(), q)
	c.must(err)
	c.equal("by label", 3, len(all))
}

func patch(c *cluster) {
	c.deploy(c.request(c.workload("Deployment", "api", GoodTag, 1)))
	ref := c.manifest("deployment api")
	apply := func(key, strategy, body string) gennaker.Manifest {
		m, err := c.Provider.PatchManifest(c.Context(), key, ref, provider.ManifestPatch{Strategy: strategy, Body: []byte(body)})
		c.must(err)
		return m
	}
	key := c.key()
	body := `{"spec":{"template":{"spec":{"containers":[{"name":"main","env":[{"name":"A","value":"b"}]}]}}}}`
	m := apply(key, "strategic", body)
	c.equal("a strategic patch keeps the image", any(c.Image(GoodTag)), container(m, "image"))
	c.equal("and sets the variable", any("b"), within(m, "spec", "template", "spec", "containers", "0", "env", "0", "value"))
	apply(key, "strategic", body)
	m = apply(c.key(), "merge", `{"metadata":{"labels":{"tier":"front"}}}`)
	c.equal("merge", any("front"), within(m, "metadata", "labels", "tier"))
	m = apply(c.key(), "json", `[{"op":"replace","path":"/spec/replicas","value":2}]`)
	c.equal("json", float64(2), number(within(m, "spec", "replicas")))
	repository, tag, _ := strings.Cut(c.Image(OtherTag), ":")
	m, err := c.Provider.PatchManifest(c.Context(), c.key(), ref, provider.ManifestPatch{
		Strategy: "strategic", Body: []byte(`{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"` + repository + `"}]}}}}`),
		Required: []gennaker.Artifact{{Type: "docker/image", Name: repository, Version: tag, Reference: c.Image(OtherTag)}},
	})
	c.must(err)
	c.equal("an artifact is bound in the patch", any(c.Image(OtherTag)), container(m, "image"))
}

func patchInvalid(c *cluster) {
	c.deploy(c.request(c.workload("Deployment", "api", GoodTag, 1)))
	for what, p := range map[string]provider.ManifestPatch{
		"no JSON":          {Strategy: "merge", Body: []byte("{")},
		"unknown strategy": {Strategy: "magic", Body: []byte("{}")},
		"no operations":    {Strategy: "json", Body: []byte(`{"a":1}`)},
		"no such path":     {Strategy: "json", Body: []byte(`[{"op":"remove","path":"/spec/nobody"}]`)},
	} {
		_, err := c.Provider.PatchManifest(c.Context(), c.key(), c.manifest("deployment api"), p)
		c.wantKind(what, err, gennaker.Invalid)
	}
}

func deleteManifest(c *cluster) {
	c.deploy(c.request(c.configMap("settings", "a")))
	ref, key := c.manifest("configMap settings-v000"), c.key()
	c.must(c.Provider.DeleteManifest(c.Context(), key, ref, provider.ManifestDelete{}))
	c.until(func() string {
		if _, err := c.Provider.Manifest(c.Context(), ref); gennaker.KindOf(err) == gennaker.NotFound && err != nil {
			return ""
		}
		return "the config map should be gone"
	})
	c.must(c.Provider.DeleteManifest(c.Context(), key, ref, provider.ManifestDelete{}))
	c.must(c.Provider.DeleteManifest(c.Context(), c.key(), ref, provider.ManifestDelete{}))
}

func scale(c *cluster) {
	c.deploy(c.request(c.workload("Deployment", "api", GoodTag, 1)))
	c.untilStable("deployment api")
	key, ref := c.key(), c.manifest("deployment api")
	three, one := 3, 1
	c.must(c.Provider.Rollout(c.Context(), key, ref, provider.Rollout{Scale: &three}))
	v := c.untilStable("deployment api")
	c.equal("replicas", float64(3), number(within(v.Manifest, "spec", "replicas")))
	c.must(c.Provider.Rollout(c.Context(), c.key(), ref, provider.Rollout{Scale: &one}))
	c.must(c.Provider.Rollout(c.Context(), key, ref, provider.Rollout{Scale: &three}))
	c.equal("a key that was done changes nothing", float64(1), number(within(c.view("deployment api").Manifest, "spec", "replicas")))
}

func undo(c *cluster) {
	ref := c.manifest("deployment api")
	for _, tag := range []string{GoodTag, OtherTag, GoodTag + "2"} {
		c.deploy(c.request(c.workload("Deployment", "api", tag, 1)))
		c.untilStable("deployment api")
	}
	key := c.key()
	c.must(c.Provider.Rollout(c.Context(), key, ref, provider.Rollout{Undo: 1}))
	c.equal("one back", any(c.Image(OtherTag)), container(c.untilStable("deployment api").Manifest, "image"))
	c.must(c.Provider.Rollout(c.Context(), key, ref, provider.Rollout{Undo: 1}))
	c.equal("the same key again", any(c.Image(OtherTag)), container(c.untilStable("deployment api").Manifest, "image"))
	c.must(c.Provider.Rollout(c.Context(), c.key(), ref, provider.Rollout{To: 1}))
	c.equal("to the first", any(c.Image(GoodTag)), container(c.untilStable("deployment api").Manifest, "image"))
	c.wantKind("too far back", c.Provider.Rollout(c.Context(), c.key(), ref, provider.Rollout{Undo: 9}), gennaker.Invalid)
	c.wantKind("no such revision", c.Provider.Rollout(c.Context(), c.key(), ref, provider.Rollout{To: 99}), gennaker.Invalid)
}

func restart(c *cluster) {
	c.deploy(c.request(c.workload("Deployment", "api", GoodTag, 1)))
	c.untilStable("deployment api")
	c.must(c.Provider.Rollout(c.Context(), c.key(), c.manifest("deployment api"), provider.Rollout{Restart: true}))
	v := c.untilStable("deployment api")
	notes, _ := within(v.Manifest, "spec", "template", "metadata", "annotations").(map[string]any)
	if notes["kubectl.kubernetes.io/restartedAt"] == nil {
		c.Errorf("the pods were not told to restart: %v", notes)
	}
}

func pause(c *cluster) {
	c.deploy(c.request(c.workload("Deployment", "api", GoodTag, 1)))
	ref := c.manifest("deployment api")
	c.untilStable("deployment api")
	c.must(c.Provider.Rollout(c.Context(), c.key(), ref, provider.Rollout{Pause: true}))
	c.equal("paused", any(true), within(c.view("deployment api").Manifest, "spec", "paused"))
	c.must(c.Provider.Rollout(c.Context(), c.key(), ref, provider.Rollout{Resume: true}))
	if v := within(c.view("deployment api").Manifest, "spec", "paused"); v != nil && v != any(false) {
		c.Errorf("it is still paused: %v", v)
	}
}

func rolloutInvalid(c *cluster) {
	c.deploy(c.request(c.configMap("settings", "a")))
	n := 2
	for what, r := range map[string]provider.Rollout{
		"scale": {Scale: &n}, "undo": {Undo: 1}, "restart": {Restart: true}, "pause": {Pause: true}, "resume": {Resume: true},
	} {
		c.wantKind(what+" of a config map", c.Provider.Rollout(c.Context(), c.key(), c.manifest("configMap settings-v000"), r), gennaker.Invalid)
	}
}

func manifestNotFound(c *cluster) {
	ref, n := c.manifest("deployment nobody"), 1
	ctx := c.Context()
	p := c.Provider
	_, err := p.Manifest(ctx, ref)
	c.wantKind("Manifest", err, gennaker.NotFound)
	_, err = p.Manifest(ctx, c.manifest("nonsense nobody"))
	c.wantKind("Manifest of a kind that is not there", err, gennaker.Invalid)
	_, err = p.PatchManifest(ctx, c.key(), ref, provider.ManifestPatch{Strategy: "merge", Body: []byte("{}")})
	c.wantKind("PatchManifest", err, gennaker.NotFound)
	c.wantKind("Rollout", p.Rollout(ctx, c.key(), ref, provider.Rollout{Scale: &n}), gennaker.NotFound)
	c.wantKind("Attach", p.Attach(ctx, c.key(), ref, []string{"service web"}, true), gennaker.NotFound)
	_, err = p.Output(ctx, ref, "", 10)
	c.wantKind("Output", err, gennaker.NotFound)
	c.must(p.DeleteManifest(ctx, c.key(), ref, provider.ManifestDelete{}))
}

// watchManifests: each change is reported, with its application.
func watchManifests(c *cluster) {
	seen := make(chan string, 1)
	ctx, cancel := context.WithTimeout(c.Context(), deadline)
	defer cancel()
	begun := make(chan struct{})
	go c.Provider.Watch(ctx, func(change provider.Change) {
		if change.Application == "" {
			select {
			case <-begun:
			default:
				close(begun)
			}
		}
		if change.Application == c.Application {
			select {
			case seen <- change.Application:
			default:
			}
		}
	})
	<-begun
	c.deploy(c.request(c.replicaSet(GoodTag)))
	select {
	case <-seen:
	case <-ctx.Done():
		c.Error("nobody was told of the deployment")
	}
}
