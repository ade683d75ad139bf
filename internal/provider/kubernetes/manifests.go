package kubernetes

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/cluster"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// FindManifests implements [provider.Manifests].
func (p *Provider) FindManifests(ctx context.Context, q provider.ManifestQuery) ([]gennaker.Manifest, error) {
	chosen, err := selection(q.Selectors)
	if err != nil {
		return nil, err
	}
	var places []cluster.Ref
	for _, name := range q.Kinds {
		kind, err := p.cluster.Kind(ctx, name)
		if err != nil {
			return nil, err
		}
		r := cluster.Ref{Kind: kind}
		if kind.Namespaced {
			r.Namespace = cmp.Or(q.Location, "default")
		}
		if err := p.allowed(r.Namespace); err != nil {
			return nil, err
		}
		if !slices.Contains(places, r) {
			places = append(places, r)
		}
	}
	lists := make([][]unstructured.Unstructured, len(places))
	indices := make([]int, len(places))
	for i := range places {
		indices[i] = i
	}
	if err := parallel(ctx, indices, func(ctx context.Context, i int) (err error) {
		lists[i], err = p.cluster.List(ctx, places[i], chosen.String())
		return err
	}); err != nil {
		return nil, err
	}
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, oldestFirst)
	out := []gennaker.Manifest{}
	for _, o := range all {
		if q.Cluster == "" || manifest.InCluster(o.Object, q.Application, q.Cluster) {
			out = append(out, manifest.Mask(o.Object))
		}
	}
	return out, nil
}

// PatchManifest implements [provider.Manifests].
func (p *Provider) PatchManifest(ctx context.Context, key string, ref gennaker.ManifestRef, patch provider.ManifestPatch) (gennaker.Manifest, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	strategy := cmp.Or(strings.ToLower(patch.Strategy), "strategic")
	if _, ok := patchTypes[strategy]; !ok {
		return nil, gennaker.Errorf(gennaker.Invalid, "there is no patch strategy %q", patch.Strategy).WithHint("use strategic, merge or json")
	}
	if len(patch.Body) > manifest.MaxBytes {
		return nil, gennaker.Errorf(gennaker.TooLarge, "the patch has more than %d bytes", manifest.MaxBytes)
	}
	r, err := p.resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	var warned cluster.Warnings
	live, err := p.change(cluster.WithWarnings(ctx, &warned), key, r, func(*unstructured.Unstructured) (manifest.Patch, error) {
		return p.bindPatch(r, manifest.Patch{Strategy: strategy, Body: patch.Body}, patch)
	})
	if err != nil {
		if strategy == "json" && gennaker.KindOf(err) == gennaker.Invalid {
			err = p.misfit(ctx, r, patch.Body, err)
		}
		return nil, maskPatch(err, r, patch.Body)
	}
	return manifest.Mask(live.Object), nil
}

// misfit names the operation of a JSON patch that does not fit the object: the
// API server only says that one does not.
func (p *Provider) misfit(ctx context.Context, r cluster.Ref, body []byte, err error) error {
	var ops []struct{ Op, Path string }
	live, readErr := p.cluster.Get(ctx, r)
	if readErr != nil || json.Unmarshal(body, &ops) != nil {
		return err
	}
	var before []string
	for i, op := range ops {
		made := slices.ContainsFunc(before, func(path string) bool { return strings.HasPrefix(op.Path+"/", path+"/") })
		if op.Op != "add" && !made && !points(live.Object, op.Path) {
			return gennaker.Errorf(gennaker.Invalid, "operation %d of the patch is to %s %s, which %s does not have", i, op.Op, op.Path, r).
				WithHint("the path of an operation must exist, but for the last part of an add; a slash in a name is written ~1")
		}
		before = append(before, op.Path)
	}
	return fmt.Errorf("an operation of the patch does not fit the object as it is, or a test of it does not hold: %w", err)
}

// points reports whether there is something at a JSON pointer (RFC 6901).
func points(v any, pointer string) bool {
	if pointer == "" {
		return true
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	if rest != "" {
		rest = "/" + rest
	}
	first = strings.NewReplacer("~1", "/", "~0", "~").Replace(first)
	switch v := v.(type) {
	case map[string]any:
		inner, ok := v[first]
		return ok && points(inner, rest)
	case []any:
		n, err := strconv.Atoi(first)
		return err == nil && n >= 0 && n < len(v) && points(v[n], rest)
	}
	return false
}

// bindPatch puts artifacts in the places of a patch that name them; the
// operations of a JSON patch have none.
//
// Errors: Invalid for a required artifact that is nowhere.
func (p *Provider) bindPatch(r cluster.Ref, patch manifest.Patch, from provider.ManifestPatch) (manifest.Patch, error) {
	if patch.Strategy == "json" || len(from.Required)+len(from.Optional) == 0 {
		return patch, nil
	}
	var body gennaker.Manifest
	if err := json.Unmarshal(patch.Body, &body); err != nil {
		return patch, gennaker.Errorf(gennaker.Invalid, "the patch is no object: %w", err)
	}
	whole := manifest.SetNamespace(body, r.Namespace) // binding asks for kind and namespace
	whole["apiVersion"], whole["kind"] = r.Kind.GroupVersion().String(), r.Kind.Kind
	bound, used := manifest.Binding{Account: p.account.Name}.Bind(whole, manifest.Candidates(from.Required, from.Optional, nil))
	if err := manifest.CheckBound(from.Required, used); err != nil {
		return patch, err //nolint:wrapcheck // it says what is missing
	}
	return encode(patch.Strategy, bound)
}

// maskPatch takes the data of a Secret out of an error about its patch.
func maskPatch(err error, r cluster.Ref, body []byte) error {
	var patch any
	if r.Kind.Kind != "Secret" || json.Unmarshal(body, &patch) != nil {
		return err
	}
	var written []any
	switch v := patch.(type) {
	case map[string]any:
		written = []any{v["data"], v["stringData"]}
	case []any: // operations
		for _, op := range v {
			if op, ok := op.(map[string]any); ok {
				written = append(written, op["value"])
			}
		}
	}
	values := map[string]any{}
	for _, text := range textsIn(written) {
		values[text] = text
	}
	// Either field may have had them: as they are, or as base64.
	return maskError(err, []gennaker.Manifest{{"apiVersion": "v1", "kind": "Secret", "data": values, "stringData": values}})
}

// textsIn returns the strings in a value.
func textsIn(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, e := range v {
			out = append(out, textsIn(e)...)
		}
	case map[string]any:
		for _, e := range v {
			out = append(out, textsIn(e)...)
		}
	}
	return out
}

// DeleteManifest implements [provider.Manifests].
func (p *Provider) DeleteManifest(ctx context.Context, key string, ref gennaker.ManifestRef, how provider.ManifestDelete) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if p.deleted.has(key) {
		return nil
	}
	if how.Grace != nil && *how.Grace < 0 {
		return gennaker.Errorf(gennaker.Invalid, "gracePeriodSeconds is %d, which is less than 0", *how.Grace)
	}
	r, err := p.resolve(ctx, ref)
	if err != nil {
		return err
	}
	m, err := p.cluster.Metadata(ctx, r)
	if err != nil {
		if gennaker.KindOf(err) == gennaker.NotFound {
			p.deleted.add(key)
			return nil
		}
		return err
	}
	policy := v1.DeletePropagationBackground
	if how.Orphan {
		policy = v1.DeletePropagationOrphan
	}
	if err := p.cluster.Delete(ctx, r, m.UID, policy, how.Grace); err != nil {
		return err
	}
	p.deleted.add(key)
	p.gone(ctx, r)
	return nil
}

// maxOutput bounds what of a container's output is returned.
const maxOutput = 16 << 20

// Output implements [provider.Manifests].
func (p *Provider) Output(ctx context.Context, ref gennaker.ManifestRef, container string, limit int64) (string, error) {
	r, err := p.resolve(ctx, ref)
	if err != nil {
		return "", err
	}
	live, err := p.cluster.Get(ctx, r)
	if err != nil {
		return "", err
	}
	var pod core.Pod
	if r.Kind.Kind != "Pod" {
		if live, err = p.newestPod(ctx, r, live); err != nil {
			return "", err
		}
	}
	if err := fromUnstructured(live.Object, &pod); err != nil {
		return "", err
	}
	if container, err = pickContainer(pod, container); err != nil {
		return "", err
	}
	return p.inventory.Output(ctx, pod.Namespace, pod.Name, container, min(limit, maxOutput), false)
}

// newestPod returns the pod that a workload made last. Those of one that lets
// other objects make them are known from the inventory.
//
// Errors: Unavailable if there is none.
func (p *Provider) newestPod(ctx context.Context, r cluster.Ref, workload *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	name := ""
	switch r.Kind.Kind {
	case "Deployment", "CronJob":
		if pods := p.inventory.Pods(r.Namespace, r.Kind.Kind, r.Name); len(pods) > 0 {
			name = pods[len(pods)-1].Name
		}
	default:
		pods, err := p.pods(ctx, workload)
		if err != nil {
			return nil, err
		}
		if len(pods) > 0 {
			name = pods[len(pods)-1].GetName()
		}
	}
	if name == "" {
		return nil, gennaker.Errorf(gennaker.Unavailable, "%s has no pod yet", r)
	}
	kind, err := p.cluster.Kind(ctx, "Pod")
	if err != nil {
		return nil, err
	}
	return p.cluster.Get(ctx, cluster.Ref{Kind: kind, Namespace: r.Namespace, Name: name})
}

// pickContainer returns the container of a name, or the first one.
//
// Errors: NotFound; Unavailable for one that has not begun.
func pickContainer(pod core.Pod, name string) (string, error) {
	var names []string
	for _, c := range slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers) {
		names = append(names, c.Name)
	}
	if name == "" && len(names) > 0 {
		name = names[0]
	}
	if !slices.Contains(names, name) {
		return "", gennaker.Errorf(gennaker.NotFound, "the pod %s has no container %q", pod.Name, name).WithHint("its containers are %s", strings.Join(names, ", "))
	}
	for _, s := range slices.Concat(pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses) {
		if s.Name == name && (s.State.Running != nil || s.State.Terminated != nil || s.LastTerminationState.Terminated != nil) {
			return name, nil
		}
	}
	return "", gennaker.Errorf(gennaker.Unavailable, "the container %s of the pod %s has not begun yet", name, pod.Name)
}

// Manifest implements [provider.Manifests].
func (p *Provider) Manifest(ctx context.Context, ref gennaker.ManifestRef) (gennaker.ManifestView, error) {
	r, err := p.resolve(ctx, ref)
	if err != nil {
		return gennaker.ManifestView{}, err
	}
	live, err := p.cluster.Get(ctx, r)
	if err != nil {
		return gennaker.ManifestView{}, err
	}
	m := live.Object
	named := manifest.Ref(p.account.Name, m)
	view := gennaker.ManifestView{
		Account: p.account.Name, Location: r.Namespace, Name: named.ManifestName(),
		Manifest: manifest.Mask(m), Moniker: manifest.MonikerOf(m), Status: manifest.StatusOf(m), Artifacts: manifest.Found(m),
		Events: []gennaker.ManifestEvent{}, Warnings: []string{},
		Serving: gennaker.ManifestTraffic{Services: []string{}},
	}
	if r.Kind.Namespaced {
		p.seen(ctx, r.Kind.GroupKind(), live)
		view.Serving = p.inventory.Traffic(r.Namespace, r.Kind.Kind, r.Name)
		view.Events = events(p.inventory.Facts(r.Namespace, r.Kind.Kind, r.Name).Events)
	}
	if view.Status.Stable.State {
		return view, nil
	}
	view.Reason = firstOf(view.Status.Failed.Message, view.Status.Stable.Message)
	if cause, ok := p.inventory.Explain(ctx, r.Namespace, r.Kind.Kind, r.Name); ok {
		view.Reason, view.Hint = cause.Sentence, cause.Hint
	}
	return view, nil
}

// maxEvents bounds those of a view.
const maxEvents = 50

// events returns what the cluster says of an object, newest first.
func events(all []*core.Event) []gennaker.ManifestEvent {
	out := []gennaker.ManifestEvent{}
	for _, e := range all {
		first, last := e.FirstTimestamp.Time, e.LastTimestamp.Time
		if last.IsZero() { // written by the newer API
			first, last = e.EventTime.Time, e.EventTime.Time
			if e.Series != nil {
				last = e.Series.LastObservedTime.Time
			}
		}
		out = append(out, gennaker.ManifestEvent{
			Kind: e.InvolvedObject.Kind, Name: e.InvolvedObject.Name, Type: e.Type, Reason: e.Reason, Message: e.Message,
			Count: int(max(1, e.Count)), First: first.UTC(), Last: last.UTC(),
		})
	}
	slices.SortStableFunc(out, func(a, b gennaker.ManifestEvent) int { return b.Last.Compare(a.Last) })
	return out[:min(len(out), maxEvents)]
}

// seen returns when what the inventory answers takes in an object as it is
// here. If that cannot be known the next read of the inventory is older.
func (p *Provider) seen(ctx context.Context, gk schema.GroupKind, o v1.Object) {
	if err := p.inventory.Await(ctx, gk, o.GetNamespace(), o.GetName(), o.GetResourceVersion()); err != nil {
		p.log.DebugContext(ctx, "the inventory has not seen a change yet", "account", p.account.Name, "object", fmt.Sprint(gk.Kind, " ", o.GetName()), "error", err)
	}
}

// gone is seen of an object that is being deleted.
func (p *Provider) gone(ctx context.Context, r cluster.Ref) {
	if err := p.inventory.Await(ctx, r.Kind.GroupKind(), r.Namespace, r.Name, ""); err != nil {
		p.log.DebugContext(ctx, "the inventory has not seen a deletion yet", "account", p.account.Name, "object", r.String(), "error", err)
	}
}
