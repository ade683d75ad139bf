package simulate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/fake"
	"github.com/gennaker/gennaker/internal/stage"
)

// deploy makes the object.
func (o Object) deploy(p *fake.Provider, key string) error {
	_, err := p.Deploy(context.Background(), key, provider.ManifestDeploy{
		Application: cmp.Or(o.Application, "app"), Manifests: []gennaker.Manifest{o.Manifest}, Services: o.Services,
	})
	return err
}

// behaves: what a world calls unhealthy never is ready, but for what is there at
// the beginning.
func (s *Simulation) behaves(m gennaker.Manifest) fake.ManifestScript {
	meta, _ := m["metadata"].(map[string]any)
	notes, _ := meta["annotations"].(map[string]any)
	cluster, _ := notes["moniker.spinnaker.io/cluster"].(string)
	if s.begun && cluster != "" && slices.Contains(s.world.Unhealthy, cluster) {
		return fake.ManifestScript{Ready: fake.Never(), Fails: failure(m), Reason: "its pods are told never to be ready"}
	}
	return fake.ManifestScript{}
}

// failure is why a kind fails that can: others are waited for.
func failure(m gennaker.Manifest) string {
	if m["kind"] == "Job" {
		return "its pods are told to fail"
	}
	return ""
}

// unfetched returns a definition whose stages are assumed to succeed if they
// take their manifests from an artifact, which nobody fetches here.
func unfetched(d stage.Definition) stage.Definition {
	if !slices.Contains([]string{"deployManifest", "patchManifest", "runJobManifest"}, d.Type) {
		return d
	}
	return stage.Choose(d, assumed(d), func(c map[string]any) bool {
		return strings.EqualFold(fmt.Sprint(c["source"]), "artifact") || c["manifests"] == nil && c["manifest"] == nil && c["patchBody"] == nil
	})
}

// supplyObjects makes the objects that a stage expects to be there.
func (s *Simulation) supplyObjects(account string, m map[string]any) error {
	p := s.clusters[account]
	location, _ := m["location"].(string)
	if p == nil {
		return nil
	}
	add := func(location, name string) error {
		kind, name, err := gennaker.ParseManifestName(name)
		if err != nil || stage.HasExpression(name+kind+location) {
			return nil //nolint:nilerr // a name that is none is the stage's to refuse
		}
		ref := gennaker.ManifestRef{Account: account, Location: location, Kind: kind, Name: name}
		if _, err := p.Manifest(context.Background(), ref); err == nil || gennaker.KindOf(err) != gennaker.NotFound {
			return nil //nolint:nilerr // a kind that is none is the stage's to refuse
		}
		application, _ := m["app"].(string)
		return Object{Application: application, Manifest: sample(kind, location, name)}.deploy(p, "supplied/"+ref.String())
	}
	if management, _ := m["trafficManagement"].(map[string]any); management["enabled"] == true {
		options, _ := management["options"].(map[string]any)
		namespace, _ := options["namespace"].(string)
		override, _ := m["namespaceOverride"].(string)
		namespace = cmp.Or(override, namespace, "default")
		services, _ := options["services"].([]any)
		for _, v := range append(slices.Clone(services), options["route"]) {
			if name, ok := v.(string); ok {
				if err := add(namespace, name); err != nil {
					return err
				}
			}
		}
	}
	if name, ok := m["manifestName"].(string); ok && m["mode"] != "dynamic" && m["mode"] != "label" {
		return add(location, name)
	}
	cluster, _ := m["cluster"].(string)
	if m["mode"] != "dynamic" || cluster == "" {
		return nil
	}
	kind, _ := m["kind"].(string)
	application, _ := m["app"].(string)
	found, err := p.FindManifests(context.Background(), provider.ManifestQuery{
		Location: location, Kinds: []string{kind}, Application: application, Cluster: cluster,
	})
	if err != nil || len(found) > 0 {
		return err
	}
	for _, version := range []string{"-v000", "-v001"} {
		if err := add(location, cluster+version); err != nil {
			return err
		}
	}
	return nil
}

// sample is an object of a kind that can be deployed. A number behind its name is
// that of a version.
func sample(kind, location, name string) map[string]any {
	base := name
	if i := len(name) - len("-v000"); i > 0 && name[i:i+2] == "-v" {
		base = name[:i]
	}
	full := strings.ToUpper(kind[:1]) + kind[1:]
	meta := map[string]any{"name": name, "namespace": location}
	if base != name {
		meta["annotations"] = map[string]any{
			"strategy.spinnaker.io/versioned": "false", "moniker.spinnaker.io/cluster": strings.ToLower(kind[:1]) + kind[1:] + " " + base,
		}
	}
	labels := map[string]any{"app": base}
	spec := map[string]any{
		"replicas": 1, "selector": map[string]any{"matchLabels": labels},
		"template": map[string]any{
			"metadata": map[string]any{"labels": labels},
			"spec":     map[string]any{"containers": []any{map[string]any{"name": "main", "image": "assumed"}}},
		},
	}
	switch strings.ToLower(kind) {
	case "service":
		spec = map[string]any{"selector": map[string]any{"traffic": name}, "ports": []any{map[string]any{"port": 80}}}
	case "httproute":
		spec, full = map[string]any{}, "HTTPRoute"
	}
	return map[string]any{"apiVersion": "v1", "kind": full, "metadata": meta, "spec": spec}
}

type watchedObjects struct {
	provider.Manifests
	moves *moves
}

// Deploy implements provider.Manifests.
func (w watchedObjects) Deploy(ctx context.Context, key string, d provider.ManifestDeploy) (provider.Deployed, error) {
	done, err := w.Manifests.Deploy(ctx, key, d)
	var names []string
	for _, a := range done.Created {
		names = append(names, strings.TrimPrefix(a.Type, "kubernetes/")+" "+a.Reference)
	}
	w.moves.note(key, err, "deploy %s", strings.Join(names, ", "))
	return done, err
}

// PatchManifest implements provider.Manifests.
func (w watchedObjects) PatchManifest(ctx context.Context, key string, ref gennaker.ManifestRef, p provider.ManifestPatch) (gennaker.Manifest, error) {
	m, err := w.Manifests.PatchManifest(ctx, key, ref, p)
	w.moves.note(key, err, "patch %s", ref.ManifestName())
	return m, err
}

// DeleteManifest implements provider.Manifests.
func (w watchedObjects) DeleteManifest(ctx context.Context, key string, ref gennaker.ManifestRef, how provider.ManifestDelete) error {
	err := w.Manifests.DeleteManifest(ctx, key, ref, how)
	w.moves.note(key, err, "delete %s", ref.ManifestName())
	return err
}

// Rollout implements provider.Manifests.
func (w watchedObjects) Rollout(ctx context.Context, key string, ref gennaker.ManifestRef, c provider.Rollout) error {
	err := w.Manifests.Rollout(ctx, key, ref, c)
	what := "undo the rollout of " + ref.ManifestName()
	switch {
	case c.Scale != nil:
		what = fmt.Sprintf("scale %s to %d", ref.ManifestName(), *c.Scale)
	case c.Restart:
		what = "restart " + ref.ManifestName()
	case c.Pause:
		what = "pause " + ref.ManifestName()
	case c.Resume:
		what = "resume " + ref.ManifestName()
	}
	w.moves.note(key, err, "%s", what)
	return err
}

// Attach implements provider.Manifests.
func (w watchedObjects) Attach(ctx context.Context, key string, ref gennaker.ManifestRef, services []string, on bool) error {
	err := w.Manifests.Attach(ctx, key, ref, services, on)
	verb := "enable"
	if !on {
		verb = "disable"
	}
	w.moves.note(key, err, "%s %s", verb, ref.ManifestName())
	return err
}

type watchedRoutes struct {
	provider.Routes
	moves *moves
}

// Shift implements provider.Routes.
func (w watchedRoutes) Shift(ctx context.Context, key string, route gennaker.ManifestRef, base string, shares []provider.Share) error {
	err := w.Routes.Shift(ctx, key, route, base, shares)
	words := make([]string, len(shares))
	for i, s := range shares {
		words[i] = fmt.Sprintf("%d %% to %s", s.Weight, s.Workload)
	}
	w.moves.note(key, err, "send %s", strings.Join(words, ", "))
	return err
}
